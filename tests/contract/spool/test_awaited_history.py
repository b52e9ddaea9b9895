"""A piece of history is awaited from its announcement until it comes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from connector.adapters.whatsapp.event_codes import Code
from connector.adapters.whatsapp.protobufs import e2e, history
from connector.adapters.whatsapp.spool.awaited_history import AwaitedHistory
from connector.domain.incoming import HistoryProgress
from connector.ports import Lane, SpooledBatch
from connector.sealing import Sealer
from tests.contract.spool.both_halves import Spool, at_most
from tests.unit.whatsapp import neonize_events as neonize

SEALER = Sealer([bytes(32)])
TOLD_AT = datetime(2026, 1, 2, 12, tzinfo=UTC)
AFTERWARDS = TOLD_AT + timedelta(seconds=1)


def announcement(
    order: int = 1, path: str = "/v/t62/x.enc?y", category: str = "peer"
) -> bytes:
    told = e2e.HistorySyncNotification(
        syncType=e2e.RECENT,
        chunkOrder=order,
        directPath=path,
        mediaKey=bytes(32),
        fileSHA256=bytes([order]) * 32,
        fileEncSHA256=bytes([order]) * 32,
    )
    protocol = e2e.ProtocolMessage(
        type=e2e.ProtocolMessage.HISTORY_SYNC_NOTIFICATION,
        historySyncNotification=told,
    )
    return neonize.message(e2e.Message(protocolMessage=protocol), category=category)


def piece(order: int = 1) -> bytes:
    return neonize.history_event(syncType=history.HistorySync.RECENT, chunkOrder=order)


def awaited(folder: Path, *told: tuple[Code, bytes]) -> AwaitedHistory:
    waiting = AwaitedHistory(folder, "a-session", SEALER)
    for code, raw in told:
        waiting.note(code, raw, int(TOLD_AT.timestamp() * 1000))
    return waiting


def orders(waiting: AwaitedHistory, before: datetime = AFTERWARDS) -> list[int]:
    return [one.file_sha256[0] for one in waiting.before(before)]


def test_what_was_announced_is_awaited_across_restarts(tmp_path: Path) -> None:
    awaited(tmp_path, (Code.MESSAGE, announcement()))

    [found] = AwaitedHistory(tmp_path, "a-session", SEALER).before(AFTERWARDS)

    assert found.announced_at == TOLD_AT
    assert (found.direct_path, found.media_key) == ("/v/t62/x.enc?y", bytes(32))
    assert found.file_enc_sha256 == bytes([1]) * 32


def test_what_came_is_awaited_no_more(tmp_path: Path) -> None:
    waiting = awaited(
        tmp_path,
        (Code.MESSAGE, announcement(1)),
        (Code.MESSAGE, announcement(2)),
        (Code.HISTORY_SYNC, piece(1)),
    )

    assert orders(waiting) == [2]


def test_what_came_before_its_announcement_was_read_is_not_awaited(
    tmp_path: Path,
) -> None:
    waiting = awaited(
        tmp_path, (Code.HISTORY_SYNC, piece()), (Code.MESSAGE, announcement())
    )

    assert orders(waiting) == []


def test_after_another_linking_the_same_numbers_are_other_pieces(
    tmp_path: Path,
) -> None:
    waiting = awaited(tmp_path, (Code.HISTORY_SYNC, piece()))

    waiting.begin_anew()
    waiting.note(Code.MESSAGE, announcement(), int(TOLD_AT.timestamp() * 1000))

    assert orders(waiting) == [1]


def test_announced_twice_is_one(tmp_path: Path) -> None:
    waiting = awaited(
        tmp_path, (Code.MESSAGE, announcement()), (Code.MESSAGE, announcement())
    )

    assert orders(waiting) == [1]


def test_what_was_announced_later_is_not_due(tmp_path: Path) -> None:
    waiting = awaited(tmp_path, (Code.MESSAGE, announcement()))

    assert orders(waiting, before=TOLD_AT) == []


def test_only_the_phone_announces_and_only_files(tmp_path: Path) -> None:
    waiting = awaited(
        tmp_path,
        (Code.MESSAGE, announcement(1, category="")),
        (Code.MESSAGE, announcement(2, path="")),
        (Code.MESSAGE, b"peer, but no event"),
        (Code.HISTORY_SYNC, b"\xff"),
    )

    assert orders(waiting) == []


def test_what_only_another_key_opens_waits_for_it(tmp_path: Path) -> None:
    awaited(tmp_path, (Code.MESSAGE, announcement()))

    other = AwaitedHistory(tmp_path, "a-session", Sealer([bytes([7]) * 32]))

    assert orders(other) == []
    assert orders(AwaitedHistory(tmp_path, "a-session", SEALER)) == [1]


def test_a_file_that_was_begun_and_not_finished_is_nothing(tmp_path: Path) -> None:
    waiting = awaited(tmp_path, (Code.MESSAGE, announcement()))
    [path] = (tmp_path / "history").iterdir()

    path.rename(path.with_suffix(".new"))

    assert orders(waiting) == []


async def test_what_is_supplied_is_read_as_if_neonize_had_handed_it_over(
    tmp_path: Path,
) -> None:
    spool = Spool(tmp_path)
    writer = spool.writer()
    writer.append(Code.MESSAGE, announcement())
    told = await spool.reader.read(at_most(500))
    assert told is not None
    await spool.reader.trim(told)
    [awaited_piece] = await spool.reader.awaited_history(datetime.now(UTC))

    content = history.HistorySync(
        syncType=history.HistorySync.RECENT, chunkOrder=1, progress=100
    )
    # Killed in between, it is supplied twice.
    for _ in range(2):
        await spool.reader.supply_history(
            awaited_piece, content.SerializeToString(), term=1
        )
    writer.append(Code.MESSAGE, neonize.message("depois"))  # beside the worker

    live, pieces = await take(spool), await take(spool)
    assert (live.lane, pieces.lane) == (Lane.LIVE, Lane.HISTORY)
    done = HistoryProgress(percent=100, done=True)
    assert list(pieces.incoming) == [done, done]
    assert await spool.reader.awaited_history(datetime.now(UTC)) == []
    spool.close()


async def take(spool: Spool) -> SpooledBatch:
    batch = await spool.reader.read(at_most(500))
    assert batch is not None
    await spool.reader.trim(batch)
    return batch
