"""The steps of a send, each seen from outside at the moment it is reached."""

from __future__ import annotations

import asyncio
import base64
import enum
import sqlite3
from collections.abc import Awaitable, Callable
from contextlib import closing
from dataclasses import dataclass

import asyncpg

from connector.sealing import Sealer
from tests.acceptance.world import Linked
from tests.crashes.sends.letters import Letter, mark_of

WAIT = 30.0  # seconds until a step must have been reached
LOOK_EVERY = 0.001
FIRST_CLAIM = 1
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

    def _looks(self) -> dict[Step, Callable[[], Awaitable[bool]]]:
        return {
            Step.CLAIMED: lambda: self._asked(_CLAIMED),
            Step.UPLOADED: self._uploaded,
            Step.KEPT: lambda: self._asked(_KEPT),
            Step.BEGUN: self._begun,
            Step.LEFT: self._heard,
            Step.UNCONFIRMED: self._heard,
            Step.RECORDED: lambda: self._asked(_RECORDED),
        }

    async def _asked(self, question: str) -> bool:
        return bool(await self.database.fetchval(question, self.letter.id))

    async def _uploaded(self) -> bool:
        return len(self.linked.world.stage.whatsapp.media.uploads) > self.uploads_before

    async def _begun(self) -> bool:
        connector = self.linked.world.connector
        sealer = Sealer([base64.b64decode(connector.state_key)])
        [secret] = sealer.secrets(f"{self.letter.id}/{FIRST_CLAIM}")
        store = connector.data_folder / "sessions" / self.linked.session_id / "store.db"
        query = "select 1 from whatsmeow_message_secrets where key = ?"
        with closing(sqlite3.connect(f"file:{store}?mode=ro", uri=True)) as reading:
            return bool(reading.execute(query, (secret,)).fetchall())

    async def _heard(self) -> bool:
        hearers = self.letter.hearers(self.linked.owner)
        return any(
            mark_of(heard) == self.letter.mark
            for person in hearers
            for heard in person.heard[-20:]
        )
