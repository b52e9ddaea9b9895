"""Sockets at WhatsApp: whose they were, under whose lease, and when there was none."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from devstack.whatsapp import Login
from tests.chaos.leases import LeaseLog

if TYPE_CHECKING:
    from tests.chaos.blows import Blow

Span = tuple[float, float]


@dataclass(slots=True)
class Ownership:
    """What the logins of a number say. Only `two_owners` is never to be."""

    two_owners: list[str] = field(default_factory=list)
    takeovers: int = 0  # the other connector's socket was closed by ours
    late: list[str] = field(default_factory=list)
    lapsed: list[str] = field(default_factory=list)


def judge_logins(
    ownership: Ownership,
    logins: Iterable[Login],
    session_id: str,
    leases: LeaseLog,
    holder_of: Callable[[str], str | None],
) -> None:
    """`holder_of`: the name in Postgres of whoever dials under this name.

    A socket opened under a lease that somebody else holds is two owners. `late` are
    those opened under their own and logged in under another's: on its way when the
    lease went over. `lapsed` are those under their own lease that was over, and that
    nobody else had taken.
    """
    for login in logins:
        former = login.pushed_out
        if former is not None and former.caller != login.caller:
            ownership.takeovers += 1
        holder = holder_of(login.caller)
        opened, logged_in = (
            _standing(leases, session_id, holder, moment)
            for moment in (login.opened_at, login.at)
        )
        note = (
            f"{login.caller} opened {login.opened_at:.2f}, logged in {login.at:.2f}; "
            f"lease {leases.at(session_id, login.opened_at)}"
        )
        if opened == "another's":
            ownership.two_owners.append(note)
        elif logged_in == "another's":
            ownership.late.append(note)
        elif opened == "nobody's":
            ownership.lapsed.append(note)


def _standing(
    leases: LeaseLog, session_id: str, holder: str | None, moment: float
) -> str:
    lease = leases.at(session_id, moment)
    if lease is None or not lease.is_held_at(moment):
        return "nobody's"
    return "ours" if lease.holder == holder else "another's"


@dataclass(frozen=True, slots=True)
class Outage:
    """A number had no socket over which anything could come or go."""

    begun: float
    ended: float
    cause: str

    @property
    def seconds(self) -> float:
        return self.ended - self.begun


def outages(
    logins: Sequence[Login], blows: Sequence[Blow], session_id: str, between: Span
) -> list[Outage]:
    """A socket counts while it is open, its wire whole and its process running."""
    _, ended = between
    up: list[Span] = []
    for login in logins:
        if login.active_at is None:
            continue
        span = (login.active_at, ended if login.ended_at is None else login.ended_at)
        silent = [
            (blow.begun, blow.ended or ended)
            for blow in blows
            if blow.disturbance.silences and blow.touches(session_id, login.caller)
        ]
        up += without(span, silent)
    return [
        Outage(start, end, _cause(start, logins, blows, session_id))
        for start, end in without(between, up)
        if end - start > 0
    ]


def without(span: Span, others: Iterable[Span]) -> list[Span]:
    """What is left of a span."""
    left, (start, end) = [], span
    for other_start, other_end in sorted(others):
        if other_end <= start:
            continue
        if other_start >= end:
            break
        if other_start > start:
            left.append((start, other_start))
        start = other_end
    if start < end:
        left.append((start, end))
    return left


def _cause(
    start: float, logins: Sequence[Login], blows: Sequence[Blow], session_id: str
) -> str:
    """The last disturbance of whoever ran the number; it is noted just before it falls."""
    callers = [
        one.caller
        for one in logins
        if one.active_at is not None and one.active_at <= start
    ]
    before = [
        blow
        for blow in blows
        if blow.begun <= start + 0.01
        and blow.touches(session_id, callers[-1] if callers else None)
    ]
    return max(before, key=lambda blow: blow.begun).disturbance.name if before else "-"
