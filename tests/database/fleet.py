"""Connectors that look in turn, as the real ones do, and the numbers they share."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from tests.database.scene import (
    Connection,
    Database,
    Session,
    claim,
    release,
    renew,
    surplus,
)

MOST_ROUNDS = 40


@dataclass
class Fleet:
    """Connectors that look in turn, as the real ones do every few seconds."""

    service: Connection
    room: dict[str, int]
    held: dict[str, dict[str, int]] = field(default_factory=dict)
    moves: Counter[str] = field(default_factory=Counter)
    keys: Mapping[str, Sequence[str]] = field(default_factory=dict)  # their ids

    async def look(self, holder: str) -> bool:
        """One look of one connector; whether anything changed hands."""
        mine = self.held.setdefault(holder, {})
        still = await renew(self.service, holder, mine)
        going = {key: mine[key] for key in await surplus(self.service, holder, mine)}
        assert still == set(mine)
        await release(self.service, holder, going)
        for key in going:
            del mine[key]
        gained = await claim(
            self.service,
            holder,
            capacity=self.room[holder],
            held=list(mine),
            keys=self.keys.get(holder, ()),
        )
        mine |= gained
        self.moves.update(gained.keys())
        return bool(going or gained)

    async def settle(self) -> None:
        """Look round after round until nothing moves, all having seen all."""
        for at in range(MOST_ROUNDS):
            moved = [await self.look(holder) for holder in self.room]
            if at and not any(moved):
                return
        raise AssertionError("they never agreed")

    def counts(self) -> list[int]:
        return [len(self.held[holder]) for holder in self.room]

    def assert_nobody_shares_one(self) -> None:
        owners = Counter(key for mine in self.held.values() for key in mine)
        assert set(owners.values()) <= {1}


def even(rooms: Sequence[int], sessions: int) -> list[int]:
    """One by one to whoever has least and still has room: what the result must be like."""
    counts = [0] * len(rooms)
    for _ in range(sessions):
        open_ones = [at for at, room in enumerate(rooms) if counts[at] < room]
        if not open_ones:
            break
        counts[min(open_ones, key=lambda at: counts[at])] += 1
    return sorted(counts)


async def sessions(database: Database, session: Session, count: int) -> list[str]:
    """So many numbers of one tenant that want to be connected, and are."""
    async with database.as_postgres() as admin:
        await admin.execute("delete from wa_sessions")
        rows = await admin.fetch(
            "insert into wa_sessions (workspace_id, desired_state, state)"
            " select $1, 'connected', 'connected' from generate_series(1, $2)"
            " returning id",
            session.workspace_id,
            count,
        )
    return [str(row["id"]) for row in rows]


async def silent(database: Database, holder: str) -> None:
    """A connector has not looked for 26 seconds: its leases last four more."""
    async with database.as_postgres() as admin:
        await admin.execute(
            "update wa_private.connectors set looked_at = now() - interval '26 s',"
            " shares_until = now() - interval '1 s' where holder = $1",
            holder,
        )


async def in_state(database: Database, **columns: str) -> None:
    async with database.as_postgres() as admin:
        for name, value in columns.items():
            await admin.execute(f"update wa_sessions set {name} = $1", value)  # noqa: S608 - our own names
