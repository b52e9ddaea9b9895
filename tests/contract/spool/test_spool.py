import sqlite3
import time
from pathlib import Path

import pytest

from connector.adapters.whatsapp.event_codes import Code
from connector.adapters.whatsapp.spool import writer as spool_module
from connector.adapters.whatsapp.spool.reserve import FILE_NAME as RESERVE
from connector.adapters.whatsapp.spool.reserve import SIZE, Reserve
from connector.adapters.whatsapp.spool.writer import HighWater, SpoolWriter
from connector.errors import SealBroken
from connector.ports import DesiredState, SessionId, SessionRow
from tests.contract.spool.both_halves import KEY, Spool, at_most, texts
from tests.unit.whatsapp.neonize_events import (
    BOB_LID,
    call_offer,
    message,
    source,
)

OTHER_KEY = b"o" * 32


def session(*, ignore_status: bool) -> SessionRow:
    return SessionRow(
        session_id=SessionId("s"),
        desired_state=DesiredState.CONNECTED,
        desired_revision=1,
        ignore_status=ignore_status,
    )


async def test_events_come_out_in_order_and_stay_until_trimmed(spool: Spool) -> None:
    assert await spool.reader.read(at_most(10)) is None
    writer = spool.writer()
    for number in range(5):
        writer.append(Code.MESSAGE, message(f"m{number}", id=f"ID{number}"))

    first = await spool.reader.read(at_most(3))
    again = await spool.reader.read(at_most(3))
    assert texts(first) == texts(again) == ["m0", "m1", "m2"]
    assert again is not None
    await spool.reader.trim(again)

    assert texts(await spool.reader.read(at_most(3))) == ["m3", "m4"]
    assert await spool.reader.depth() == 2


async def test_a_batch_is_of_one_term(spool: Spool) -> None:
    spool.writer(term=4).append(Code.MESSAGE, message("old"))
    spool.writer(term=5).append(Code.MESSAGE, message("new"))

    first = await spool.reader.read(at_most(10))
    assert first is not None
    assert (first.term, texts(first)) == (4, ["old"])
    await spool.reader.trim(first)
    second = await spool.reader.read(at_most(10))

    assert second is not None
    assert (second.term, texts(second)) == (5, ["new"])


async def test_a_number_is_never_given_twice_even_when_all_is_trimmed(
    spool: Spool,
) -> None:
    spool.writer().append(Code.MESSAGE, message("one"))
    batch = await spool.reader.read(at_most(10))
    assert batch is not None
    await spool.reader.trim(batch)

    spool.writer().append(Code.MESSAGE, message("two"))
    await spool.reader.trim(batch)

    assert texts(await spool.reader.read(at_most(10))) == ["two"]


async def test_a_poison_event_is_set_aside_and_the_rest_goes_on(spool: Spool) -> None:
    writer = spool.writer()
    writer.append(Code.MESSAGE, message("before"))
    writer.append(Code.MESSAGE, b"\xff poison")
    writer.append(Code.MESSAGE, message("after"))

    batch = await spool.reader.read(at_most(10))
    again = await spool.reader.read(at_most(10))
    assert texts(batch) == texts(again) == ["before", "after"]
    assert again is not None
    assert again.rejected == 1
    await spool.reader.trim(again)

    assert await spool.reader.depth() == 0
    assert [code for code, _ in spool.dead_letters()] == [Code.MESSAGE]


async def test_what_supabase_refuses_is_set_aside(spool: Spool) -> None:
    writer = spool.writer()
    writer.append(Code.MESSAGE, message("refused"))
    writer.append(Code.MESSAGE, message("next"))
    batch = await spool.reader.read(at_most(1))
    assert batch is not None

    await spool.reader.reject(batch, "a constraint says no")

    assert spool.dead_letters() == [(Code.MESSAGE, "a constraint says no")]
    assert texts(await spool.reader.read(at_most(1))) == ["next"]


async def test_a_switch_holds_for_what_is_read_next(spool: Spool) -> None:
    status = source(chat="status@broadcast", sender=BOB_LID)
    for wanted in (False, True):
        spool.writer().append(Code.MESSAGE, message("na praia", status))
        spool.reader.follow(session(ignore_status=not wanted))
        batch = await spool.reader.read(at_most(10))
        assert texts(batch) == (["na praia"] if wanted else [])
        assert batch is not None
        await spool.reader.trim(batch)


async def test_what_was_left_behind_is_read_as_its_session_wanted(spool: Spool) -> None:
    spool.writer()
    spool.reader.follow(session(ignore_status=False))
    await spool.reader.read(at_most(1))  # the session runs
    status = source("status@broadcast", BOB_LID)
    spool.writer().append(Code.MESSAGE, message("kept", status))
    spool.writer().append(Code.CALL_OFFER, call_offer())

    successor = spool.read_with(KEY)  # of another process, where it does not run

    assert texts(await successor.read(at_most(10))) == ["kept"]
    successor.close()


@pytest.mark.parametrize("damaged", ["", "[]", '{"ignore_status": 0}', "\xff"])
async def test_without_wishes_that_can_be_read_the_usual_rules_hold(
    spool: Spool, damaged: str
) -> None:
    (spool.path.parent / "rules.json").write_text(damaged, "latin-1")
    status = source("status@broadcast", BOB_LID)
    spool.writer().append(Code.MESSAGE, message("ignored", status))
    spool.writer().append(Code.MESSAGE, message("read"))

    assert texts(await spool.reader.read(at_most(10))) == ["read"]


async def test_a_wrong_key_stops_reading_and_destroys_nothing(spool: Spool) -> None:
    spool.writer().append(Code.MESSAGE, message("sealed"))
    wrong = spool.read_with(OTHER_KEY)

    with pytest.raises(SealBroken):
        await wrong.read(at_most(10))
    wrong.close()

    assert texts(await spool.reader.read(at_most(10))) == ["sealed"]
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
    batch = await spool.reader.read(at_most(500))
    assert batch is not None
    assert len(batch.incoming) == 200
    await spool.reader.trim(batch)
    assert writer.has_room()


async def test_while_nothing_is_stored_the_log_is_folded_into_the_file_all_the_same(
    spool: Spool,
) -> None:
    writer = spool.writer()
    for number in range(6):
        writer.append(Code.MESSAGE, message("x" * 1_000_000, id=f"ID{number}"))
    assert spool.path.stat().st_size < 1_000_000

    await spool.reader.read(at_most(1))

    assert spool.path.stat().st_size > 6_000_000


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

    assert writer.flush(time.monotonic() + 60)
    writer.append(Code.MESSAGE, message("third"))
    assert texts(await spool.reader.read(at_most(10))) == ["first", "second", "third"]


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
    batch = await spool.reader.read(at_most(500))
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
    assert texts(await spool.reader.read(at_most(500))) == sent


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
    first = await spool.reader.read(at_most(1))
    assert first is not None
    blocker = sqlite3.connect(spool.path, isolation_level=None)
    blocker.execute("begin immediate")

    await spool.reader.trim(first)
    assert texts(await spool.reader.read(at_most(10))) == ["next"]
    assert await spool.reader.depth() == 1
    in_doubt = spool.read_with(KEY)
    assert texts(await in_doubt.read(at_most(10))) == ["stored", "next"]
    in_doubt.close()
    blocker.execute("rollback")
    blocker.close()

    assert texts(await spool.reader.read(at_most(10))) == ["next"]
    successor = spool.read_with(KEY)
    assert texts(await successor.read(at_most(10))) == ["next"]
    successor.close()
