"""Whether all that was said is stored once, and all that was written was heard once."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Final

import asyncpg

from tests.soak.traffic import Traffic

PATIENCE: Final = 120.0
LOOK_SECONDS: Final = 0.5
_STORED: Final = """
select whatsapp_id, session_id::text as session, count(*) as rows from wa_messages
where whatsapp_id = any($1) group by 1, 2
"""
_FILES: Final = """
select count(*) from wa_attachments as file
inner join wa_messages as message on message.id = file.message_id
where message.whatsapp_id = any($1) and file.state = 'stored'
"""
_ROWS: Final = """
select kind, state, whatsapp_id, attempts, claims, claimed_at, sent_at, delivered_at, session_id
from wa_outbox where id = any($1::uuid[])
"""
_SETTLED: Final = """
select count(*) from wa_outbox
where id = any($1::uuid[]) and state in ('sent', 'delivered', 'read')
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    said: int
    said_lost: int
    said_twice: int
    files_missing: int
    written: int
    written_lost: int
    written_twice: int
    unsettled: int

    @property
    def is_clean(self) -> bool:
        kept = asdict(self)
        return not any(kept[name] for name in kept if name not in ("said", "written"))


async def counted(traffic: Traffic) -> Counts:
    """Once nothing is missing any more, or patience is at an end."""
    until = time.monotonic() + PATIENCE
    connection = await asyncpg.connect(traffic.fleet.stage.supabase.database_url)
    try:
        while True:
            counts = await _counts(traffic, connection)
            if counts.is_clean or time.monotonic() > until:
                return counts
            await asyncio.sleep(LOOK_SECONDS)
    finally:
        await connection.close()


async def unheard(traffic: Traffic) -> list[str]:
    """What became of the rows that nobody heard, for whoever looks for the reason."""
    heard = _heard(traffic)
    lost = [row for text, row in traffic.written.items() if text not in heard]
    connection = await asyncpg.connect(traffic.fleet.stage.supabase.database_url)
    try:
        rows = [dict(row) for row in await connection.fetch(_ROWS, lost)]
    finally:
        await connection.close()
    repeated = traffic.fleet.stage.whatsapp.repetitions
    return [f"{row}, ignored: {row['whatsapp_id'] in repeated}" for row in rows]


async def _counts(
    traffic: Traffic, connection: asyncpg.Connection[asyncpg.Record]
) -> Counts:
    said, written = traffic.said, traffic.written
    stored = {
        (row["whatsapp_id"], row["session"]): row["rows"]
        for row in await connection.fetch(_STORED, list(said))
    }
    files = await connection.fetchval(_FILES, list(traffic.pictures))
    settled = await connection.fetchval(_SETTLED, list(written.values()))
    heard = _heard(traffic)
    return Counts(
        said=len(said),
        said_lost=sum(one not in stored for one in said.items()),
        said_twice=sum(stored.get(one, 0) > 1 for one in said.items()),
        files_missing=len(traffic.pictures) - int(files),
        written=len(written),
        written_lost=sum(text not in heard for text in written),
        written_twice=sum(heard[text] > 1 for text in written),
        unsettled=len(written) - int(settled),
    )


def _heard(traffic: Traffic) -> Mapping[str, int]:
    heard: Counter[str] = Counter()
    for friend in traffic.friends:
        for one in friend.heard:
            file = one.message.documentWithCaptionMessage.message.documentMessage
            heard[file.caption or one.text] += 1
    return heard
