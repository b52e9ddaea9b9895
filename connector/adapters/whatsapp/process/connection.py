"""One linked number's connection, through neonize (client.py).

What neonize 0.5.2 does not survive, and how that is kept from happening here:

- starting or stopping a client while a call runs aborts the process: calls are counted,
  and `stop` gives up on stopping rather than doing it meanwhile;
- a call after `stop()` aborts the process: nothing is called once stopping began;
- a client dropped by the garbage collector stops whatever has its uuid by then: clients
  are kept, each has its own uuid;
- after a QR timeout `connect()` never returns: the process has to be replaced.
"""

from __future__ import annotations

import contextlib
import ctypes
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from connector.adapters.whatsapp.answers.look_up_errors import look_up_error
from connector.adapters.whatsapp.bounds import LONGEST_NAME, clean
from connector.adapters.whatsapp.process import orders
from connector.adapters.whatsapp.process.client import (
    ChatPresence,
    ChatPresenceMedia,
    Client,
    ClientName,
    ClientType,
    MediaType,
    NeonizeError,
    Presence,
    ReceiptType,
    device_props,
)
from connector.adapters.whatsapp.process.recorder import Recorder
from connector.adapters.whatsapp.process.send_errors import (
    errand_error,
    send_error,
    upload_error,
)
from connector.adapters.whatsapp.protobufs import e2e, events
from connector.domain.addresses import LID_SERVER
from connector.errors import ConnectorError, NotConnected, SendFailed

_LONGEST_CALL_AT_STOP: Final = 1.5
# The key scheme and the path, not what the bytes are.
_MEDIA_TYPES: Final = {
    "image": MediaType.MediaImage,
    "video": MediaType.MediaVideo,
    "audio": MediaType.MediaAudio,
    "document": MediaType.MediaDocument,
}


