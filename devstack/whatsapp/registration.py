"""A client that nobody has linked yet: its codes on the screen, and what became of it."""

from __future__ import annotations

import asyncio
import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from devstack.whatsapp.wire.nodes import Jid, Node

if TYPE_CHECKING:
    from devstack.whatsapp.connection import Connection


class UnknownCode(LookupError):
    """Nobody shows this code: it expired, or was never one of ours."""


class PairingRefused(Exception):
    """The client would not be linked; `code` and `text` as it said, if it did."""

    def __init__(self, code: str = "", text: str = "") -> None:
        super().__init__(f"the client refused to be linked: {code} {text}".strip())
        self.code, self.text = code, text


@dataclass(eq=False, slots=True)
class CodeEntry:
    """Pairing by eight letters, begun by the client for one phone number."""

    ref: bytes
    jid: Jid
    wrapped_ephemeral: bytes
    finished: asyncio.Future[Node]


@dataclass(eq=False, slots=True)
class Registration:
    connection: Connection
    refs: list[str] = field(default_factory=list)
    shows_qr: bool = False  # the client has confirmed the refs
    code_entry: CodeEntry | None = None

    def offer(self, count: int) -> None:
        """Give the client what it puts into one QR after the other."""
        self.refs = [f"2@{secrets.token_urlsafe(60)}" for _ in range(count)]
        nodes = [Node("ref", {}, ref.encode()) for ref in self.refs]
        reply = self.connection.request("md", Node("pair-device", {}, nodes))
        reply.add_done_callback(self._confirmed)

    def _confirmed(self, reply: asyncio.Future[Node]) -> None:
        if reply.cancelled() or reply.exception() is not None:
            return
        self.shows_qr = True
        self.connection.network.happenings.note()
