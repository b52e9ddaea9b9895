"""The steps of a send, each seen from outside at the moment it is reached."""

from __future__ import annotations

import asyncio
import enum
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import asyncpg

from tests.acceptance.world import Linked
from tests.crashes.sends.letters import Letter
from tests.crashes.sends.marks import mark_of
from tests.crashes.sends.moments import message_ids, reading
from tests.crashes.sends.victims import store_of

WAIT = 30.0  # seconds until a step must have been reached
LOOK_EVERY = 0.001
LOOK_AGAIN_AT_ONCE = 0.0001
MOST_CLAIMS = 3  # a row may have been given back before
_CLAIMED = "select state <> 'queued' from wa_outbox where id = $1"
_KEPT = "select wa_private.upload_of($1) is not null"
_RECORDED = "select state in ('sent', 'delivered', 'read') from wa_outbox where id = $1"


class Step(enum.StrEnum):
    CLAIMED = "claimed"
    UPLOADED = "uploaded"  # the media server has it
    KEPT = "kept"  # Postgres knows of the upload
    BEGUN = "begun"  # the store has the secret
    LEFT = "left"  # somebody heard it
    UNCONFIRMED = "unconfirmed"  # the same, and WhatsApp's ack is withheld
    RECORDED = "recorded"


OF_MEDIA = frozenset({Step.UPLOADED, Step.KEPT})


@dataclass(frozen=True, slots=True)
class Watch:
    """Looks at one letter of a linked number."""

    linked: Linked
    database: asyncpg.Connection[asyncpg.Record]
    letter: Letter
    uploads_before: int

    async def reached(self, step: Step) -> None:
        """Raises TimeoutError."""
        look = self._looks()[step]
        async with asyncio.timeout(WAIT):
            while not await look():  # noqa: ASYNC110 - other processes' state
                await asyncio.sleep(LOOK_EVERY)

    def begun(self, then: Callable[[], None]) -> None:
        """Blocks until it is, and calls `then` at once: the frame leaves a moment later.

        Raises TimeoutError.
        """
        key = self.linked.world.connector.state_key
        last = time.monotonic() + WAIT
        with reading(store_of(self.linked)) as store:
            while not message_ids(store, key, self.letter.id, MOST_CLAIMS):
                if time.monotonic() > last:
                    raise TimeoutError
                time.sleep(LOOK_AGAIN_AT_ONCE)
        then()

    def _looks(self) -> dict[Step, Callable[[], Awaitable[bool]]]:
        return {
            Step.CLAIMED: lambda: self._asked(_CLAIMED),
            Step.UPLOADED: self._uploaded,
            Step.KEPT: lambda: self._asked(_KEPT),
            Step.LEFT: self._heard,
            Step.UNCONFIRMED: self._heard,
            Step.RECORDED: lambda: self._asked(_RECORDED),
        }

    async def _asked(self, question: str) -> bool:
        return bool(await self.database.fetchval(question, self.letter.id))

    async def _uploaded(self) -> bool:
        return len(self.linked.world.stage.whatsapp.media.uploads) > self.uploads_before

    async def _heard(self) -> bool:
        hearers = self.letter.hearers(self.linked.owner)
        return any(
            mark_of(heard) == self.letter.mark
            for person in hearers
            for heard in person.heard[-20:]
        )
