"""What a full disk, or a store that cannot be read, does to the supervisor's half."""

from __future__ import annotations

import contextlib
import sqlite3
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from connector.adapters.whatsapp.event_codes import Code
from connector.adapters.whatsapp.process.launcher import WhatsAppLauncher
from connector.adapters.whatsapp.process.zygote import Zygote
from connector.adapters.whatsapp.reading.incoming import decode
from connector.adapters.whatsapp.reading.rules import ReadingRules, Rejected
from connector.adapters.whatsapp.spool import queue as spool_queue
from connector.adapters.whatsapp.spool import reader as spool_reader
from connector.adapters.whatsapp.spool.reader import SpoolReader
from connector.adapters.whatsapp.spool.writer import HighWater, SpoolWriter
from connector.domain.addresses import Jid
from connector.domain.incoming import Incoming
from connector.domain.messages import Message
from connector.errors import SpoolUnavailable, WorkerGone
from connector.sealing import Sealer
from tests.contract.spool.both_halves import KEY, Spool, at_most, texts
from tests.fakes.supabase import wanted
from tests.unit.whatsapp.neonize_events import (
    BOB_LID,
    history_event,
    message,
    remembered,
)

POISON = b"\xff" * 50_000


def history(count: int) -> bytes:
    old = [remembered(f"h{age}", age) for age in range(1, count + 1)]
    return history_event(conversations=[{"ID": BOB_LID, "messages": old}])


class Disk:
    """Full or not, as far as the supervisor's connection goes."""

    def __init__(self, spool: Spool) -> None:
        self._connection = spool.reader._queue._open()

    def fill(self) -> None:
        assert self._connection is not None
        self._connection.execute("vacuum")
        self._connection.execute("pragma max_page_count = 1")  # as many as there are

    def free(self) -> None:
        assert self._connection is not None
        self._connection.execute("pragma max_page_count = 1000000")


async def stored(spool: Spool, limit: int = 500) -> list[str | None]:
    """What can be read and stored now."""
    seen: list[str | None] = []
    while (batch := await spool.reader.read(at_most(limit))) is not None:
        seen += texts(batch)
        await spool.reader.trim(batch)
    return seen


async def test_without_room_for_a_dead_letter_the_event_stays_and_the_rest_goes_on(
    spool: Spool,
) -> None:
    writer = spool.writer()
    writer.append(Code.MESSAGE, POISON)
    writer.append(Code.MESSAGE, message("next"))
    disk = Disk(spool)
    disk.fill()

    assert await stored(spool) == ["next"]
    writer.append(Code.MESSAGE, message("later", id="L"))
    assert await stored(spool) == ["later"]
    assert spool.dead_letters() == []
    successor = spool.read_with(KEY)
    assert await successor.depth() == 3, "nothing is lost with the process"
    successor.close()
    disk.free()

    assert await stored(spool) == []
    assert len(spool.dead_letters()) == 1
    assert await spool.reader.depth() == 0


