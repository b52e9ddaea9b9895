import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from connector.adapters.whatsapp import spool as spool_module
from connector.adapters.whatsapp.event_codes import Code
from connector.adapters.whatsapp.reading import ReadingRules
from connector.adapters.whatsapp.reserve import FILE_NAME as RESERVE
from connector.adapters.whatsapp.reserve import SIZE, Reserve
from connector.adapters.whatsapp.spool import HighWater, SpoolWriter
from connector.adapters.whatsapp.spool_reader import SpoolReader
from connector.domain.messages import Message
from connector.errors import SealBroken
from connector.ports import SpooledBatch
from connector.sealing import Sealer
from tests.unit.whatsapp.neonize_events import (
    BOB_LID,
    history_event,
    message,
    remembered,
)

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

    def close(self) -> None:
        self.reader.close()
        for writer in self._writers:
            writer.close()

    def _count(self) -> None:
        self.full += 1


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Spool]:
    both = Spool(tmp_path)
    yield both
    both.close()


def texts(batch: SpooledBatch | None) -> list[str | None]:
    assert batch is not None
    return [item.body for item in batch.incoming if isinstance(item, Message)]


async def test_events_come_out_in_order_and_stay_until_trimmed(spool: Spool) -> None:
    assert await spool.reader.read(10) is None
    writer = spool.writer()
    for number in range(5):
        writer.append(Code.MESSAGE, message(f"m{number}", id=f"ID{number}"))

    first = await spool.reader.read(3)
    again = await spool.reader.read(3)
    assert texts(first) == texts(again) == ["m0", "m1", "m2"]
    assert first is not None
    await spool.reader.trim(first.up_to)

    assert texts(await spool.reader.read(3)) == ["m3", "m4"]
    assert await spool.reader.depth() == 2


async def test_a_batch_is_of_one_term(spool: Spool) -> None:
    spool.writer(term=4).append(Code.MESSAGE, message("old"))
    spool.writer(term=5).append(Code.MESSAGE, message("new"))

    first = await spool.reader.read(10)
    assert first is not None
    assert (first.term, texts(first)) == (4, ["old"])
    await spool.reader.trim(first.up_to)
    second = await spool.reader.read(10)

    assert second is not None
    assert (second.term, texts(second)) == (5, ["new"])


async def test_a_number_is_never_given_twice_even_when_all_is_trimmed(
    spool: Spool,
) -> None:
    spool.writer().append(Code.MESSAGE, message("one"))
    batch = await spool.reader.read(10)
    assert batch is not None
    await spool.reader.trim(batch.up_to)

    spool.writer().append(Code.MESSAGE, message("two"))
    await spool.reader.trim(batch.up_to)

    assert texts(await spool.reader.read(10)) == ["two"]


async def test_a_poison_event_is_set_aside_and_the_rest_goes_on(spool: Spool) -> None:
    writer = spool.writer()
    writer.append(Code.MESSAGE, message("before"))
    writer.append(Code.MESSAGE, b"\xff poison")
    writer.append(Code.MESSAGE, message("after"))

    batch = await spool.reader.read(10)
    again = await spool.reader.read(10)

    assert texts(batch) == texts(again) == ["before", "after"]
    assert batch is not None
    assert batch.rejected == 1
    assert [code for code, _ in spool.dead_letters()] == [Code.MESSAGE]


async def test_what_supabase_refuses_is_set_aside(spool: Spool) -> None:
    writer = spool.writer()
    writer.append(Code.MESSAGE, message("refused"))
    writer.append(Code.MESSAGE, message("next"))
    batch = await spool.reader.read(1)
    assert batch is not None

    await spool.reader.reject(batch.up_to, "a constraint says no")

    assert spool.dead_letters() == [(Code.MESSAGE, "a constraint says no")]
    assert texts(await spool.reader.read(1)) == ["next"]


async def test_a_large_history_comes_in_pieces_and_again_after_a_crash(
    spool: Spool,
) -> None:
    old = [remembered(f"h{age}", age) for age in range(1, 6)]
    writer = spool.writer()
    writer.append(Code.MESSAGE, message("live"))
    writer.append(
        Code.HISTORY_SYNC,
        history_event(conversations=[{"ID": BOB_LID, "messages": old}]),
    )
    writer.append(Code.MESSAGE, message("last"))

    seen = []
    for _ in range(2):
        batch = await spool.reader.read(2)
        assert texts(batch) == texts(await spool.reader.read(2))
        assert batch is not None
        seen += texts(batch)
        await spool.reader.trim(batch.up_to)
    assert seen == ["live", "h1", "h2", "h3"]
    restarted = spool.read_with(KEY)
    resumed = texts(await restarted.read(4))
    restarted.close()
    rest = await spool.reader.read(10)

    assert resumed == ["h1", "h2", "h3", "h4"]
    assert texts(rest) == ["h4", "h5", "last"]
    assert rest is not None
    await spool.reader.trim(rest.up_to)
    assert await spool.reader.depth() == 0


async def test_a_wrong_key_stops_reading_and_destroys_nothing(spool: Spool) -> None:
    spool.writer().append(Code.MESSAGE, message("sealed"))
    wrong = spool.read_with(OTHER_KEY)

    with pytest.raises(SealBroken):
        await wrong.read(10)
    wrong.close()

    assert texts(await spool.reader.read(10)) == ["sealed"]
    assert spool.dead_letters() == []


def test_bodies_are_not_readable_on_the_disk(spool: Spool, tmp_path: Path) -> None:
    spool.writer().append(Code.MESSAGE, message("between us"))

    files = b"".join(file.read_bytes() for file in tmp_path.iterdir())

    assert b"between us" not in files


