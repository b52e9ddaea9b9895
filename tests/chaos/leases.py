"""Who held which lease when, as Postgres decided it: written down by a trigger."""

from __future__ import annotations

import bisect
from dataclasses import dataclass, field
from typing import Final, Self

import asyncpg

_SET_UP: Final = """
create schema chaos;
create table chaos.leases (
  number bigint generated always as identity,
  session_id uuid not null,
  holder text,
  term bigint not null,
  expires_at double precision not null,
  at double precision not null
);
create function chaos.note_lease() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  insert into chaos.leases (session_id, holder, term, expires_at, at) values (
    new.session_id, new.holder, new.term,
    extract(epoch from new.expires_at), extract(epoch from clock_timestamp())
  );
  return null;
end;
$$;
create trigger note_lease after insert or update on wa_private.session_leases
for each row execute function chaos.note_lease();
"""
_NEWS: Final = (
    "select number, session_id::text, holder, term, expires_at, at from chaos.leases"
    " where number > $1 order by number"
)


@dataclass(frozen=True, slots=True)
class Lease:
    """As it was from `at` on; Unix seconds by Postgres' clock, which is also ours."""

    holder: str | None
    term: int
    expires_at: float
    at: float

    def is_held_at(self, moment: float) -> bool:
        return moment < self.expires_at


@dataclass(slots=True)
class LeaseLog:
    by_session: dict[str, list[Lease]] = field(default_factory=dict)
    _last: int = 0

    @classmethod
    async def set_up(cls, admin_url: str) -> Self:
        connection = await asyncpg.connect(admin_url)
        try:
            await connection.execute(_SET_UP)
        finally:
            await connection.close()
        return cls()

    async def read_on(self, admin_url: str) -> None:
        connection = await asyncpg.connect(admin_url)
        try:
            news = await connection.fetch(_NEWS, self._last)
        finally:
            await connection.close()
        for row in news:
            number, session_id, *lease = row
            self.by_session.setdefault(session_id, []).append(Lease(*lease))
            self._last = number

    def at(self, session_id: str, moment: float) -> Lease | None:
        """The lease as it was then, held or not; None before there was one."""
        leases = self.by_session.get(session_id, [])
        place = bisect.bisect_right(leases, moment, key=lambda lease: lease.at)
        return leases[place - 1] if place else None

    def holder_of(self, session_id: str, term: int) -> str | None:
        leases = self.by_session.get(session_id, [])
        return next((one.holder for one in leases if one.term == term), None)

    def ends_of(self, session_id: str, term: int) -> float | None:
        """When the next term began; None while it is the last one."""
        leases = self.by_session.get(session_id, [])
        return next((one.at for one in leases if one.term > term), None)