async def test_without_room_for_parts_of_a_history_its_lane_rests_and_news_goes_on(
    spool: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    def picky(code: int, *given: Any) -> Iterator[Incoming | Rejected]:
        for item in decode(code, *given):
            if isinstance(item, Message) and item.body == "h2":
                yield Rejected(code=code, raw=POISON, reason="no such time")
            else:
                yield item

    monkeypatch.setattr(spool_reader, "decode", picky)
    writer = spool.writer()
    writer.append(Code.HISTORY_SYNC, history(4))
    disk = Disk(spool)
    disk.fill()

    assert await stored(spool, 2) == ["h1"]
    writer.append(Code.MESSAGE, message("news"))
    assert await stored(spool) == ["news"]
    assert await spool.reader.depth() > 0
    disk.free()

    assert await stored(spool, 2) == ["h3", "h4"]
    assert spool.dead_letters() == [(Code.HISTORY_SYNC, "no such time")]
    assert await spool.reader.depth() == 0


async def test_a_spool_that_cannot_be_opened_says_so_and_is_never_called_empty(
    spool: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    spool.writer().append(Code.MESSAGE, message("waits"))

    def refuse(_path: Path) -> sqlite3.Connection:
        raise sqlite3.OperationalError("database or disk is full")

    with monkeypatch.context() as patched:
        patched.setattr(spool_queue, "connect", refuse)
        with pytest.raises(SpoolUnavailable):
            await spool.reader.read(at_most(10))
        with pytest.raises(SpoolUnavailable):
            await spool.reader.check_key()
        assert await spool.reader.depth() > 0

    assert await stored(spool) == ["waits"]


async def test_no_worker_is_started_that_could_not_write(
    tmp_path: Path,
) -> None:
    high_water = HighWater(spool_bytes=1 << 30)
    launcher = WhatsAppLauncher(cast("Zygote", None), tmp_path, [KEY], high_water)
    folder = tmp_path / "sessions" / "ana"
    folder.mkdir(parents=True)
    (folder / "spool.db").write_bytes(b"no database" * 1_000)

    with pytest.raises(WorkerGone):
        await launcher.launch(wanted(), term=1)


def now_and_then_locked(asked: list[Jid]) -> Callable[[Jid], Jid | None]:
    def phone_of(lid: Jid) -> Jid | None:
        asked.append(lid)
        if len(asked) in {3, 11, 19}:
            raise sqlite3.OperationalError("database is locked")
        return None

    return phone_of


async def test_a_store_that_cannot_be_read_for_a_moment_costs_and_repeats_nothing(
    spool: Spool,
) -> None:
    asked: list[Jid] = []
    spool.reader = SpoolReader(
        spool.path,
        session_id="s",
        sealer=Sealer([KEY]),
        rules=ReadingRules(history_days=36_500),
        own=lambda: None,
        phone_of=now_and_then_locked(asked),
    )
    spool.reader._people._strangers = _Forgetful()  # each message is looked up anew
    writer = spool.writer()
    writer.append(Code.HISTORY_SYNC, history(9))
    for number in range(9):
        writer.append(Code.MESSAGE, message(f"n{number}", id=f"N{number}"))

    seen: list[str] = []
    while await spool.reader.depth():
        with contextlib.suppress(SpoolUnavailable):
            batch = await spool.reader.read(at_most(4))
            assert batch is not None
            seen += [text for text in texts(batch) if text]
            await spool.reader.trim(batch)

    assert len(asked) > 19
    assert [text for text in seen if text[0] == "n"] == [f"n{n}" for n in range(9)]
    assert [text for text in seen if text[0] == "h"] == [f"h{n}" for n in range(1, 10)]
    assert spool.dead_letters() == []


async def test_a_store_that_only_history_needs_does_not_hold_up_the_news(
    spool: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    def hindered(code: int, *given: Any) -> Iterator[Incoming | Rejected]:
        if code == Code.HISTORY_SYNC:
            raise sqlite3.OperationalError("disk I/O error")
        return decode(code, *given)

    monkeypatch.setattr(spool_reader, "decode", hindered)
    writer = spool.writer()
    writer.append(Code.HISTORY_SYNC, history(1))
    for number in range(9):
        writer.append(Code.MESSAGE, message(f"n{number}", id=f"N{number}"))

    for number in range(9):
        batch = await spool.reader.read(at_most(1))
        assert texts(batch) == [f"n{number}"]
        assert batch is not None
        await spool.reader.trim(batch)

    with pytest.raises(SpoolUnavailable):
        await spool.reader.read(at_most(1))


class _Forgetful(dict[Jid, float]):
    def __setitem__(self, lid: Jid, until: float) -> None:
        return


async def test_a_replay_in_a_clocks_repeated_hour_costs_no_event(
    spool: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The clock is set back, and a replay has taken the number that comes next."""
    writer = spool.writer()
    monkeypatch.setattr(time, "time_ns", lambda: 0)
    take_the_next_number(spool, writer)

    writer.append(Code.MESSAGE, message("mine"))

    assert spool.full == 0
    assert await stored(spool) == ["replayed", "mine"]


def take_the_next_number(spool: Spool, writer: SpoolWriter) -> None:
    body = Sealer([KEY]).seal(message("replayed", id="R"), b"spool/s/17")
    with sqlite3.connect(spool.path) as connection:
        connection.execute(
            "insert into events values (?, ?, 1, 0, ?)",
            (writer._last_seq + 1, Code.MESSAGE, body),
        )
    connection.close()


async def test_events_that_arrive_after_the_clock_was_set_back_are_read(
    spool: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    spool.writer().append(Code.MESSAGE, message("before", id="A"))
    assert await stored(spool) == ["before"]
    monkeypatch.setattr(time, "time_ns", lambda: 1_000_000_000)

    spool.writer().append(Code.MESSAGE, message("after", id="B"))

    assert await stored(spool) == ["after"]
