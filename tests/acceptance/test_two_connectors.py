"""Two connectors and one outbox: one stands still in the middle of a burst, the other goes on."""

from __future__ import annotations

import os
import shutil
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import pytest

from devstack import clock
from devstack.app import Row
from devstack.connector_process import ConnectorProcess
from devstack.whatsapp import Person
from tests.acceptance.world import Linked, World
from tests.chaos.blows import frozen
from tests.crashes.sends.victims import copy_store
from tests.crashes.victims import family

BURST: Final = 160
BEFORE_THE_FREEZE: Final = 60  # heard; the results of some of these are recorded
MOST_IN_HAND: Final = 32
SENT: Final = ("sent", "delivered", "read")
_EXPIRE: Final = (
    "update wa_private.session_leases set expires_at = now() where session_id = $1"
)
_STATES: Final = (
    "select payload ->> 'text' as text, state, whatsapp_id, claim_term from wa_outbox"
    " where session_id = $1 order by seq"
)


@dataclass(frozen=True, slots=True)
class Rivals:
    """The number's connector, and another with a copy of the number's folder."""

    linked: Linked
    first: ConnectorProcess
    second: ConnectorProcess
    bob: Person

    async def inserts(self, count: int) -> None:
        rows = [
            {
                "session_id": self.linked.session_id,
                "to": self.bob.number,
                "kind": "text",
                "payload": {"text": f"{number:03}"},
            }
            for number in range(count)
        ]
        await self.linked.app.client.table("wa_outbox").insert(rows).execute()

    async def hears(self, count: int) -> None:
        for _ in range(count):
            await self.bob.hears()

    async def take_over(self) -> None:
        """The lease of the first runs out, and the second has it."""
        logins = self.linked.device.logins
        async with self.linked.world.database() as database:
            await database.execute(_EXPIRE, self.linked.session_id)
        await self.second.start()
        await self.linked.world.stage.whatsapp.until(
            lambda: self.linked.device.logins > logins
        )

    async def rows(self) -> list[Row]:
        async with self.linked.world.database() as database:
            found = await database.fetch(_STATES, self.linked.session_id)
        return [dict(row) for row in found]

    async def settled(self) -> list[Row]:
        """Once each row is sent, or in doubt."""

        async def look() -> list[Row] | None:
            rows = await self.rows()
            ended = all(row["state"] in (*SENT, "uncertain") for row in rows)
            return rows if ended else None

        return await self.linked.app.until(look, within=60)

    async def steps_down(self) -> None:
        """The first one finds out that it has lost the number, and ends its worker."""

        async def look() -> bool:
            if "lease lost" not in self.first.log_file.read_text("utf-8"):
                return False
            try:
                self.first.worker_pid(self.linked.session_id)
            except LookupError:
                return True
            return False

        await self.linked.app.until(look, within=60)

    async def second_is_ready(self) -> bool:
        """It listens, and has looked for numbers to run."""
        return "doorbell ready" in self.second.log_file.read_text("utf-8")

    def heard(self) -> Counter[str]:
        return Counter(message.text for message in self.bob.heard)


def _copy_folder(linked: Linked, to: ConnectorProcess, *, with_lineage: bool) -> None:
    place = Path("sessions") / linked.session_id
    source = linked.world.connector.data_folder / place
    target = to.data_folder / place
    target.mkdir(parents=True)
    copy_store(source / "store.db", target / "store.db")
    if with_lineage:
        shutil.copy(source / "lineage", target / "lineage")


async def _rivals(
    world: World, settings: dict[str, str] | None = None, *, with_lineage: bool = False
) -> Rivals:
    linked = await world.linked()
    bob = world.somebody("Bob")
    row_id = await linked.sends(bob.number, "antes")
    await bob.hears()
    await linked.app.outbox_is(row_id, "delivered")
    second = world.stage.connector(
        "second", WA_STATE_KEY=world.connector.state_key, **(settings or {})
    )
    _copy_folder(linked, second, with_lineage=with_lineage)
    return Rivals(linked, world.connector, second, bob)


async def test_who_stood_still_and_wakes_repeats_nothing_that_another_has_sent(
    own_world: World,
) -> None:
    rivals = await _rivals(own_world)

    await rivals.inserts(BURST)
    await rivals.hears(BEFORE_THE_FREEZE)
    with frozen(family(rivals.first.pid)):
        await rivals.take_over()
        settled = await rivals.settled()
    await rivals.steps_down()

    _assert_once(rivals, settled)
    _assert_only_receipts_came(rivals, settled, await rivals.rows())


