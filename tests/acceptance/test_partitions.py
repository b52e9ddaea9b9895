"""The network is split: a connector is cut off, and another one goes on.

A cut wire is silent. Nobody knows that it is cut, and what was said over it comes late.
"""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest
import pytest_asyncio

from devstack.app import Row
from devstack.connector_process import ConnectorProcess
from devstack.relay import Relay
from devstack.stage import Stage
from devstack.whatsapp import Person
from tests.acceptance.world import Linked, World

# So that stories need not wait half a minute for a lease to expire.
SHORT_LEASE: Final = {"WA_LEASE_SECONDS": "10", "WA_POLL_SECONDS": "1"}
TAKEN_OVER_WITHIN: Final = 60.0
SENT: Final = ("sent", "delivered", "read")


@dataclass(frozen=True, slots=True)
class Split:
    """Two connectors with the same key and a folder each; the first hangs on two wires."""

    linked: Linked
    bob: Person
    first: ConnectorProcess
    second: ConnectorProcess
    to_supabase: Relay
    to_whatsapp: Relay

    async def says(self, *numbers: int) -> None:
        for number in numbers:
            await self.bob.says(self.linked.owner, f"{number:03}")

    async def inserts(self, count: int) -> None:
        to = {"to": self.bob.number, "kind": "text"}
        rows = [
            {**to, "session_id": self.linked.session_id, "payload": {"text": f"{n:03}"}}
            for n in range(count)
        ]
        await self.linked.app.inserts(*rows)

    async def taken_over(self) -> None:
        """The second one runs the number, from the keys that the first one saved."""
        device, logins = self.linked.device, self.linked.device.logins
        await self.linked.world.stage.whatsapp.until(
            lambda: device.logins > logins, timeout=TAKEN_OVER_WITHIN
        )
        await device.connected()

    async def settled(self) -> list[Row]:
        """The outbox, once each row is sent or in doubt."""

        async def look() -> list[Row] | None:
            rows = await self._asked(
                "select payload ->> 'text' as text, state, claim_term from wa_outbox"
                " where session_id = $1 order by seq"
            )
            ended = all(row["state"] in (*SENT, "uncertain") for row in rows)
            return rows if ended else None

        return await self.linked.app.until(look, within=60)

    async def stored(self, count: int) -> list[str]:
        """What bob said, in the order that is shown, once so much can be read.

        What is said while keys go from one to the other may have to be said again.
        """

        async def look() -> list[str] | None:
            rows = await self.linked.messages(from_me=False)
            bodies = [row["body"] for row in rows if row["body"] is not None]
            return bodies if len(bodies) >= count else None

        return await self.linked.app.until(look, within=60)

    async def lease(self) -> Row:
        [row] = await self._asked(
            "select holder, term, expires_at, now() from wa_private.session_leases"
            " where session_id = $1"
        )
        return row

    async def is_renewed(self) -> Row:
        """The lease, once it has been extended."""
        before = await self.lease()

        async def look() -> Row | None:
            row = await self.lease()
            return row if row["expires_at"] > before["expires_at"] else None

        return await self.linked.app.until(look)

    async def codes(self) -> list[str]:
        told = "select code from wa_events where session_id = $1"
        return [row["code"] for row in await self._asked(told)]

    async def is_saved(self) -> None:
        async def look() -> bool:
            saved = (
                "select 1 from wa_private.device_states"
                " where session_id = $1 and manifest is not null"
            )
            return bool(await self._asked(saved))

        await self.linked.app.until(look)

    async def steps_down(self, connector: ConnectorProcess) -> None:
        """It has no worker for the number any more."""

        async def look() -> bool:
            try:
                connector.worker_pid(self.linked.session_id)
            except LookupError:
                return True
            return False

        await self.linked.app.until(look)

    async def _asked(self, query: str) -> list[Row]:
        async with self.linked.world.database() as database:
            rows = await database.fetch(query, self.linked.session_id)
        return [dict(row) for row in rows]


