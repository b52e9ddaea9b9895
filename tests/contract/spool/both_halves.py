"""Both halves of a spool over one file, as the worker and the supervisor have it."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

from connector.adapters.whatsapp.reading.rules import ReadingRules
from connector.adapters.whatsapp.spool.dead_letters import replay
from connector.adapters.whatsapp.spool.reader import SpoolReader
from connector.adapters.whatsapp.spool.writer import HighWater, SpoolWriter, connect
from connector.domain.messages import Message
from connector.ports import Lane, SpooledBatch
from connector.sealing import Sealer

PLENTY = HighWater(spool_bytes=1 << 30, free_bytes=0)
KEY, OTHER_KEY = b"k" * 32, b"o" * 32


class Spool:
    """Both halves over one file, as the worker and the supervisor have it."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "spool.db"
        self.full = 0
        self.reader = self.read_with(KEY)
        self._writers: list[SpoolWriter] = []

    def writer(self, *, term: int = 1, high_water: HighWater = PLENTY) -> SpoolWriter:
        writer = SpoolWriter(
            self.path,
            session_id="s",
            term=term,
            sealer=Sealer([KEY]),
            high_water=high_water,
            on_full=self._count,
        )
        self._writers.append(writer)
        return writer

    def read_with(self, key: bytes) -> SpoolReader:
        return SpoolReader(
            self.path,
            session_id="s",
            sealer=Sealer([key]),
            rules=ReadingRules(history_days=36_500),
            own=lambda: None,
            phone_of=lambda _lid: None,
        )

    def dead_letters(self) -> list[tuple[Any, ...]]:
        with sqlite3.connect(self.path) as connection:
            rows = connection.execute("select code, reason from dead_letters")
            found = rows.fetchall()
        connection.close()
        return found

    def replay(self, letter_id: int = 0) -> int:
        connection = connect(self.path)
        try:
            return replay(connection, letter_id)
        finally:
            connection.close()

    def close(self) -> None:
        self.reader.close()
        for writer in self._writers:
            writer.close()

    def _count(self) -> None:
        self.full += 1


def at_most(limit: int) -> dict[Lane, int]:
    return dict.fromkeys(Lane, limit)


def texts(batch: SpooledBatch | None) -> list[str | None]:
    assert batch is not None
    return [item.body for item in batch.incoming if isinstance(item, Message)]
