"""The emulated WhatsApp as a whole: start it, invent people, break things, wait."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Literal

from aiohttp import web

from devstack.whatsapp.connection import Connection
from devstack.whatsapp.faults import Subject
from devstack.whatsapp.frames import Frames
from devstack.whatsapp.groups import Group
from devstack.whatsapp.happenings import PATIENCE, Waiting
from devstack.whatsapp.login_book import Login
from devstack.whatsapp.look_ups import LookUps
from devstack.whatsapp.media_host import MediaHost
from devstack.whatsapp.network import Network
from devstack.whatsapp.newsletters import Newsletter
from devstack.whatsapp.people import Person
from devstack.whatsapp.proxy import ConnectProxy
from devstack.whatsapp.receipt_book import ClientReceipt
from devstack.whatsapp.repetitions import Repetition
from devstack.whatsapp.server import ChatServer
from devstack.whatsapp.wire import tls
from devstack.whatsapp.wire.curve import KeyPair
from devstack.whatsapp.wire.nodes import Node
from devstack.whatsapp.wire.noise import CertificateAuthority, NoiseServer

TRUST = Path(__file__).parent / "trust"
LARGEST_UPLOAD = 256 * 1024 * 1024
LARGEST_FRAME = 16 * 1024 * 1024
HANG_UP_WITHIN = 1.0  # seconds that the other side has to close as well


class WhatsApp:
    """Use `async with WhatsApp.start(directory) as whatsapp`."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._network = Network()
        self._server = ChatServer(self._network)
        self._authority = CertificateAuthority()
        self._static = KeyPair()
        self._ca_bundle = directory
        self._runner: web.AppRunner | None = None
        self._proxy = ConnectProxy(
            self._network.escaped, lambda: self._network.faults.refusing
        )

    @classmethod
    @asynccontextmanager
    async def start(cls, directory: Path) -> AsyncIterator[WhatsApp]:
        """Serve on free ports of 127.0.0.1 until the block ends."""
        whatsapp = cls(directory)
        try:
            await whatsapp._listen()
            yield whatsapp
        finally:
            await whatsapp._stop()

    async def _listen(self) -> None:
        self._directory.mkdir(parents=True, exist_ok=True)
        secured = tls.issue(self._directory)
        self._ca_bundle = secured.ca_bundle
        application = web.Application(client_max_size=LARGEST_UPLOAD)
        application.router.add_get("/ws/chat", self._chat)
        application.router.add_route("*", "/{path:.*}", self._network.media.answer)
        self._runner = web.AppRunner(
            application, access_log=None, shutdown_timeout=HANG_UP_WITHIN
        )
        await self._runner.setup()
        await web.TCPSite(
            self._runner, "127.0.0.1", 0, ssl_context=secured.context
        ).start()
        await self._proxy.start(tls_port=self._runner.addresses[0][1])

    async def _stop(self) -> None:
        for connection in tuple(self._network.connections):
            connection.abort()
        await self._proxy.stop()
        if self._runner is not None:
            await self._runner.cleanup()

    async def _chat(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(
            compress=False, max_msg_size=LARGEST_FRAME, timeout=HANG_UP_WITHIN
        )
        await socket.prepare(request)
        connection = Connection(
            socket,
            request.transport,
            self._network,
            self._server,
            self._noise_for,
            self._caller(request.transport),
        )
        self._network.connections.add(connection)
        await connection.run()
        return socket

    def _caller(self, transport: asyncio.BaseTransport | None) -> str:
        peer = transport.get_extra_info("peername") if transport is not None else None
        return self._proxy.caller(peer[1]) if peer else ""

    def _noise_for(self, header: bytes) -> NoiseServer:
        chain = self._authority.chain(self._static.public)
        return NoiseServer(self._static, chain, header)

    @property
    def environment(self) -> dict[str, str]:
        """Add this to a program's environment before it starts.

        The Go library inside neonize reads it at exec(), and never again.
        """
        proxy = f"http://127.0.0.1:{self._proxy.port}"
        direct = "127.0.0.1,localhost"
        inherited = os.environ.get("PYTHONPATH")
        paths = [str(TRUST), *([inherited] if inherited else [])]
        return {
            "SSL_CERT_FILE": str(self._ca_bundle),
            "HTTPS_PROXY": proxy,
            "https_proxy": proxy,
            "NO_PROXY": direct,
            "no_proxy": direct,
            "NEONIZE_BOT_TAG": "off",
            "PYTHONPATH": os.pathsep.join(paths),
            "ZAPBASE_EMULATOR_ROOT_KEY": self._authority.root_public.hex(),
        }

    # --- people and groups ------------------------------------------------------------

    def person(
        self,
        number: str,
        name: str,
        *,
        on_whatsapp: bool = True,
        emulated_devices: int = 1,
        also_written: Iterable[str] = (),
    ) -> Person:
        """Invent somebody with a phone; more emulated devices receive what it does.

        `also_written` are other ways to write the number, such as a Brazilian one
        without its ninth digit: WhatsApp knows them, and answers with this one.
        """
        person = Person(self._network, number, name, emulated_devices=emulated_devices)
        person.on_whatsapp = on_whatsapp
        for user in (person.number, person.lid_user, *also_written):
            self._network.people[user] = person
        return person

    def group(
        self,
        subject: str,
        owner: Person,
        members: Iterable[Person] = (),
        addressing: Literal["lid", "pn"] = "lid",
    ) -> Group:
        """Make a group; members' devices that are linked already learn of it."""
        group = Group(subject, owner, members, addressing)
        self._network.groups[group.jid.user] = group
        group.announce()
        return group

    def newsletter(self, name: str, followers: Iterable[Person] = ()) -> Newsletter:
        return Newsletter(name, followers)

    # --- what happened ----------------------------------------------------------------

    @property
    def unanswered(self) -> list[Node]:
        """What clients asked or said that this server does not know."""
        return self._network.unanswered

    @property
    def escaped(self) -> list[str]:
        """Requests for other hosts than WhatsApp's, all refused."""
        return self._network.escaped

    @property
    def asked_again(self) -> set[str]:
        """Ids of what phones could not read at first: it is heard when it came again."""
        return self._network.asked_again

    @property
    def repetitions(self) -> list[Repetition]:
        """What phones ignored, since its place in the ratchet was used before."""
        return self._network.repetitions.all

    @property
    def frames(self) -> Frames:
        return self._network.frames

    @property
    def media(self) -> MediaHost:
        return self._network.media

    @property
    def look_ups(self) -> LookUps:
        """What linked devices asked about groups, pictures and numbers."""
        return self._network.look_ups

    @property
    def logins(self) -> list[Login]:
        """Every login of a linked device, by whom and how long, oldest first."""
        return self._network.logins.all

    def refuse_look_ups(self, code: int, times: int, subject: Subject) -> None:
        """Refuse the next ones about a "group", "groups", "picture" or "number".

        429 is WhatsApp's word for too many; 401, 403, 404, 500 and 503 are known too.
        """
        self._network.faults.refusals.add(code, times, subject)

    def slow_look_ups(self, seconds: float) -> None:
        """From now on they take that long; several may be under way at once."""
        self._network.faults.look_ups_take = seconds

    @property
    def receipts(self) -> list[ClientReceipt]:
        """What linked devices confirmed, oldest first."""
        return self._network.receipts.all

    def receipted(
        self, message_id: str, kind: str | None = None, timeout: float = PATIENCE
    ) -> Waiting[ClientReceipt]:
        """Wait for a linked device's receipt; kind "" is delivered, None any."""
        return self._network.happenings.first(
            lambda: self._network.receipts.about(message_id, kind),
            "a receipt",
            timeout,
        )

    def until(
        self, condition: Callable[[], bool], timeout: float = PATIENCE
    ) -> Waiting[None]:
        """Wait until anything about this world holds."""
        return self._network.happenings.until(condition, "a condition", timeout)

    @property
    def trace(self) -> Callable[[str, Node], None] | None:
        """Called with "C>" or "S>" and each stanza; for a person who debugs."""
        return self._network.trace

    @trace.setter
    def trace(self, see: Callable[[str, Node], None] | None) -> None:
        self._network.trace = see

    # --- faults of the whole server ---------------------------------------------------

    @property
    def qr_refs(self) -> int:
        """How many QR codes a client gets: 1 expires in 20 s, the usual 6 in 160 s."""
        return self._network.qr_refs

    @qr_refs.setter
    def qr_refs(self, count: int) -> None:
        self._network.qr_refs = count

    @property
    def next_ack_error(self) -> int | None:
        """Refuse the next message: 463, 479, 420 and 429 are known codes."""
        return self._network.faults.next_ack_error

    @next_ack_error.setter
    def next_ack_error(self, code: int | None) -> None:
        self._network.faults.next_ack_error = code

    def freeze(self) -> None:
        """Go silent on every connection, present and new, while TCP stays up."""
        self._network.faults.frozen = True
        for connection in self._network.connections:
            connection.freeze()

    def thaw(self) -> None:
        """Go on where `freeze` left off."""
        self._network.faults.frozen = False
        for connection in tuple(self._network.connections):
            connection.thaw()

    def refuse_connections(self) -> None:
        """Be unreachable for whoever connects; those who are connected stay."""
        self._network.faults.refusing = True

    def accept_connections(self) -> None:
        self._network.faults.refusing = False

    def drop_everyone(self) -> None:
        """Break every TCP connection."""
        for connection in tuple(self._network.connections):
            connection.abort()
