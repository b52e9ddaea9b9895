"""The claimed rows of one session that are on their way, in the order of their claims."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from connector.delivery.prepared import Prepared, PreparedMessage, acts_alone
from connector.domain.outgoing import (
    OutboxResult,
    Outcome,
    OutgoingMedia,
    Place,
    Stage,
    next_to_go,
)
from connector.ports import ClaimedRow

_BACK_TO_THE_QUEUE: Final = (Outcome.RELEASED, Outcome.RETRY, Outcome.PAUSED)

# None: what was asked of a row that is ready is over, and it is ready once more.
Ended: TypeAlias = Prepared | OutboxResult | None


@dataclass(slots=True, eq=False)
class InHand:
    row: ClaimedRow
    task: asyncio.Task[Ended] | None = None
    stage: Stage = Stage.PREPARING
    prepared: Prepared | None = None
    alone: bool = False

    @property
    def chat(self) -> str:
        return self.row.chat_id or self.row.chat_jid or self.row.to

    @property
    def place(self) -> Place:
        return Place(self.chat, self.stage, self.alone)

    @property
    def has_file(self) -> bool:
        prepared = self.prepared
        return isinstance(prepared, PreparedMessage) and isinstance(
            prepared.message.content, OutgoingMedia
        )

    def become_ready(self, prepared: Prepared | None) -> None:
        """As it was prepared; without: once more, and nothing comes before it any more."""
        self.task, self.stage, self.alone = None, Stage.READY, False
        if prepared is not None:
            self.prepared, self.alone = prepared, acts_alone(prepared)


class Hand:
    def __init__(self) -> None:
        self._rows: dict[str, InHand] = {}

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[InHand]:
        return iter(tuple(self._rows.values()))

    @property
    def ids(self) -> Collection[str]:
        return self._rows.keys()

    @property
    def leaving(self) -> Sequence[InHand]:
        return [each for each in self if each.stage is Stage.LEAVING]

    @property
    def staying(self) -> Sequence[InHand]:
        """Those that surely have not left."""
        return [each for each in self if each.stage is not Stage.LEAVING]

    @property
    def ended(self) -> Sequence[InHand]:
        return [each for each in self if each.task and each.task.done()]

    @property
    def unprepared(self) -> Sequence[InHand]:
        return [
            each for each in self if each.stage is Stage.PREPARING and not each.task
        ]

    def behind(self, entry: InHand) -> Sequence[InHand]:
        """Those of its chat that came after it and surely have not left."""
        rows = list(self._rows.values())
        after = rows[rows.index(entry) + 1 :]
        return [
            each
            for each in after
            if each.chat == entry.chat and each.stage is not Stage.LEAVING
        ]

    def add(self, entry: InHand) -> None:
        self._rows[entry.row.id] = entry

    def holds(self, entry: InHand) -> bool:
        return entry.row.id in self._rows

    def remove(self, entry: InHand) -> None:
        """Whatever is still done for it is in vain."""
        del self._rows[entry.row.id]
        if entry.task is not None:
            entry.task.cancel()

    @property
    def is_burst(self) -> bool:
        """Whether somebody waits for nothing but a turn."""
        places = [each.place for each in self]
        return next_to_go(places, most_leaving=len(places) + 1) is not None

    def next(self) -> InHand | None:
        rows = list(self._rows.values())
        at = next_to_go([each.place for each in rows])
        return None if at is None else rows[at]


class PutBack:
    """Rows that go back to the queue, until Postgres knows: nothing may overtake them."""

    def __init__(self) -> None:
        self._rows: dict[str, tuple[str, bool]] = {}  # its chat; whether all wait

    def add(self, chat: str, result: OutboxResult) -> bool:
        """Whether it does go back."""
        if result.outcome in _BACK_TO_THE_QUEUE:
            self._rows[result.id] = chat, result.pause is not None
            return True
        return False

    def forget_all_but(self, unrecorded: Sequence[OutboxResult]) -> None:
        waiting = {result.id for result in unrecorded}
        self._rows = {key: row for key, row in self._rows.items() if key in waiting}

    def holds_up(self, chat: str) -> bool:
        """A pause holds up every chat: Postgres knows which rows it is about."""
        return any(of == chat or everybody for of, everybody in self._rows.values())
