"""A real, unmodified neonize client in a process of its own.

    python -m tests.emulator.client_process <store> [new]

Commands come as lines of JSON on standard input: a method of NewClient, or a verb below.
Answers and events leave on what was standard output; neonize prints there as well, so
what it prints goes to standard error.
"""

from __future__ import annotations

import ctypes
import json
import os
import sys
import threading
import time
import traceback
from collections.abc import Callable
from operator import attrgetter
from typing import Any, Final

from neonize.client import NewClient
from neonize.events import EVENT_TO_INT
from neonize.proto.Neonize_pb2 import ReturnFunctionWithError
from neonize.proto.waE2E.WAWebProtobufsE2E_pb2 import DocumentMessage, Message
from neonize.utils.enum import (
    ChatPresence,
    ChatPresenceMedia,
    MediaType,
    Presence,
    ReceiptType,
)

from tests.emulator.values import packed, unpacked

DEVICE_IS_NOT_AN_EVENT = 0  # its code: neonize keeps it to itself, as client.me


class Reports:
    """Lines to the test; written by the threads of Go as well as our own."""

    def __init__(self) -> None:
        self._lines = os.fdopen(os.dup(1), "w", buffering=1)
        os.dup2(2, 1)
        self._lock = threading.Lock()

    def write(self, **line: Any) -> None:
        with self._lock:
            self._lines.write(json.dumps(line) + "\n")


class Client(NewClient):
    """Also reports what neonize has no event for: how the login ended."""

    def __init__(self, store: str, reports: Reports, *, new_device: bool) -> None:
        super().__init__(store, uuid="client", new_device=new_device)
        self._reports = reports
        for kind, code in EVENT_TO_INT.items():
            if code != DEVICE_IS_NOT_AN_EVENT:
                self.event(kind)(self._report_event)
        self.event.qr(lambda _client, code: reports.write(qr=code.decode()))

    def _report_event(self, _client: NewClient, event: Any) -> None:
        self._reports.write(event=packed(event))

    # The name that neonize calls, its class's private one.
    def _NewClient__onLoginStatus(self, _uuid: int, status: int) -> None:  # noqa: N802
        self._reports.write(login_status=ctypes.string_at(status).decode())

    def run(self) -> None:
        """Blocks until the client is stopped."""
        try:
            self.connect()
            self._reports.write(connect="returned")
        except Exception as error:  # noqa: BLE001 - the test decides what it means
            self._reports.write(connect=repr(error))


def mark_read(client: NewClient, chat: Any, *message_ids: str) -> None:
    client.mark_read(*message_ids, chat=chat, sender=chat, receipt=ReceiptType.READ)


def mark_read_in_group(
    client: NewClient, group: Any, sender: Any, *message_ids: str
) -> None:
    client.mark_read(*message_ids, chat=group, sender=sender, receipt=ReceiptType.READ)


def come_online(client: NewClient) -> None:
    client.send_presence(Presence.AVAILABLE)


def show_typing(client: NewClient, chat: Any, doing: str) -> None:
    paused, recording = doing == "paused", doing == "recording"
    states, media = ChatPresence, ChatPresenceMedia
    client.send_chat_presence(
        chat,
        states.CHAT_PRESENCE_PAUSED if paused else states.CHAT_PRESENCE_COMPOSING,
        media.CHAT_PRESENCE_MEDIA_AUDIO
        if recording
        else media.CHAT_PRESENCE_MEDIA_TEXT,
    )


def send_many(client: NewClient, chat: Any, count: int) -> float:
    """Send so many texts one after the other; the seconds it took."""
    started = time.monotonic()
    for number in range(count):
        client.send_message(chat, f"bare {number}")
    return time.monotonic() - started


def send_documents(client: NewClient, chat: Any, count: int, size: int) -> float:
    """Upload so many files of `size` bytes and send them; the seconds it took."""
    files = [os.urandom(size) for _ in range(count)]
    started = time.monotonic()
    for data in files:
        uploaded = client.upload(data, MediaType.MediaDocument)
        document = DocumentMessage(
            URL=uploaded.url,
            directPath=uploaded.DirectPath,
            mediaKey=uploaded.MediaKey,
            fileSHA256=uploaded.FileSHA256,
            fileEncSHA256=uploaded.FileEncSHA256,
            fileLength=uploaded.FileLength,
            mimetype="application/octet-stream",
        )
        client.send_message(chat, Message(documentMessage=document))
    return time.monotonic() - started


def opened_vote(client: NewClient, vote: Any) -> Any:
    """What decrypt_poll_vote should return: neonize reads the answer the wrong way."""
    library = client._NewClient__client  # type: ignore[attr-defined]
    data = vote.SerializeToString()
    answer = library.DecryptPollVote(client.uuid, data, len(data)).contents.get_bytes()
    decrypted = ReturnFunctionWithError.FromString(answer)
    if decrypted.Error:
        raise ValueError(decrypted.Error)
    return decrypted.PollVoteMessage


VERBS: Final[dict[str, Callable[..., Any]]] = {
    "mark_read": mark_read,
    "mark_read_in_group": mark_read_in_group,
    "come_online": come_online,
    "show_typing": show_typing,
    "send_many": send_many,
    "send_documents": send_documents,
    "opened_vote": opened_vote,
}


def perform(client: NewClient, verb: str, arguments: list[Any]) -> Any:
    if verb in VERBS:
        return VERBS[verb](client, *arguments)
    found = attrgetter(verb)(client)
    return found(*arguments) if callable(found) else found


def obey(client: NewClient, reports: Reports, command: dict[str, Any]) -> None:
    try:
        result = perform(client, command["verb"], unpacked(command["arguments"]))
        reports.write(reply=command["id"], result=packed(result))
    except Exception as error:  # noqa: BLE001 - the test decides what it means
        traceback.print_exc()
        reports.write(reply=command["id"], error=f"{type(error).__name__}: {error}")


def main(store: str, *options: str) -> None:
    reports = Reports()
    client = Client(store, reports, new_device="new" in options)
    threading.Thread(target=client.run, daemon=True).start()
    for line in sys.stdin:
        command = json.loads(line)
        threading.Thread(
            target=obey, args=(client, reports, command), daemon=True
        ).start()
    # The test is gone. Go's threads would keep the process alive.
    os._exit(0)


if __name__ == "__main__":
    main(*sys.argv[1:])
