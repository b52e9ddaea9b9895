"""One question of a client and the two ways to answer it."""

from __future__ import annotations

from dataclasses import dataclass

from devstack.whatsapp.connection import Connection
from devstack.whatsapp.devices import LinkedDevice
from devstack.whatsapp.network import Network
from devstack.whatsapp.wire.errors import DecodeError
from devstack.whatsapp.wire.nodes import SERVER_JID, Attributes, Node

REFUSALS = {
    code: (code, text)
    for code, text in (
        (400, "bad-request"),
        (401, "not-authorized"),
        (403, "forbidden"),
        (404, "item-not-found"),
        (429, "rate-overlimit"),
        (500, "internal-server-error"),
        (503, "service-unavailable"),
    )
}
ITEM_NOT_FOUND = REFUSALS[404]


@dataclass(frozen=True, slots=True)
class Query:
    network: Network
    connection: Connection
    iq: Node

    @property
    def device(self) -> LinkedDevice:
        """Who asks. Raises DecodeError before the login."""
        if self.connection.device is None:
            raise DecodeError("this question needs a login")
        return self.connection.device

    @property
    def subject(self) -> Node:
        """The element inside. Raises DecodeError when there is none."""
        if not self.iq.children:
            raise DecodeError("the question is empty")
        return self.iq.children[0]

    def answer(self, *children: Node) -> None:
        self.connection.send(Node("iq", self._attributes("result"), list(children)))

    def refuse(self, code: int, text: str) -> None:
        error = Node("error", {"code": code, "text": text})
        self.connection.send(Node("iq", self._attributes("error"), [error]))

    def _attributes(self, kind: str) -> Attributes:
        answered_by = self.iq.attrs.get("to") or SERVER_JID
        return {"from": answered_by, "id": self.iq.attr("id"), "type": kind}