async def test_at_the_high_water_mark_receiving_stops_and_nothing_is_dropped(
    spool: Spool,
) -> None:
    writer = spool.writer(high_water=HighWater(spool_bytes=200_000, free_bytes=0))
    assert writer.has_room()
    for number in range(200):
        writer.append(Code.MESSAGE, message("x" * 2_000, id=f"ID{number}"))

    assert spool.full == 1
    assert not writer.has_room()
    batch = await spool.reader.read(500)
    assert batch is not None
    assert len(batch.incoming) == 200
    await spool.reader.trim(batch.up_to)
    assert writer.has_room()


def test_a_disk_without_room_stops_receiving(spool: Spool) -> None:
    writer = spool.writer(high_water=HighWater(spool_bytes=1 << 30, free_bytes=1 << 60))

    assert not writer.has_room()


async def test_what_cannot_be_written_yet_stays_in_memory_in_order(
    spool: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spool_module, "_BUSY_SECONDS", 0.0)
    writer = spool.writer()
    blocker = sqlite3.connect(spool.path, isolation_level=None)
    blocker.execute("begin immediate")

    writer.append(Code.MESSAGE, message("first"))
    writer.append(Code.MESSAGE, message("second"))
    assert spool.full == 1
    assert not writer.flush(time.monotonic())
    blocker.execute("rollback")
    blocker.close()

    assert writer.flush(time.monotonic() + 5)
    writer.append(Code.MESSAGE, message("third"))
    assert texts(await spool.reader.read(10)) == ["first", "second", "third"]


def let_it_grow(writer: SpoolWriter, pages: int) -> None:
    """SQLite itself says "disk is full" to the write that needs one page more."""
    used = writer._connection.execute("pragma page_count").fetchone()[0]
    writer._connection.execute(f"pragma max_page_count = {used + pages}")


@pytest.fixture
def full_disk(spool: Spool, monkeypatch: pytest.MonkeyPatch) -> SpoolWriter:
    """A disk without a page left, but for those of the reserve."""
    writer = spool.writer()
    give_back = Reserve.spend

    def spend(reserve: Reserve) -> bool:
        had_any = give_back(reserve)
        if had_any:
            let_it_grow(writer, pages=SIZE // 4096)
        return had_any

    monkeypatch.setattr(Reserve, "spend", spend)
    let_it_grow(writer, pages=0)
    return writer


async def test_the_reserve_takes_what_a_full_disk_refuses(
    spool: Spool, full_disk: SpoolWriter
) -> None:
    for number in range(100):
        full_disk.append(Code.MESSAGE, message("x" * 2_000, id=f"ID{number}"))

    assert spool.full == 1
    assert full_disk.flush(time.monotonic())
    assert not spool.path.with_name(RESERVE).exists()
    batch = await spool.reader.read(500)
    assert batch is not None
    assert len(batch.incoming) == 100


async def test_what_not_even_the_reserve_takes_waits_for_room(
    spool: Spool, full_disk: SpoolWriter
) -> None:
    spool.path.with_name(RESERVE).unlink()
    sent = [f"{number} {'x' * 2_000}" for number in range(20)]
    for text in sent:
        full_disk.append(Code.MESSAGE, message(text, id=text[:2]))

    assert spool.full == 1
    assert not full_disk.flush(time.monotonic())
    let_it_grow(full_disk, pages=1_000)

    assert full_disk.flush(time.monotonic())
    assert texts(await spool.reader.read(500)) == sent


def test_a_reserve_is_of_real_blocks_and_made_anew_once_there_is_room(
    spool: Spool,
) -> None:
    reserve = spool.path.with_name(RESERVE)
    no_room = HighWater(spool_bytes=1 << 30, free_bytes=1 << 60)

    spool.writer(high_water=no_room)
    assert not reserve.exists()
    spool.writer()

    assert reserve.stat().st_blocks * 512 >= SIZE


def test_the_reserve_counts_as_free(
    spool: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or setting it aside at the mark would stop the receiving it is there for."""
    free = [64 * 1024 * 1024]
    monkeypatch.setattr(spool_module, "_free_bytes", lambda _: free[0])
    writer = spool.writer(high_water=HighWater(spool_bytes=1 << 30))
    free[0] -= SIZE

    assert writer.has_room()
    free[0] -= 1 << 20
    assert not writer.has_room()


def test_another_writer_at_work_does_not_cost_the_reserve(
    spool: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spool_module, "_BUSY_SECONDS", 0.0)
    writer = spool.writer()
    blocker = sqlite3.connect(spool.path, isolation_level=None)
    blocker.execute("begin immediate")

    writer.append(Code.MESSAGE, message("waits"))
    blocker.execute("rollback")
    blocker.close()

    assert spool.path.with_name(RESERVE).exists()
    assert writer.flush(time.monotonic())


async def test_a_trim_without_room_is_made_up_for_and_holds_nothing_back(
    spool: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spool_module, "_BUSY_SECONDS", 0.0)
    writer = spool.writer()
    writer.append(Code.MESSAGE, message("stored"))
    writer.append(Code.MESSAGE, message("next"))
    first = await spool.reader.read(1)
    assert first is not None
    blocker = sqlite3.connect(spool.path, isolation_level=None)
    blocker.execute("begin immediate")

    await spool.reader.trim(first.up_to)
    assert texts(await spool.reader.read(10)) == ["next"]
    assert await spool.reader.depth() == 1
    successor = spool.read_with(KEY)
    assert texts(await successor.read(10)) == ["stored", "next"]
    blocker.execute("rollback")
    blocker.close()

    assert texts(await spool.reader.read(10)) == ["next"]
    assert texts(await successor.read(10)) == ["next"]
    successor.close()
