"""Groups: who is in them, how the server describes them, and news about them."""

from __future__ import annotations

import random
from collections.abc import Iterable
from typing import TYPE_CHECKING, Literal

from devstack.whatsapp.messages import new_message_id
from devstack.whatsapp.network import unix_now
from devstack.whatsapp.wire.nodes import GROUP, Attributes, Jid, Node

if TYPE_CHECKING:
    from devstack.whatsapp.devices import LinkedDevice
    from devstack.whatsapp.people import Person


class Group:
    """Made by `WhatsApp.group`; the owner is always a member."""

    def __init__(
        self,
        subject: str,
        owner: Person,
        members: Iterable[Person],
        addressing: Literal["lid", "pn"] = "lid",
    ) -> None:
        self.jid = Jid(f"1203630{random.randrange(10**11, 10**12)}", GROUP)
        self.subject, self.owner, self.addressing = subject, owner, addressing
        self.members = list(dict.fromkeys([owner, *members]))
        self.created_at = unix_now()
        self._version = 1

    @property
    def linked_devices(self) -> list[LinkedDevice]:
        return [device for one in self.members for device in one.linked_devices]

    def adds(self, *people: Person) -> None:
        """The owner adds people; everyone's linked devices are told."""
        self.members = list(dict.fromkeys([*self.members, *people]))
        self._tell("add", people)

    def removes(self, *people: Person) -> None:
        """The owner removes people; what is said afterwards is not for them."""
        self._tell("remove", people)
        self.members = [one for one in self.members if one not in people]
        for member in self.members:
            for device in member.emulated_devices:
                device.change_sender_key(str(self.jid))

    def renames(self, subject: str) -> None:
        self.subject = subject
        attrs: Attributes = {
            "subject": subject,
            "s_t": unix_now(),
            "s_o": self._of(self.owner),
        }
        self._notify(Node("subject", attrs))

    def announce(self) -> None:
        """Tell the members' linked devices that they are in a new group."""
        attrs: Attributes = {"type": "new", "key": new_message_id(), "reason": "invite"}
        self._notify(Node("create", attrs, [self.description()]))

    def description(self) -> Node:
        """`<group>` as the server answers it, its id without a server part."""
        owner = self._of(self.owner)
        return Node(
            "group",
            {
                "id": self.jid.user,
                "creator": owner,
                "creation": self.created_at,
                "subject": self.subject,
                "s_t": self.created_at,
                "s_o": owner,
                "size": len(self.members),
                "addressing_mode": self.addressing,
                "p_v_id": self._version,
                "a_v_id": self._version,
            },
            [self._participant(member) for member in self.members],
        )

    def _participant(self, member: Person) -> Node:
        rank = "superadmin" if member is self.owner else None
        if self.addressing == "lid":
            jids: Attributes = {"jid": member.lid, "phone_number": member.jid}
        else:
            jids = {"jid": member.jid, "lid": member.lid}
        return Node("participant", {**jids, "type": rank})

    def _of(self, person: Person) -> Jid:
        return person.lid if self.addressing == "lid" else person.jid

    def _tell(self, change: str, people: Iterable[Person]) -> None:
        before, self._version = self._version, self._version + 1
        versions: Attributes = {
            "v_id": self._version,
            "prev_v_id": before,
            "reason": "invite",
        }
        self._notify(Node(change, versions, [self._participant(p) for p in people]))

    def _notify(self, news: Node) -> None:
        attrs: Attributes = {
            "from": self.jid,
            "type": "w:gp2",
            "id": new_message_id(),
            "t": unix_now(),
            "participant": self._of(self.owner),
            "participant_pn": self.owner.jid,
            "notify": self.owner.name,
        }
        for device in self.linked_devices:
            device.deliver(Node("notification", attrs, [news]))
