"""Groups: who is in them, and everything that members and admins do to them."""

from __future__ import annotations

import random
from collections.abc import Iterable
from datetime import timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING, Literal, TypeAlias

from devstack.whatsapp import group_stanzas
from devstack.whatsapp.messages import new_message_id
from devstack.whatsapp.network import unix_now
from devstack.whatsapp.pictures import Picture
from devstack.whatsapp.wire.nodes import GROUP, Jid, Node

if TYPE_CHECKING:
    from devstack.whatsapp.devices import LinkedDevice
    from devstack.whatsapp.people import Person
    from devstack.whatsapp.timers import Timer

Rank: TypeAlias = Literal["superadmin", "admin"] | None


class Group:
    """Made by `WhatsApp.group`; the owner is always a member.

    Every verb takes `by=`, who does it: the owner unless it is said.
    """

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
        self.admins: list[Person] = [owner]
        self.created_at = self.subject_at = unix_now()
        self.subject_by = owner
        self.description: group_stanzas.Described | None = None
        self.picture: Picture | None = None
        self.picture_refusal: int | None = None  # 401 or 403, to who asks for it
        self.timer: Timer | None = None
        self.admins_only = self.is_locked = self.is_deleted = False
        self.version = 1
        self.asked_about = 0  # how often clients asked what it is like

    @property
    def linked_devices(self) -> list[LinkedDevice]:
        return [device for one in self.members for device in one.linked_devices]

    def rank(self, member: Person) -> Rank:
        if member not in self.admins:
            return None
        return "superadmin" if member is self.owner else "admin"

    def refusal(self, sender: Person, stanza_type: str) -> int | None:
        """What the server answers who may not speak here; reactions are for all members."""
        if self.is_deleted:
            return HTTPStatus.NOT_FOUND.value
        is_silenced = self.admins_only and stanza_type != "reaction"
        if sender not in (self.admins if is_silenced else self.members):
            return HTTPStatus.FORBIDDEN.value
        return None

    # --- members ----------------------------------------------------------------------

    def announce(self) -> None:
        """Tell the members' linked devices that they are in a new group."""
        self._notify(group_stanzas.created(self, is_new=True), self.owner)

    def adds(self, *people: Person, by: Person | None = None) -> None:
        """Those who are added learn of the whole group, the others only of them."""
        before = self.linked_devices
        self.members = list(dict.fromkeys([*self.members, *people]))
        self._notify(self._change("add", people), by, before)
        added = [device for person in people for device in person.linked_devices]
        self._notify(group_stanzas.created(self, is_new=False), by, added)

    def joins(self, person: Person) -> None:
        """By the invitation link."""
        before = self.linked_devices
        self.members = list(dict.fromkeys([*self.members, person]))
        news = self._change("add", [person], reason="invite")
        self._notify(news, person, before)
        joined = group_stanzas.created(self, is_new=False, reason="invite")
        self._notify(joined, person, person.linked_devices)

    def removes(self, *people: Person, by: Person | None = None) -> None:
        """What is said afterwards is not for them."""
        self._notify(self._change("remove", people), by)
        self._without(people)

    def leaves(self, person: Person) -> None:
        self._notify(self._change("remove", [person]), person)
        self._without([person])

    def promotes(self, *people: Person, by: Person | None = None) -> None:
        self.admins = list(dict.fromkeys([*self.admins, *people]))
        self._notify(self._change("promote", people), by)

    def demotes(self, *people: Person, by: Person | None = None) -> None:
        self.admins = [one for one in self.admins if one not in people]
        self._notify(self._change("demote", people), by)

    def _without(self, people: Iterable[Person]) -> None:
        gone = list(people)
        self.members = [one for one in self.members if one not in gone]
        self.admins = [one for one in self.admins if one not in gone]
        for member in self.members:
            for device in member.emulated_devices:
                device.change_sender_key(str(self.jid))

    # --- what it is like --------------------------------------------------------------

    def renames(self, subject: str, by: Person | None = None) -> None:
        self.subject, self.subject_at = subject, unix_now()
        self.subject_by = by or self.owner
        self._notify(group_stanzas.renamed(self), by)

    def describes(self, text: str, by: Person | None = None) -> None:
        """No text at all removes the description."""
        described = group_stanzas.Described(
            text, new_message_id(), by or self.owner, unix_now()
        )
        self.description = described if text else None
        self._notify(group_stanzas.description(described, self), by)

    def announces_only(self, only: bool = True, by: Person | None = None) -> None:  # noqa: FBT001, FBT002 - a verb
        """Whether only admins may send."""
        self.admins_only = only
        tag = "announcement" if only else "not_announcement"
        self._notify(Node(tag, {"v_id": self._next_version()}), by)

    def locks(self, locked: bool = True, by: Person | None = None) -> None:  # noqa: FBT001, FBT002 - a verb
        """Whether only admins may change name, description and picture."""
        self.is_locked = locked
        self._notify(Node("locked" if locked else "unlocked", {}), by)

    def sets_timer(self, lasting: timedelta, by: Person | None = None) -> None:
        """Messages disappear from now on; after no time at all, no longer."""
        seconds = int(lasting.total_seconds())
        self.timer = (seconds, unix_now()) if seconds else None
        news = Node("ephemeral", {"expiration": seconds}) if seconds else None
        self._notify(news or Node("not_ephemeral", {}), by)

    def shows_picture(self, jpeg: bytes, by: Person | None = None) -> None:
        doer = by or self.owner
        self.picture = doer.keeps_picture(jpeg)
        self._notify_picture(group_stanzas.picture_set(self, self.picture, doer))

    def removes_picture(self, by: Person | None = None) -> None:
        self.picture = None
        self._notify_picture(group_stanzas.picture_removed(self, by or self.owner))

    def ends(self, by: Person | None = None) -> None:
        """The owner deletes it, with all its members."""
        self._notify(Node("delete", {"reason": "deleted"}), by)
        self.is_deleted = True
        self.members, self.admins = [], []

    # --- stanzas ----------------------------------------------------------------------

    def address(self, person: Person) -> Jid:
        return person.lid if self.addressing == "lid" else person.jid

    def describe(self) -> Node:
        """`<group>` as the server answers it."""
        return group_stanzas.whole(self)

    def _next_version(self) -> int:
        self.version += 1
        return self.version

    def _change(
        self, change: str, people: Iterable[Person], reason: str | None = None
    ) -> Node:
        before, after = self.version, self._next_version()
        participants = [group_stanzas.participant(self, one) for one in people]
        versions = {"v_id": after, "prev_v_id": before, "reason": reason}
        return Node(change, versions, participants)

    def _notify(
        self,
        news: Node,
        by: Person | None,
        devices: Iterable[LinkedDevice] | None = None,
    ) -> None:
        notification = group_stanzas.notification(self, news, by or self.owner)
        for device in self.linked_devices if devices is None else devices:
            device.deliver(notification)

    def _notify_picture(self, notification: Node) -> None:
        for device in self.linked_devices:
            device.deliver(notification)