def _assert_only_receipts_came(
    rivals: Rivals, before: list[Row], after: list[Row]
) -> None:
    """What the first had received is true; what it has to say of its claims is not."""
    for earlier, now in zip(before, after, strict=True):
        if earlier["state"] == "uncertain" != now["state"]:
            assert now["state"] in SENT
            assert now["text"] in rivals.heard()
        else:
            assert now["whatsapp_id"] == earlier["whatsapp_id"]
        assert now["claim_term"] == earlier["claim_term"]


async def test_a_copy_that_kept_its_name_proves_nothing_of_what_was_in_flight(
    own_world: World,
) -> None:
    rivals = await _rivals(own_world, with_lineage=True)

    await rivals.inserts(BURST)
    await rivals.hears(BEFORE_THE_FREEZE)
    with frozen(family(rivals.first.pid)):
        in_flight = [
            row for row in await rivals.rows() if row["state"] in ("claimed", "sending")
        ]
        await rivals.take_over()
        settled = await rivals.settled()

    assert set(rivals.heard().values()) == {1}
    names = {row["text"] for row in in_flight}
    # Whose receipts told on them is sent; none of them was begun again.
    assert {row["claim_term"] for row in settled if row["text"] in names} == {1}


def _assert_once(rivals: Rivals, rows: list[Row]) -> None:
    heard = rivals.heard()
    assert set(heard.values()) == {1}
    said_sent = [row["text"] for row in rows if row["state"] in SENT]
    assert [text for text in said_sent if text not in heard] == []
    # The first had no more than these in its hands; nothing else is in doubt.
    assert len(rows) - len(said_sent) <= MOST_IN_HAND
    assert {row["claim_term"] for row in rows if row["state"] == "uncertain"} <= {1}
    # What is in doubt may still come: who wakes had handed it to its worker.
    known = [message.text for message in rivals.bob.heard if message.text in said_sent]
    assert known == said_sent


@pytest.mark.parametrize("shift", [-20, 20])
async def test_clocks_that_differ_send_nothing_twice_and_end_nothing_early(
    own_world: World, shift: int
) -> None:
    paths = own_world.stage.whatsapp.environment["PYTHONPATH"]
    settings = {
        "PYTHONPATH": os.pathsep.join((paths, str(clock.DIRECTORY))),
        clock.SHIFT_VARIABLE: str(shift),
    }
    rivals = await _rivals(own_world, settings)
    linked = rivals.linked

    await rivals.inserts(BURST)
    await rivals.hears(BEFORE_THE_FREEZE)
    with frozen(family(rivals.first.pid)):
        await rivals.take_over()
        settled = await rivals.settled()
        now = datetime.now(UTC)  # Postgres is on this machine
        # Nearer than the clocks are apart: whoever asks a wrong one takes it for over.
        until, due = now + timedelta(seconds=18), now + timedelta(seconds=4)
        soon = await linked.sends(
            rivals.bob.number, "com prazo", expires_at=until.isoformat()
        )
        await linked.app.outbox_is(soon, *SENT)
        planned = await linked.sends(
            rivals.bob.number, "na hora", send_after=due.isoformat()
        )
        sent = await linked.app.outbox_is(planned, "delivered")
    await rivals.steps_down()

    _assert_once(rivals, settled)
    # WhatsApp tells whole seconds.
    assert datetime.fromisoformat(sent["delivered_at"]) > due - timedelta(seconds=1)
    holder, seconds = await _lease(linked)
    assert holder == (rivals.second.data_folder / "holder").read_text("utf-8")
    assert 0 < seconds <= 30


async def _lease(linked: Linked) -> tuple[str, float]:
    async with linked.world.database() as database:
        row = await database.fetchrow(
            "select holder, extract(epoch from expires_at - now())::float8 as left"
            " from wa_private.session_leases where session_id = $1",
            linked.session_id,
        )
    assert row is not None
    return str(row["holder"]), float(row["left"])


async def test_two_that_want_the_same_number_have_it_one_after_the_other(
    own_world: World,
) -> None:
    rivals = await _rivals(own_world)
    logins = rivals.linked.device.logins
    await rivals.second.start()
    await rivals.linked.app.until(rivals.second_is_ready)

    await rivals.inserts(BURST)
    await rivals.hears(BURST)
    settled = await rivals.settled()

    _assert_once(rivals, settled)
    assert {row["claim_term"] for row in settled} == {1}
    assert rivals.linked.device.logins == logins
