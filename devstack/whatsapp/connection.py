"""One client's websocket: the Noise handshake, then stanzas in and out, in order.

Everything but the socket itself is synchronous: a stanza that arrived has been dealt
with before the next one is looked at, and `send` only queues. What leaves within one
turn of the event loop leaves in one websocket message.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Protocol

from aiohttp import WSMsgType, web

from devstack.whatsapp.frames import Direction
from devstack.whatsapp.network import Network
from devstack.whatsapp.wire.binary import decode, encode
from devstack.whatsapp.wire.errors import WireError
from devstack.whatsapp.wire.nodes import SERVER_JID, Node
from devstack.whatsapp.wire.noise import HEADER, Deframer, NoiseServer, frame
from devstack.whatsapp.wire.protobufs import Wa6

if TYPE_CHECKING:
    from devstack.whatsapp.devices import LinkedDevice
    from devstack.whatsapp.login_book import Login
    from devstack.whatsapp.registration import Registration

log = logging.getLogger(__name__)

# Between the client's last handshake message and our first stanza lies a real round
# trip. Without it clients meet races that do not exist outside.
ROUND_TRIP = 0.03  # seconds
LARGEST_BATCH = 64 * 1024  # bytes in one websocket message


class ConnectionClosed(Exception):
    """The client went away before it answered."""


class Receiver(Protocol):
    """What the server does with a connection."""

    def greet(self, connection: Connection) -> None: ...
    def receive(self, connection: Connection, stanza: Node) -> None: ...
    def part(self, connection: Connection) -> None: ...


class Connection:
    def __init__(
        self,
        socket: web.WebSocketResponse,
        transport: asyncio.Transport | None,
        network: Network,
        receiver: Receiver,
        noise_for: Callable[[bytes], NoiseServer],
        caller: str = "",
    ) -> None:
        self._socket, self._transport = socket, transport
        self.network, self._receiver, self._noise_for = network, receiver, noise_for
        self._loop = asyncio.get_running_loop()
        self._noise: NoiseServer | None = None
        self._deframer = Deframer()
        self._answered_hello = False
        self._outgoing: deque[tuple[bytes, str | None]] = deque()
        self._held: list[bytes] = []
        self._early: list[Node] | None = []
        self._wake = asyncio.Event()
        self._ending = False
        self._requests: dict[str, asyncio.Future[Node]] = {}
        self._request_count = 0
        self.payload: Wa6.ClientPayload | None = None
        self.noise_public = b""
        self.device: LinkedDevice | None = None
        self.caller, self.opened_at = caller, time.time()
        self.login: Login | None = None
        self.registration: Registration | None = None
        self.is_open = True
        self.is_active = False  # it said that it wants its stanzas
        self.frozen = network.faults.frozen

    # --- the socket -----------------------------------------------------------------

    async def run(self) -> None:
        """Serve until either side ends it."""
        writer = asyncio.create_task(self._write())
        try:
            async for message in self._socket:
                if message.type is WSMsgType.BINARY:
                    self._take(message.data)
        finally:
            self._end()
            writer.cancel()
            with suppress(asyncio.CancelledError):
                await writer

    async def _write(self) -> None:
        with suppress(ConnectionError):
            while True:
                await self._wake.wait()
                self._wake.clear()
                while self._outgoing and not self.frozen:
                    await self._write_batch()
                if self._ending and not self._outgoing:
                    await self._socket.close()
                    return

    async def _write_batch(self) -> None:
        batch, message_ids = bytearray(), []
        while self._outgoing and len(batch) < LARGEST_BATCH:
            data, message_id = self._outgoing.popleft()
            batch += data
            if message_id is not None:
                message_ids.append(message_id)
        await self._socket.send_bytes(bytes(batch))
        if self.device is not None:
            for message_id in message_ids:
                self.network.frames.passed(Direction.TO_DEVICE, self.device, message_id)

    def _end(self) -> None:
        self.is_open = self.is_active = False
        for reply in self._requests.values():
            if not reply.done():
                reply.set_exception(ConnectionClosed())
                reply.exception()  # nobody may be waiting: that is no fault
        self._requests.clear()
        self._receiver.part(self)

    # --- in -------------------------------------------------------------------------

    def _take(self, data: bytes) -> None:
        if self.frozen:
            self._held.append(data)
            return
        try:
            noise = self._noise
            if noise is None:
                noise, data = self._take_header(data)
            for body in self._deframer.feed(data):
                self._take_frame(noise, body)
        except WireError as error:
            log.warning("a client was cut off: %s", error)
            self.abort()

    def _take_header(self, data: bytes) -> tuple[NoiseServer, bytes]:
        header, rest = data[: len(HEADER)], data[len(HEADER) :]
        if header != HEADER:
            raise WireError(f"the header {header.hex()} is not {HEADER.hex()}")
        self._noise = noise = self._noise_for(header)
        return noise, rest

    def _take_frame(self, noise: NoiseServer, body: bytes) -> None:
        if self.payload is not None:
            self._take_stanza(decode(noise.decrypt(body)))
        elif self._answered_hello:
            self.payload, self.noise_public = noise.client_finish(body)
            self._loop.call_later(ROUND_TRIP, self._greet)
        else:
            self._queue(noise.client_hello(body))
            self._answered_hello = True

    def _greet(self) -> None:
        if not self.is_open:
            return
        self._receiver.greet(self)
        early, self._early = self._early, None
        for stanza in early or []:
            self._take_stanza(stanza)

    def _take_stanza(self, stanza: Node) -> None:
        if self._early is not None:
            # A client that reconnected repeats its questions before it is greeted.
            self._early.append(stanza)
            return
        if self.network.trace is not None:
            self.network.trace("C>", stanza)
        if stanza.tag == "message" and self.device is not None:
            self.network.frames.passed(
                Direction.FROM_DEVICE, self.device, stanza.attr("id")
            )
        if stanza.tag == "iq" and stanza.attr("type") in ("result", "error"):
            reply = self._requests.pop(stanza.attr("id"), None)
            if reply is not None and not reply.done():
                reply.set_result(stanza)
            return
        self._receiver.receive(self, stanza)

    # --- out ------------------------------------------------------------------------

    def send(self, stanza: Node) -> None:
        if not self.is_open or self._noise is None:
            return
        if self.network.trace is not None:
            self.network.trace("S>", stanza)
        is_message = stanza.tag == "message"
        self._queue(
            self._noise.encrypt(encode(stanza)),
            stanza.attr("id") if is_message else None,
        )

    def _queue(self, body: bytes, message_id: str | None = None) -> None:
        self._outgoing.append((frame(body), message_id))
        self._wake.set()

    def request(self, xmlns: str, *children: Node, **attrs: str | int) -> _Reply:
        """Send an iq of type set; the future is the client's reply.

        It raises ConnectionClosed when the client goes away instead.
        """
        self._request_count += 1
        request_id = f"srv-{self._request_count}"
        reply: asyncio.Future[Node] = self._loop.create_future()
        self._requests[request_id] = reply
        self.send(
            Node(
                "iq",
                {
                    "from": SERVER_JID,
                    "type": "set",
                    "id": request_id,
                    "xmlns": xmlns,
                    **attrs,
                },
                list(children),
            )
        )
        return reply

    # --- its end --------------------------------------------------------------------

    def close(self, after: float = 0.0) -> None:
        """End it in order, `after` seconds from now, once all is written."""
        self._loop.call_later(after, self._close)

    def _close(self) -> None:
        self._ending = True
        self._wake.set()

    def abort(self) -> None:
        """The network broke: nothing more is written, and nobody says goodbye."""
        if self._transport is not None:
            self._transport.abort()

    def freeze(self) -> None:
        """Say and hear nothing more, while TCP stays up."""
        self.frozen = True

    def thaw(self) -> None:
        """Go on where `freeze` left off: nothing was lost in between."""
        self.frozen = False
        held, self._held = self._held, []
        for data in held:
            self._take(data)
        self._wake.set()


_Reply = asyncio.Future[Node]
