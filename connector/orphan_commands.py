"""What deleted sessions left, as `zapbase spool list` shows and `spool discard` drops it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from connector.adapters.whatsapp.spool.overview import overview
from connector.adapters.whatsapp.store import orphans
from connector.commands import WRONG_USE, CommandFailed, table
from connector.errors import SpoolUnavailable
from connector.housekeeping.housekeeping import ORPHANS_KEPT


@dataclass(frozen=True, slots=True, kw_only=True)
class OrphanOverview:
    session_id: str
    waiting: int
    dead_letters: int
    bytes: int
    deleted_at: datetime
    removed_after: datetime


def found(data: Path) -> list[OrphanOverview]:
    return [_look(orphan) for orphan in orphans.orphans(data)]


def _look(orphan: orphans.Orphan) -> OrphanOverview:
    try:
        held = overview(orphan.session_id, orphan.spool)
    except SpoolUnavailable as error:
        raise CommandFailed(
            f"The spool of deleted session {orphan.session_id} cannot be read: {error}."
        ) from error
    return OrphanOverview(
        session_id=orphan.session_id,
        waiting=held.live + held.history,
        dead_letters=len(held.dead_letters),
        bytes=held.bytes + sum(letter.bytes for letter in held.dead_letters),
        deleted_at=orphan.since,
        removed_after=orphan.since + ORPHANS_KEPT,
    )


def as_table(
    left: Sequence[OrphanOverview],
    size: Callable[[float], str],
    now: datetime,
    age: Callable[[datetime, datetime], str],
) -> Iterator[str]:
    if not left:
        return
    yield ""
    yield f"Left by deleted sessions, and removed {ORPHANS_KEPT.days} days after that:"
    yield from table(
        ("SESSION", "WAITING", "DEAD LETTERS", "SIZE", "DELETED"),
        [
            (
                one.session_id,
                str(one.waiting),
                str(one.dead_letters),
                size(one.bytes),
                age(one.deleted_at, now),
            )
            for one in left
        ],
    )


def discard(data: Path, left: OrphanOverview, *, sure: bool) -> str:
    """Drop all that a deleted session left. Raises CommandFailed."""
    count = left.waiting + left.dead_letters
    events = "1 event" if count == 1 else f"{count} events"
    if not sure:
        raise CommandFailed(
            f"This would drop {events} of deleted session {left.session_id} for good:"
            " add --yes to do it.",
            WRONG_USE,
        )
    orphans.remove(data, data / orphans.ORPHANED / left.session_id)
    return f"Deleted session {left.session_id}: {events} dropped, with its folder."
