"""How far each row had come when its sender was killed, as the rest of the world saw it."""

from __future__ import annotations

import base64
import enum
import sqlite3
from collections.abc import Container, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import asyncpg

from connector.sealing import Sealer
from tests.acceptance.world import Linked
from tests.crashes.sends.letters import Letter
from tests.crashes.sends.victims import store_of

SAID_SENT: Final = ("sent", "delivered", "read")


class Moment(enum.StrEnum):
    QUEUED = "queued"
    CLAIMED = "claimed"  # and not begun
    BEGUN = "begun"  # its secret is in the store, and it never left
    LEFT = "left"  # it was on its way or heard, and Postgres had not been told
    RECORDED = "recorded"


@dataclass(slots=True)
class Sight:
    """What was there when the victim stood still; `begun` are message ids by row."""

    states: Mapping[str, str]
    claims: Mapping[str, int]
    begun: dict[str, set[str]] = field(default_factory=dict)

    @classmethod
    async def of(
        cls,
        linked: Linked,
        database: asyncpg.Connection[asyncpg.Record],
        batch: Sequence[Letter],
    ) -> Sight:
        rows = await database.fetch(
            "select id::text, state, claims from wa_outbox where id = any($1)",
            [letter.id for letter in batch],
        )
        sight = cls(
            {row["id"]: row["state"] for row in rows},
            {row["id"]: row["claims"] for row in rows},
        )
        sight.look_into_the_store(linked)
        return sight

    def look_into_the_store(self, linked: Linked) -> None:
        """Once more when it is dead: a worker without supervisor sends what it was given."""
        key = linked.world.connector.state_key
        with reading(store_of(linked)) as store:
            for row_id, claims in self.claims.items():
                found = message_ids(store, key, row_id, claims)
                self.begun.setdefault(row_id, set()).update(found)

    def moment(self, row_id: str, heard: Container[str]) -> Moment:
        """`heard` are the message ids that anybody ever heard."""
        if self.states[row_id] in SAID_SENT:
            return Moment.RECORDED
        begun = self.begun[row_id]
        if any(message_id in heard for message_id in begun):
            return Moment.LEFT
        if begun:
            return Moment.BEGUN
        return Moment.QUEUED if self.states[row_id] == "queued" else Moment.CLAIMED


@contextmanager
def reading(store: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(f"file:{store}?mode=ro", uri=True)) as connection:
        yield connection


def message_ids(
    store: sqlite3.Connection, state_key: str, row_id: str, claims: int
) -> set[str]:
    """What the claims of a row led to, as far as they were begun."""
    sealer = Sealer([base64.b64decode(state_key)])
    query = "select message_id from whatsmeow_message_secrets where key = ?"
    return {
        str(message_id)
        for claim in range(1, claims + 1)
        for secret in sealer.secrets(f"{row_id}/{claim}")
        for (message_id,) in store.execute(query, (secret,))
    }
