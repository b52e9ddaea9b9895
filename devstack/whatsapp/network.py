"""What the server knows: its people, its groups, its files and who is connected."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from devstack.whatsapp.faults import Faults
from devstack.whatsapp.frames import Frames
from devstack.whatsapp.happenings import Happenings
from devstack.whatsapp.login_book import LoginBook
from devstack.whatsapp.look_ups import LookUps
from devstack.whatsapp.media_host import MediaHost
from devstack.whatsapp.receipt_book import ReceiptBook
from devstack.whatsapp.repetitions import Repetitions
from devstack.whatsapp.timers import Timers
from devstack.whatsapp.wire.nodes import GROUP, LID, PN, Jid, Node

if TYPE_CHECKING:
    from devstack.whatsapp.connection import Connection
    from devstack.whatsapp.groups import Group
    from devstack.whatsapp.people import Person

CONTACT = "c.us"  # how clients still write phone numbers when they look one up


@dataclass(eq=False, slots=True)
class Network:
    happenings: Happenings = field(default_factory=Happenings)
    frames: Frames = field(default_factory=Frames)
    faults: Faults = field(default_factory=Faults)
    media: MediaHost = field(default_factory=MediaHost)
    # Each person twice, by phone number and by LID: both are digits, never the same.
    people: dict[str, Person] = field(default_factory=dict)
    groups: dict[str, Group] = field(default_factory=dict)
    connections: set[Connection] = field(default_factory=set)
    receipts: ReceiptBook = field(default_factory=ReceiptBook)
    logins: LoginBook = field(default_factory=LoginBook)
    look_ups: LookUps = field(default_factory=LookUps)
    timers: Timers = field(default_factory=Timers)
    unanswered: list[Node] = field(default_factory=list)
    escaped: list[str] = field(default_factory=list)
    repetitions: Repetitions = field(default_factory=Repetitions)
    asked_again: set[str] = field(default_factory=set)  # what a phone could not read
    qr_refs: int = 6
    trace: Callable[[str, Node], None] | None = None

    def person_at(self, jid: Jid | None) -> Person | None:
        """Whose address this is, in either form."""
        if jid is None or jid.server not in (PN, LID, CONTACT):
            return None
        return self.people.get(jid.user)

    def group_at(self, jid: Jid) -> Group | None:
        return self.groups.get(jid.user) if jid.server == GROUP else None


def unix_now() -> int:
    return int(time.time())


class _PhoneClock:
    """Milliseconds since 1970, as phones tell them; nobody does two things in one."""

    def __init__(self) -> None:
        self._last = 0

    def milliseconds(self) -> int:
        self._last = max(self._last + 1, int(time.time() * 1000))
        return self._last


unix_milliseconds = _PhoneClock().milliseconds


def unix(at: datetime | None) -> int:
    """Seconds since 1970; now when there is no time."""
    return int((at or datetime.now(UTC)).timestamp())
