"""Calls: they ring on linked devices, which cannot answer them."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

from devstack.whatsapp.groups import Group
from devstack.whatsapp.messages import new_message_id
from devstack.whatsapp.network import unix_now
from devstack.whatsapp.verbs.speaking import Speaker
from devstack.whatsapp.wire.nodes import Attributes, Node

if TYPE_CHECKING:
    from devstack.whatsapp.people import Person


@dataclass(frozen=True, slots=True)
class Call:
    """One that rings: `ends` stops that."""

    id: str
    caller: Person
    to: Person | Group
    video: bool
    at: int  # Unix seconds

    async def ends(self, reason: str = "timeout") -> None:
        """Also "accepted_elsewhere" and "rejected_elsewhere": the owner's phone did."""
        self.tell(Node("terminate", {**self.details(), "reason": reason}))

    def details(self) -> Attributes:
        group = self.to.jid if isinstance(self.to, Group) else None
        return {
            "call-id": self.id,
            "call-creator": self.caller.lid,
            "caller_pn": self.caller.jid,
            "group-jid": group,
        }

    def tell(self, news: Node) -> None:
        attrs: Attributes = {
            "from": self.caller.lid,
            "id": new_message_id(),
            "t": unix_now(),
            "platform": "android",
            "version": "2.26.30",
            "notify": self.caller.name,
        }
        for device in self.to.linked_devices:
            if device.person is not self.caller:
                device.deliver(Node("call", attrs, [news]))


class Caller(Speaker):
    async def calls(self, to: Person | Group, *, video: bool = False) -> Call:
        """A group's call comes as a notice, somebody's own as an offer."""
        call_id = secrets.token_hex(16).upper()
        call = Call(call_id, self._self, to, video, unix_now())
        if isinstance(to, Group):
            media = "video" if video else "audio"
            notice = {**call.details(), "media": media, "type": "group"}
            call.tell(Node("offer_notice", notice))
            return call
        streams = [Node("audio", {"enc": "opus", "rate": 16_000})]
        if video:
            streams.append(Node("video", {"enc": "vp8", "dec": "vp8"}))
        call.tell(Node("offer", call.details(), streams))
        return call