@pytest_asyncio.fixture(loop_scope="session")
async def split(tmp_path: Path) -> AsyncIterator[Split]:
    async with (
        Stage.set_up(tmp_path) as stage,
        Relay.to(stage.supabase.url) as to_supabase,
        Relay.to(stage.whatsapp.environment["HTTPS_PROXY"]) as to_whatsapp,
        AsyncExitStack() as exits,
    ):
        proxy = {"HTTPS_PROXY": to_whatsapp.url, "https_proxy": to_whatsapp.url}
        first = stage.connector(
            "first", SUPABASE_URL=to_supabase.url, **proxy, **SHORT_LEASE
        )
        await first.start()
        world = World(stage, first, exits)
        linked = await world.linked()
        second = stage.connector("second", WA_STATE_KEY=first.state_key, **SHORT_LEASE)
        yield Split(
            linked, world.somebody("Bob"), first, second, to_supabase, to_whatsapp
        )
        world.assert_nothing_went_unanswered()


def _holder(connector: ConnectorProcess) -> str:
    return (connector.data_folder / "holder").read_text("utf-8")


def _assert_sent_once(split: Split, rows: list[Row]) -> None:
    heard = Counter(message.text for message in split.bob.heard)
    said_sent = {row["text"] for row in rows if row["state"] in SENT}
    assert set(heard.values()) == {1}
    assert said_sent <= set(heard)
    # What the first one had in its hands when the wire was cut, and nothing else.
    assert {row["claim_term"] for row in rows if row["state"] == "uncertain"} <= {1}
    known = [message.text for message in split.bob.heard if message.text in said_sent]
    assert known == sorted(said_sent)


@pytest.mark.timeout(180)
async def test_who_is_cut_off_from_supabase_gives_way_and_brings_what_it_had(
    split: Split,
) -> None:
    linked = split.linked
    await split.says(*range(10))
    await split.stored(10)
    await split.is_saved()
    await split.second.start()

    # In the middle of a burst: rows are claimed, and some of their results not told.
    await split.inserts(60)
    for _ in range(10):
        await split.bob.hears()
    split.to_supabase.cut()
    await split.says(*range(10, 20))
    await linked.device.has_everything()
    assert linked.device.is_connected  # nobody has taken it offline for that
    await split.taken_over()
    await split.says(*range(20, 30))
    rows = await split.settled()
    await split.steps_down(split.first)
    assert len(await linked.bodies(20)) == 20
    split.to_supabase.mend()
    stored = await split.stored(30)
    await split.is_renewed()

    assert stored == [f"{number:03}" for number in range(30)]
    _assert_sent_once(split, rows)
    lease = await split.lease()
    assert lease["holder"] == _holder(split.second)
    assert "replaced" not in await split.codes()
    assert (await linked.session())["state"] == "connected"


@pytest.mark.timeout(180)
async def test_who_is_cut_off_from_whatsapp_keeps_the_number_until_it_is_lost(
    split: Split,
) -> None:
    linked = split.linked
    await split.says(*range(5))
    await split.stored(5)
    await split.is_saved()
    await split.second.start()
    before = await split.lease()

    split.to_whatsapp.cut()
    await split.to_whatsapp.hang_up()
    await linked.device.disconnected()
    await split.says(*range(5, 10))
    after = await split.is_renewed()
    split.to_whatsapp.mend()
    await linked.device.connected(timeout=60)
    await split.stored(10)

    # It is the first one's all the time: nobody could do any better for all it knows.
    assert (after["holder"], after["term"]) == (before["holder"], before["term"])

    split.to_whatsapp.cut()
    split.to_supabase.cut()
    await split.says(*range(10, 15))
    await split.taken_over()
    await split.first.kill()
    shutil.rmtree(split.first.data_folder / "sessions")
    await split.inserts(5)
    rows = await split.settled()

    assert await split.stored(15) == [f"{number:03}" for number in range(15)]
    assert {row["state"] for row in rows} <= set(SENT)
    _assert_sent_once(split, rows)
    assert "replaced" not in await split.codes()
