"""Until everything that is under way has arrived, or it is clear that it never will."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

import asyncpg
import httpx
from postgrest import APIError

from tests.chaos.scene import Number, Scene
from tests.chaos.traffic import Traffic
from tests.crashes.evidence import SpoolFile

PATIENCE: Final = 120.0  # seconds for each step
ASK_AGAIN: Final = 5.0  # as a person does who sees that it is not connected
LOOK_EVERY: Final = 0.1
# A row that waits for its receipt until settle_by is not waited for: it is judged later.
_OPEN: Final = (
    "select count(*) from wa_outbox where session_id = $1 and"
    " (state in ('queued', 'claimed') or (state = 'sending' and settle_by is null))"
)
_NEEDS_A_PERSON: Final = ("logged_out", "replaced", "banned", "outdated", "failed")


@dataclass(slots=True)
class Resting:
    scene: Scene
    traffic: Sequence[Traffic]
    faults: list[str] = field(default_factory=list)

    async def come_to_rest(self) -> list[str]:
        """What would not. Everything is healed; each number is looked after by itself."""
        self._nobody_ended_by_itself()
        numbers = self.scene.numbers
        await asyncio.gather(*(self._rests(number) for number in numbers))
        await self._within("the spools to empty", self._spools_are_empty)
        return self.faults

    def _nobody_ended_by_itself(self) -> None:
        for machine in self.scene.machines:
            if not machine.connector.running:
                self.faults.append(f"{machine.caller} ended by itself")

    async def _rests(self, number: Number) -> None:
        name = f"number {self.scene.numbers.index(number)}"
        await self._connects(number, name)
        await self._within(f"{name}'s outbox", lambda: self._has_sent(number))
        await self._within(
            f"{name} to have everything", lambda: self._has_everything(number)
        )
        people, owner = number.company.people, number.linked.owner
        last = await people[0].says(owner, "that is all")
        await self._within(
            f"{name}'s last message", lambda: self._is_stored(number, last.id)
        )

    async def _connects(self, number: Number, name: str) -> None:
        try:
            await number.device.connected(timeout=ASK_AGAIN)
        except TimeoutError:
            row = await self._session(number)
            if row["state"] in _NEEDS_A_PERSON:
                self.faults.append(
                    f"{name} is {row['state']}: {row['state_code']}, which nobody asked for"
                )
            await self._asks_again(number)
            try:
                await number.device.connected(timeout=PATIENCE)
            except TimeoutError:
                row = await self._session(number)
                self.faults.append(f"{name} does not connect: {dict(row)}")

    async def _asks_again(self, number: Number) -> None:
        async with asyncio.timeout(PATIENCE):
            while True:
                try:
                    await number.linked.wants("connected")
                except (httpx.HTTPError, APIError):
                    await asyncio.sleep(LOOK_EVERY)
                else:
                    return

    async def _session(self, number: Number) -> asyncpg.Record:
        async with self.scene.world.database() as database:
            row = await database.fetchrow(
                "select state, state_code, retry_at, settled_revision,"
                " desired_revision, last_seen_at from wa_sessions where id = $1",
                number.session_id,
            )
        assert row is not None
        return row

    async def _has_everything(self, number: Number) -> bool:
        """Messages, and what tells it of its own."""
        kept = number.device.everything_kept()
        return not any(stanza.tag in ("message", "receipt") for stanza in kept)

    async def _is_stored(self, number: Number, message_id: str) -> bool:
        return bool(
            await self._asked(
                "select count(*) from wa_messages where session_id = $1"
                " and whatsapp_id = $2",
                number.session_id,
                message_id,
            )
        )

    async def _has_sent(self, number: Number) -> bool:
        return await self._asked(_OPEN, number.session_id) == 0

    async def _asked(self, question: str, *arguments: object) -> int:
        async with self.scene.world.database() as database:
            return int(await database.fetchval(question, *arguments))

    async def _spools_are_empty(self) -> bool:
        return not any(
            SpoolFile(machine.connector, number.session_id).message_ids()
            for machine in self.scene.machines
            for number in self.scene.numbers
        )

    async def _within(self, what: str, look: Callable[[], Awaitable[bool]]) -> None:
        try:
            async with asyncio.timeout(PATIENCE):
                while not await look():  # noqa: ASYNC110 - other programs' state
                    await asyncio.sleep(LOOK_EVERY)
        except TimeoutError:
            self.faults.append(f"waited {PATIENCE:g} s for {what}")