class Connection:
    """Dials, sends, asks and hangs up; events go to the recorder."""

    def __init__(self, store: Path, recorder: Recorder, history_days: int) -> None:
        self._store = store
        self._recorder = recorder
        self._props = device_props(history_days)
        self._clients: list[Client] = []
        self._lock = threading.Lock()
        self._dialling = False
        self._stopping = False
        self._calls = 0
        self._pairing_phone: str | None = None

    def dial(self, pairing_phone: str | None) -> None:
        """Connect, in a thread of its own; once, and again only after a failed dial."""
        with self._lock:
            if self._dialling or self._stopping:
                return
            self._dialling = True
            self._pairing_phone = pairing_phone
            client = Client(
                f"{self._store}{orders.STORE_OPTIONS}",
                props=self._props,
                uuid=f"zapbase-{len(self._clients)}",
            )
            client.prepare(self._recorder, self._on_qr)
            self._clients.append(client)
        threading.Thread(target=self._run, args=(client,), daemon=True).start()

    def send(self, to: bytes, message: bytes) -> Any:
        """Send a serialized waE2E.Message to a serialized JID; a neonize SendResponse.

        Blocks until WhatsApp answers. Raises SendFailed.
        """
        with self._doing(send_error) as client:
            return client.send_message(
                events.JID.FromString(to), e2e.Message.FromString(message)
            )

    def upload(self, plain: ctypes.Array[ctypes.c_char], media_type: str) -> Any:
        """Encrypt a file and bring it to WhatsApp's servers; a neonize UploadResponse.

        Raises NotConnected, UploadFailed.
        """
        with self._doing(upload_error) as client:
            # ctypes takes it as it takes bytes: only its address is passed on.
            return client.upload(plain, _MEDIA_TYPES[media_type])  # type: ignore[arg-type]

    def give_back(self, size: int) -> None:
        """Have Go return the memory that a file of so many bytes took in there."""
        with contextlib.suppress(NotConnected), self._calling() as client:
            client.make_go_collect(size)

    def mark_read(self, chat: bytes, sender: bytes, message_ids: Sequence[str]) -> None:
        """Tick what one sender wrote. Raises NotConnected, SendFailed."""
        with self._doing(errand_error) as client:
            client.mark_read(
                *message_ids,
                chat=events.JID.FromString(chat),
                sender=events.JID.FromString(sender),
                receipt=ReceiptType.READ,
            )

    def show_typing(self, chat: bytes, *, active: bool, recording: bool) -> None:
        """Raises NotConnected, SendFailed."""
        with self._doing(errand_error) as client:
            client.send_chat_presence(
                events.JID.FromString(chat),
                ChatPresence.CHAT_PRESENCE_COMPOSING
                if active
                else ChatPresence.CHAT_PRESENCE_PAUSED,
                ChatPresenceMedia.CHAT_PRESENCE_MEDIA_AUDIO
                if recording
                else ChatPresenceMedia.CHAT_PRESENCE_MEDIA_TEXT,
            )

    def group_info(self, jid: bytes) -> bytes:
        """Ask for a group by its serialized JID; a serialized neonize GroupInfo."""
        with self._doing(look_up_error) as client:
            return client.get_group_info(events.JID.FromString(jid)).SerializeToString()

    def picture(self, jid: bytes) -> Any:
        """Ask for somebody's picture; a neonize ProfilePictureInfo."""
        with self._doing(look_up_error) as client:
            return client.get_profile_picture(events.JID.FromString(jid))

    def look_up(self, numbers: Sequence[str]) -> list[dict[str, Any]]:
        """Ask whom phone numbers belong to; people by all addresses that are known."""
        with self._doing(look_up_error) as client:
            found = []
            for answer in client.is_on_whatsapp(*numbers):
                jids = [answer.JID] if answer.IsIn else []
                if answer.IsIn and answer.JID.Server == LID_SERVER:
                    # whatsmeow has just stored the pair.
                    with contextlib.suppress(NeonizeError):
                        jids.append(client.get_pn_from_lid(answer.JID))
                addresses = [f"{jid.User}@{jid.Server}" for jid in jids if jid.User]
                found.append(
                    {
                        "asked": answer.Query,
                        "addresses": addresses,
                        "business_name": clean(
                            answer.VerifiedName.Details.verifiedName, LONGEST_NAME
                        ),
                    }
                )
            return found

    def show_online(self, *, online: bool) -> None:
        """Say that we are looking at our messages, or not."""
        with self._doing(look_up_error) as client:
            client.send_presence(Presence.AVAILABLE if online else Presence.UNAVAILABLE)

    def disconnect(self) -> None:
        """Close the socket; events already taken in still arrive."""
        with contextlib.suppress(NotConnected), self._calling() as client:
            self._recorder.connected = False
            client.disconnect()

    def log_out(self) -> None:
        """Unlink the device. Raises NotConnected, SendFailed."""
        with self._calling() as client:
            try:
                client.logout()  # type: ignore[no-untyped-call] # neonize's omission
            except NeonizeError as error:
                raise SendFailed from error

    def stop(self) -> None:
        """Close the store in order, unless a call is stuck in neonize. The last call."""
        with self._lock:
            self._stopping = True
        deadline = time.monotonic() + _LONGEST_CALL_AT_STOP
        while self._calls and time.monotonic() < deadline:
            time.sleep(0.01)
        if self._clients and self._recorder.called.is_set() and not self._calls:
            self._clients[-1].stop()  # type: ignore[no-untyped-call] # the same

    def _run(self, client: Client) -> None:
        try:
            client.connect()
        except NeonizeError as error:
            with self._lock:
                self._recorder.called.clear()
                self._dialling = False
            self._recorder.signal("connect_error", reason=_first_words(error))

    def _on_qr(self, text: str) -> None:
        self._recorder.signal("qr", text=text)
        phone, self._pairing_phone = self._pairing_phone, None
        if phone is not None:
            threading.Thread(target=self._pair, args=(phone,), daemon=True).start()

    def _pair(self, phone: str) -> None:
        try:
            with self._calling() as client:
                code = client.PairPhone(
                    phone,
                    show_push_notification=True,
                    client_name=ClientName.LINUX,
                    client_type=ClientType.CHROME,
                )
        except NotConnected:
            return  # stopped meanwhile
        except NeonizeError:  # its words may quote the number
            self._recorder.signal("pairing_failed", reason="code_refused")
        else:
            self._recorder.signal("pairing_code", text=code)

    @contextlib.contextmanager
    def _doing(self, meaning: Callable[[str], ConnectorError]) -> Iterator[Client]:
        """Raises NotConnected, and else what neonize's sentence means."""
        with self._calling() as client:
            if not self._recorder.connected:
                raise NotConnected
            try:
                yield client
            except NeonizeError as error:
                raise meaning(str(error)) from error

    @contextlib.contextmanager
    def _calling(self) -> Iterator[Client]:
        with self._lock:
            if self._stopping or not self._recorder.called.is_set():
                raise NotConnected
            self._calls += 1
            client = self._clients[-1]
        try:
            yield client
        finally:
            with self._lock:
                self._calls -= 1


def _first_words(error: NeonizeError) -> str:
    return str(error)[:200]
