"""Whatever happens in whatever order: nothing is lost, and news keeps its order."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from connector.adapters.whatsapp.event_codes import Code
from connector.adapters.whatsapp.spool.writer import HighWater
from connector.ports import SpooledBatch
from tests.contract.spool.both_halves import KEY, Spool, at_most, texts
from tests.unit.whatsapp.neonize_events import (
    BOB_LID,
    history_event,
    message,
    remembered,
)

# Without a reserve, whose eight megabytes would take longer than all the rest.
NO_RESERVE = HighWater(spool_bytes=1 << 30, free_bytes=1 << 60)
STEPS = st.one_of(
    st.just(("news", 1)),
    st.tuples(st.just("history"), st.integers(0, 7)),
    st.just(("poison", 0)),
    st.tuples(st.just("store"), st.integers(1, 5)),
    st.tuples(st.just("fail"), st.integers(1, 5)),
    st.just(("refuse", 1)),
    st.just(("read ahead", 3)),
    st.just(("crash", 0)),
    st.just(("replay", 0)),
)


class Life:
    """A spool to which all of that happens."""

    def __init__(self, folder: Path) -> None:
        self.spool = Spool(folder)
        self.writer = self.spool.writer(high_water=NO_RESERVE)
        self.received: list[str] = []
        self.stored: list[str] = []
        self.refused: set[str] = set()
        self.poisoned = 0

    def happens(self, step: str, size: int) -> None:
        match step:
            case "news":
                self.writer.append(Code.MESSAGE, message(self._new("n"), id="N"))
            case "history":
                old = [remembered(self._new("h"), age) for age in range(1, size + 1)]
                chats = [{"ID": BOB_LID, "messages": old}]
                self.writer.append(
                    Code.HISTORY_SYNC, history_event(conversations=chats)
                )
            case "poison":
                self.writer.append(Code.MESSAGE, b"\xff")
                self.poisoned += 1
            case "read ahead":
                for lane in at_most(1):
                    self.spool.reader._read_ahead(lane, size)
            case "crash":
                self.spool.reader.close()
                self.spool.reader = self.spool.read_with(KEY)
            case "replay":
                self.spool.replay()
            case _:
                self._read(step, size)

    def _read(self, step: str, size: int) -> None:
        batch = self.spool.reader._read(at_most(size))
        if batch is None:
            return
        if step == "store" or not batch.incoming:
            self._store(batch)
        elif step == "refuse":
            self.refused |= {text for text in texts(batch) if text}
            self.spool.reader._reject(batch, "no")

    def _store(self, batch: SpooledBatch) -> None:
        self.stored += [text for text in texts(batch) if text]
        self.spool.reader._trim(batch)

    def ends(self) -> None:
        """All that waits is stored, and what was set aside is tried once more."""
        for _ in range(2):
            while (batch := self.spool.reader._read(at_most(500))) is not None:
                self._store(batch)
            assert self.spool.reader._count() == 0
            self.spool.replay()
        while (batch := self.spool.reader._read(at_most(500))) is not None:
            self._store(batch)
        self.spool.close()

    def _new(self, kind: str) -> str:
        self.received.append(f"{kind}{len(self.received)}")
        return self.received[-1]


@settings(max_examples=25, deadline=None)
@given(steps=st.lists(STEPS, max_size=40))
def test_nothing_is_lost_and_news_is_stored_once_and_in_order(
    steps: list[tuple[str, int]],
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        life = Life(Path(folder))
        for step, size in steps:
            life.happens(step, size)
        life.ends()

        assert set(life.stored) == set(life.received)
        news = [text for text in life.stored if text[0] == "n"]
        assert len(news) == len(set(news))
        in_order = [text for text in news if text not in life.refused]
        assert in_order == sorted(in_order, key=life.received.index)
        assert len(life.spool.dead_letters()) == life.poisoned
