"""Two lanes: news overtakes history, history comes in pieces, neither starves."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from connector.adapters.whatsapp.event_codes import Code
from connector.adapters.whatsapp.protobufs import events
from connector.adapters.whatsapp.reading.incoming import decode
from connector.adapters.whatsapp.reading.rules import Poison, Rejected
from connector.adapters.whatsapp.spool import lanes as lanes_module
from connector.adapters.whatsapp.spool import queue as spool_queue
from connector.adapters.whatsapp.spool import reader as spool_reader
from connector.domain.incoming import Incoming
from connector.domain.messages import Message
from connector.ports import Lane
from tests.contract.spool.both_halves import KEY, Spool, at_most, texts
from tests.unit.whatsapp.neonize_events import (
    BOB_LID,
    history_event,
    message,
    receipt,
    remembered,
)


def history(first: int, last: int) -> bytes:
    """Messages `h<first>` to `h<last>`, the newest first."""
    old = [remembered(f"h{age}", age) for age in range(first, last + 1)]
    return history_event(conversations=[{"ID": BOB_LID, "messages": old}])


async def taken(spool: Spool, limit: int = 500) -> list[str | None]:
    """Read a batch and trim it."""
    batch = await spool.reader.read(at_most(limit))
    if batch is None:
        return []
    await spool.reader.trim(batch)
    return texts(batch)


async def everything(spool: Spool, limit: int = 500) -> list[str | None]:
    seen: list[str | None] = []
    while (batch := await spool.reader.read(at_most(limit))) is not None:
        seen += texts(batch)
        await spool.reader.trim(batch)
    return seen


async def test_news_overtakes_history(spool: Spool) -> None:
    writer = spool.writer()
    writer.append(Code.HISTORY_SYNC, history(1, 5))
    writer.append(Code.MESSAGE, message("before", id="A"))

    assert await taken(spool, 2) == ["before"]
    assert await taken(spool, 2) == ["h1", "h2"]
    writer.append(Code.MESSAGE, message("meanwhile", id="B"))
    assert await taken(spool, 2) == ["meanwhile"]
    assert await everything(spool, 2) == ["h3", "h4", "h5"]
    assert await spool.reader.depth() == 0


async def test_of_four_batches_one_is_history_however_much_news_there_is(
    spool: Spool,
) -> None:
    writer = spool.writer()
    writer.append(Code.HISTORY_SYNC, history(1, 2))
    for number in range(8):
        writer.append(Code.MESSAGE, message(f"n{number}", id=f"N{number}"))

    order = [text for _ in range(8) for text in await taken(spool, 1)]

    assert order == ["n0", "n1", "n2", "h1", "n3", "n4", "n5", "h2"]


async def test_a_large_history_comes_in_pieces_and_again_after_a_crash(
    spool: Spool,
) -> None:
    spool.writer().append(Code.HISTORY_SYNC, history(1, 5))

    assert await taken(spool, 2) == ["h1", "h2"]
    restarted = spool.read_with(KEY)
    assert texts(await restarted.read(at_most(4))) == ["h1", "h2", "h3", "h4"]
    restarted.close()
    again = texts(await spool.reader.read(at_most(2)))

    assert again == texts(await spool.reader.read(at_most(2))) == ["h3", "h4"]
    assert await spool.reader.depth() == 1
    assert await everything(spool) == ["h3", "h4", "h5"]
    assert await spool.reader.depth() == 0


async def test_a_piece_is_read_again_in_smaller_ones(spool: Spool) -> None:
    spool.writer().append(Code.HISTORY_SYNC, history(1, 5))
    await spool.reader.read(at_most(4))

    assert await taken(spool, 2) == ["h1", "h2"]
    assert await everything(spool) == ["h3", "h4", "h5"]


async def test_reading_ahead_changes_nothing_but_when_it_is_decoded(
    spool: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    decoded = 0

    def counting(*given: Any) -> Iterator[Incoming | Rejected]:
        nonlocal decoded
        for item in decode(*given):
            decoded += isinstance(item, Message)
            yield item

    monkeypatch.setattr(spool_reader, "decode", counting)
    spool.writer().append(Code.HISTORY_SYNC, history(1, 9))
    batch = await spool.reader.read(at_most(2))
    assert batch is not None
    assert decoded == 2, "no more of a history is decoded than is asked for"

    await spool.reader.read_ahead(Lane.HISTORY, 3)

    assert decoded == 5
    await spool.reader.trim(batch)
    assert await everything(spool, 3) == [f"h{number}" for number in range(3, 10)]


async def test_each_event_of_history_is_trimmed_when_its_last_piece_is(
    spool: Spool,
) -> None:
    writer = spool.writer()
    writer.append(Code.HISTORY_SYNC, history(1, 3))
    writer.append(Code.HISTORY_SYNC, history(4, 6))

    assert await taken(spool, 2) == ["h1", "h2"]
    assert await spool.reader.depth() == 2
    while await taken(spool, 1) != ["h4"]:
        pass
    assert await spool.reader.depth() == 1
    assert await everything(spool) == ["h5", "h6"]
    assert await spool.reader.depth() == 0


async def test_a_late_trim_reaches_nothing_that_came_since(spool: Spool) -> None:
    writer = spool.writer()
    writer.append(Code.MESSAGE, message("one"))
    stale = await spool.reader.read(at_most(10))
    assert stale is not None
    await spool.reader.trim(stale)
    writer.append(Code.MESSAGE, message("two"))
    await spool.reader.read(at_most(10))

    await spool.reader.trim(stale)

    assert await everything(spool) == ["two"]


async def test_large_events_are_read_a_few_at_a_time(
    spool: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (lanes_module, spool_queue):
        monkeypatch.setattr(module, "MOST_BYTES", 10_000)
    writer = spool.writer()
    for name in ("a", "b", "c"):
        writer.append(Code.MESSAGE, message(name * 4_000, id=name))
    writer.append(Code.MESSAGE, message("d" * 30_000, id="d"))
    writer.append(Code.MESSAGE, message("e", id="e"))

    sizes = []
    while (batch := await spool.reader.read(at_most(500))) is not None:
        sizes.append([len(text or "") for text in texts(batch)])
        await spool.reader.trim(batch)

    assert sizes == [[4_000, 4_000], [4_000], [30_000], [1]]


async def test_many_ticks_in_few_bytes_are_read_a_few_at_a_time(
    spool: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (lanes_module, spool_queue):
        monkeypatch.setattr(module, "MOST_BYTES", 400_000)
    writer = spool.writer()
    for _ in range(4):
        ids = [f"3EB0{number}" for number in range(1_000)]
        writer.append(Code.RECEIPT, receipt(events.Receipt.READ, *ids))

    sizes = []
    while (batch := await spool.reader.read(at_most(500))) is not None:
        sizes.append(len(batch.incoming))
        await spool.reader.trim(batch)

    assert sizes == [1, 1, 1, 1]


def unreadable_part(item: Incoming | Rejected) -> bool:
    return isinstance(item, Message) and item.body == "h2"


@pytest.fixture
def _picky(monkeypatch: pytest.MonkeyPatch) -> None:
    """A decoder that cannot read `h2` inside a history."""

    def decoding(code: int, *given: Any) -> Iterator[Incoming | Rejected]:
        for item in decode(code, *given):
            if unreadable_part(item):
                yield Rejected(code=code, raw=history(2, 2), reason="no such time")
            else:
                yield item

    monkeypatch.setattr(spool_reader, "decode", decoding)


@pytest.mark.usefixtures("_picky")
async def test_a_part_of_history_is_set_aside_alone_and_can_be_replayed(
    spool: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    spool.writer().append(Code.HISTORY_SYNC, history(1, 3))
    batch = await spool.reader.read(at_most(10))
    assert batch is not None
    assert (texts(batch), batch.rejected) == (["h1", "h3"], 1)
    assert spool.dead_letters() == [], "not before the rest of it is stored"
    await spool.reader.trim(batch)

    assert spool.dead_letters() == [(Code.HISTORY_SYNC, "no such time")]
    monkeypatch.undo()
    assert spool.replay() == 1
    assert await everything(spool) == ["h2"]
    assert spool.dead_letters() == []


async def test_an_event_that_breaks_in_the_middle_is_set_aside_whole_and_ends(
    spool: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaking(code: int, *given: Any) -> Iterator[Incoming | Rejected]:
        for item in decode(code, *given):
            if unreadable_part(item):
                raise Poison("cut short")
            yield item

    monkeypatch.setattr(spool_reader, "decode", breaking)
    writer = spool.writer()
    writer.append(Code.HISTORY_SYNC, history(1, 3))
    writer.append(Code.HISTORY_SYNC, history(4, 5))

    assert await everything(spool) == ["h1", "h4", "h5"]
    assert spool.dead_letters() == [(Code.HISTORY_SYNC, "cut short")]


async def test_what_nobody_foresaw_costs_one_event_and_not_the_lane(
    spool: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(code: int, *given: Any) -> Iterator[Incoming | Rejected]:
        for item in decode(code, *given):
            if isinstance(item, Message) and item.body == "odd":
                raise RecursionError("5511912345678 says odd")
            yield item

    monkeypatch.setattr(spool_reader, "decode", failing)
    writer = spool.writer()
    for text in ("one", "odd", "two"):
        writer.append(Code.MESSAGE, message(text, id=text))

    assert await everything(spool) == ["one", "two"]
    assert spool.dead_letters() == [(Code.MESSAGE, "RecursionError")]


async def refuse(spool: Spool, *refused: str) -> list[str | None]:
    """Store one by one what Supabase does not refuse; return what it stored."""
    stored: list[str | None] = []
    while (batch := await spool.reader.read(at_most(1))) is not None:
        if set(texts(batch)) & set(refused):
            await spool.reader.reject(batch, "code 23514")
        else:
            stored += texts(batch)
            await spool.reader.trim(batch)
    return stored


async def test_a_message_of_history_that_is_refused_is_set_aside_alone(
    spool: Spool,
) -> None:
    spool.writer().append(Code.HISTORY_SYNC, history(1, 4))

    assert await refuse(spool, "h2", "h4") == ["h1", "h3"]

    assert spool.dead_letters() == [(Code.HISTORY_SYNC, "code 23514")] * 2
    assert await spool.reader.depth() == 0
    assert spool.replay() == 2
    assert await everything(spool) == ["h2", "h4"]


async def test_what_cannot_be_cut_out_of_its_history_is_kept_with_it_once(
    spool: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spool_reader, "excerpt", lambda _raw, _item: None)
    writer = spool.writer()
    writer.append(Code.HISTORY_SYNC, history(1, 4))
    writer.append(Code.HISTORY_SYNC, history(5, 5))

    assert await refuse(spool, "h2", "h4") == ["h1", "h3", "h5"]

    assert spool.dead_letters() == [(Code.HISTORY_SYNC, "code 23514")]
    assert spool.replay() == 1
    assert await everything(spool) == ["h1", "h2", "h3", "h4"]


async def test_the_end_of_a_history_comes_after_all_its_pieces(spool: Spool) -> None:
    """So that nobody calls it done before it is stored."""
    spool.writer().append(Code.HISTORY_SYNC, history(1, 3))
    kinds = []
    while (batch := await spool.reader.read(at_most(2))) is not None:
        kinds += [type(item).__name__ for item in batch.incoming]
        await spool.reader.trim(batch)

    assert kinds.index("Message") == 0
    assert kinds.count("Message") == 3
    if "HistoryProgress" in kinds:
        assert kinds[-1] == "HistoryProgress"
