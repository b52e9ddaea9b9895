"""The test's handle on a neonize client that runs in another process."""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

from google.protobuf.message import Message

from devstack.whatsapp import SentMessage
from devstack.whatsapp.wire.binary import Jid
from devstack.whatsapp.wire.protobufs import E2E, without_the_go_library
from tests.emulator.values import packed, unpacked

with without_the_go_library():
    from neonize.proto import Neonize_pb2 as Neonize

__all__ = [
    "CallFailed",
    "Client",
    "ClientDied",
    "Neonize",
    "delivered",
    "neonize_jid",
    "plain",
    "read",
    "running_client",
    "text_of",
]

Event = TypeVar("Event", bound=Message)
Found = TypeVar("Found")

REPOSITORY = Path(__file__).parents[2]
PATIENCE = 30.0  # seconds
LONGEST_LINE = 64 * 1024 * 1024  # a chunk of history in base64
KEY_ALONE = ["senderKeyDistributionMessage"]
PROXY_VARIABLES = {"http_proxy", "https_proxy", "all_proxy", "no_proxy"}


class CallFailed(Exception):
    """neonize raised; the text is its error's."""


class ClientDied(Exception):
    """The process ended while something was expected of it."""


class Client:
    """Everything it reported is kept until a test asks for it, each thing once."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self._events: list[Message] = []
        self._lines: dict[str, list[str]] = {
            "qr": [],
            "login_status": [],
            "connect": [],
        }
        self._replies: dict[int, asyncio.Future[Any]] = {}
        self._ids = itertools.count()
        self._changed = asyncio.Condition()
        self._ended = False
        self._reading = asyncio.create_task(self._read())

    @property
    def is_running(self) -> bool:
        return not self._ended

    @property
    def pid(self) -> int:
        return self._process.pid

    # --- what it reports --------------------------------------------------------------

    async def qr(self, within: float = PATIENCE) -> str:
        return await self._line("qr", within)

    async def login_status(self, within: float = PATIENCE) -> str:
        """neonize's own word: success, timeout, or an error."""
        return await self._line("login_status", within)

    async def connect_ended(self, within: float = PATIENCE) -> str:
        """ "returned", or the exception that connecting raised."""
        return await self._line("connect", within)

    async def event(
        self,
        kind: type[Event],
        matching: Callable[[Event], object] = lambda _event: True,
        within: float = PATIENCE,
    ) -> Event:
        """The first such event that no test has taken yet."""

        def take() -> Event | None:
            for position, event in enumerate(self._events):
                if isinstance(event, kind) and matching(event):
                    del self._events[position]
                    return event
            return None

        return await self._first(take, kind.DESCRIPTOR.name, within)

    async def message(self, text: str, within: float = PATIENCE) -> Neonize.Message:
        return await self.event(
            Neonize.Message, lambda event: text_of(event.Message) == text, within
        )

    async def arrival(self, sent: SentMessage) -> Neonize.Message:
        """That message. One that brings a sender key is reported for the key as well."""
        return await self.event(
            Neonize.Message,
            lambda event: (
                sent.whatsapp_id == event.Info.ID
                and [field.name for field, _ in event.Message.ListFields()] != KEY_ALONE
            ),
        )

    def reported(self, kind: type[Event]) -> list[Event]:
        """Such events that came and that no test has taken."""
        return [event for event in self._events if isinstance(event, kind)]

    def forget(self) -> None:
        """Drop the events that came and that no test has taken."""
        self._events.clear()

    # --- what it does -----------------------------------------------------------------

    async def call(self, verb: str, *arguments: Any, within: float = 60.0) -> Any:
        """Any method of NewClient, with its result. Raises CallFailed."""
        number = next(self._ids)
        reply = self._replies[number] = asyncio.get_running_loop().create_future()
        command = {"id": number, "verb": verb, "arguments": packed(arguments)}
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(command).encode() + b"\n")
        async with asyncio.timeout(within):
            return await reply

    async def send(self, to: Jid, text: str) -> Neonize.SendResponse:
        sent = await self.call("send_message", neonize_jid(to), text)
        assert isinstance(sent, Neonize.SendResponse)
        return sent

    async def kill(self) -> None:
        """As a crash would: no chance to tidy up."""
        if self._process.returncode is None:
            self._process.kill()
        await self._process.wait()
        await self._reading

    # --- reading ----------------------------------------------------------------------

    async def _line(self, kind: str, within: float) -> str:
        waiting = self._lines[kind]
        return await self._first(
            lambda: waiting.pop(0) if waiting else None, kind, within
        )

    async def _first(
        self, take: Callable[[], Found | None], what: str, within: float
    ) -> Found:
        try:
            async with asyncio.timeout(within), self._changed:
                while (found := take()) is None:
                    if self._ended:
                        raise ClientDied(f"before it reported {what}")
                    await self._changed.wait()
                return found
        except TimeoutError:
            had = ", ".join(event.DESCRIPTOR.name for event in self._events)
            raise TimeoutError(f"no {what} in {within:g} s, only: {had}") from None

    async def _read(self) -> None:
        assert self._process.stdout is not None
        try:
            async for line in self._process.stdout:
                self._take(json.loads(line))
                async with self._changed:
                    self._changed.notify_all()
        finally:
            self._ended = True
            for reply in self._replies.values():
                reply.cancel()
            async with self._changed:
                self._changed.notify_all()

    def _take(self, report: dict[str, Any]) -> None:
        if "event" in report:
            self._events.append(unpacked(report["event"]))
        elif "reply" in report:
            reply = self._replies.pop(report["reply"])
            if reply.done():
                return
            if "error" in report:
                reply.set_exception(CallFailed(report["error"]))
            else:
                reply.set_result(unpacked(report["result"]))
        else:
            [(kind, value)] = report.items()
            self._lines[kind].append(value)


@asynccontextmanager
async def running_client(
    environment: Mapping[str, str], store: Path, *, new_device: bool = False
) -> AsyncIterator[Client]:
    """A client that connects at once: by QR, or with what `store` remembers.

    `environment` is the emulator's. What the process prints is beside the store.
    """
    store.parent.mkdir(parents=True, exist_ok=True)
    inherited = {
        name: value
        for name, value in os.environ.items()
        if name.lower() not in PROXY_VARIABLES
    }
    options = ["new"] if new_device else []
    with store.with_suffix(".log").open("ab") as log:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.emulator.client_process"),
            *(str(store), *options),
            env=inherited | dict(environment),
            cwd=REPOSITORY,
            stdin=PIPE,
            stdout=PIPE,
            stderr=log,
            limit=LONGEST_LINE,
        )
    client = Client(process)
    try:
        yield client
    finally:
        await client.kill()


def neonize_jid(jid: Jid) -> Neonize.JID:
    return Neonize.JID(
        User=jid.user, Server=jid.server, Device=jid.device, RawAgent=0, Integrator=0
    )


def plain(jid: Neonize.JID) -> Jid:
    return Jid(jid.User, jid.Server, jid.Device)


def text_of(message: E2E.Message) -> str:
    return message.conversation or message.extendedTextMessage.text


def delivered(message_id: str) -> Callable[[Neonize.Receipt], bool]:
    return _receipt(message_id, Neonize.Receipt.DELIVERED)


def read(message_id: str) -> Callable[[Neonize.Receipt], bool]:
    return _receipt(message_id, Neonize.Receipt.READ)


def _receipt(message_id: str, kind: int) -> Callable[[Neonize.Receipt], bool]:
    return lambda receipt: receipt.Type == kind and message_id in receipt.MessageIDs
