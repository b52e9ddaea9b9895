"""Whatever is asked for and whoever dies: no window ever holds more than its limit."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.database.conversation import BOB, CAROL
from tests.database.pacing import DAY, MINUTE, Pacing, given_back, went
from tests.database.scene import Connection, Database, claim, expire

PEOPLE = (BOB, CAROL, "5@lid", "6@lid")
# A claim is made after it is decided upon, and both take a moment.
A_MOMENT = 0.001

LIMITS = st.fixed_dictionaries(
    {
        "send_gap_seconds": st.sampled_from([None, 1, 7]),
        "send_per_minute": st.sampled_from([1, 2, 3]),
        "send_per_day": st.sampled_from([None, 2, 5]),
        "send_new_per_day": st.sampled_from([None, 1, 2]),
    }
)
STEPS = st.lists(
    st.one_of(
        # Twice as often as what else may happen.
        st.just(("look", "")),
        st.tuples(st.just("send"), st.sampled_from([0.0, 40.0])),
        st.sampled_from(
            [
                ("look", ""),
                ("release", ""),
                ("crash before", ""),
                ("crash after", 0.5),
                ("crash after", 40.0),
            ]
        ),
        st.tuples(st.just("wait"), st.sampled_from([3.0, 29.0, 61.0, 50_000.0])),
        st.tuples(st.sampled_from(["arrive", "hear"]), st.sampled_from(PEOPLE)),
    ),
    min_size=15,
    max_size=30,
)


@dataclass
class Run:
    """One connector after the other, what left for WhatsApp, and when."""

    database: Database
    pacing: Pacing
    limits: dict[str, int | None]
    passed: float = 0.0
    # When each frame left, to whom, and whether they had ever written.
    left: list[tuple[float, str, bool]] = field(default_factory=list)
    wrote: set[str] = field(default_factory=set)

    async def now(self) -> float:
        clock = "select extract(epoch from clock_timestamp())::float8"
        return float(await self.pacing.connection.fetchval(clock)) + self.passed

    async def wait(self, seconds: float) -> None:
        await self.pacing.time_passes(seconds)
        self.passed += seconds

    async def step(self, what: str, how: str | float) -> None:
        match what, how:
            case "arrive", str(person):
                await self.pacing.writes(person)
            case "hear", str(person):
                await self.pacing.hears(person)
                self.wrote.add(person)
            case "wait", float(seconds):
                await self.wait(seconds)
            case "look", _:  # at the very moment when it may go on
                if not await self.claim("send", 0.0):
                    await self.wait(self.pacing.look_again or 0.0)
            case _:
                await self.claim(what, how)

    async def claim(self, what: str, how: str | float) -> bool:
        """Claim once; what is claimed is sent, given back, or outlives its connector.

        Return whether anything was.
        """
        rows = await self.pacing.claims()
        assert len(rows) <= 1
        for row in rows:
            if what == "release":
                await self.pacing.claims(given_back(row), limit=0)
                continue
            if what != "crash before":
                await self.wait(float(how))
                await self.leave(row)
            if what != "send":
                await self.crash(row, begun=what == "crash after")
            else:
                await self.pacing.claims(went(row), limit=0)
        return bool(rows)

    async def leave(self, row: str) -> None:
        to = await self.pacing.connection.fetchval(
            'select "to" from wa_outbox where id = $1', row
        )
        self.left.append((await self.now(), to, to in self.wrote))

    async def crash(self, row: str, *, begun: bool) -> None:
        """Another connector takes over, and finds out in a while what became of it."""
        await expire(self.database, self.pacing.session.id)
        self.pacing.term += 1
        await claim(self.pacing.connection, f"connector-{self.pacing.term}", ttl=600)
        await self.wait(5.0)
        assert await self.pacing.claims() == []
        outcome = "awaiting_receipt" if begun else "released"
        result = {"id": row, "outcome": outcome, "whatsapp_id": row if begun else None}
        await self.pacing.claims(result, limit=0)

    def holds(self) -> None:
        """Check every window that ends with a frame."""
        times = [at for at, _, _ in self.left]
        strangers = [at for at, person in self.first_contacts()]
        for limit, window, frames in (
            ("send_per_minute", MINUTE, times),
            ("send_per_day", DAY, times),
            ("send_new_per_day", DAY, strangers),
        ):
            allowed = self.limits[limit]
            if allowed is None:
                continue
            for before, at in zip(frames, frames[allowed:], strict=False):
                assert at - before >= window - A_MOMENT, (limit, frames)
        gap = self.limits["send_gap_seconds"] or 0
        for before, at in pairwise(times):
            assert at - before >= gap - A_MOMENT, times

    def first_contacts(self) -> list[tuple[float, str]]:
        """The first frame in 24 hours to each who had never written."""
        found: list[tuple[float, str]] = []
        for at, person, wrote in self.left:
            lately = (seen for seen, who in found if who == person and at - seen < DAY)
            if not wrote and not any(lately):
                found.append((at, person))
        return found


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(limits=LIMITS, queued=st.lists(st.sampled_from(PEOPLE), min_size=6), steps=STEPS)
async def test_no_window_ever_holds_more_than_its_limit(
    database: Database,
    service: Connection,
    limits: dict[str, int | None],
    queued: list[str],
    steps: list[tuple[str, str | float]],
) -> None:
    await service.execute("delete from wa_workspaces")  # of the example before
    session = await database.session()
    assert await claim(service, "connector-1", ttl=600) == {session.id: 1}
    run = Run(database, Pacing(service, session), limits)
    await run.pacing.limits(**limits)
    await run.pacing.writes(*queued)

    for what, how in steps:
        await run.step(what, how)
    await run.pacing.claims()

    run.holds()
