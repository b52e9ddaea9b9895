"""An old key goes: what is sealed with it gets the new one, and holds what it held."""

from __future__ import annotations

import base64
import os
import sqlite3
from pathlib import Path

import pytest

from connector.adapters.whatsapp.event_codes import Code
from connector.adapters.whatsapp.reading.rules import ReadingRules
from connector.adapters.whatsapp.sealed_folders import SealedFolder, sealed_folders
from connector.adapters.whatsapp.spool import exchanging
from connector.adapters.whatsapp.spool.exchanging import exchange_in_spool
from connector.adapters.whatsapp.spool.reader import SpoolReader
from connector.adapters.whatsapp.spool.writer import connect, sealing_context
from connector.adapters.whatsapp.store.local_state import LocalStore
from connector.adapters.whatsapp.store.unrecorded import UnrecordedNotes
from connector.domain.outgoing import OutboxResult, Outcome
from connector.errors import SupabaseUnavailable
from connector.keys import saved_states
from connector.keys.saved_states import Exchange, SavedStates
from connector.ports import SessionId
from connector.sealed_state import StateSeal
from connector.sealing import Sealer, key_id
from connector.sessions.kept_state import KeptState
from connector.sessions.state_saving import Saving
from tests.contract.spool.both_halves import KEY, OTHER_KEY, Spool, at_most, texts
from tests.fakes.clock import HurriedClock
from tests.fakes.device_states import MemoryStateKeys, MemoryStates, WorkersStore
from tests.fakes.supabase import ANA
from tests.unit.whatsapp.neonize_events import message

OLD, NEW, LOST = bytes(range(32)), bytes(range(32, 64)), bytes(range(64, 96))
BOTH = Sealer([NEW, OLD])
ID = {key: key_id(key).hex() for key in (OLD, NEW, LOST)}


# --- what is saved in Postgres --------------------------------------------------------


class Number:
    """A number whose saved state is sealed with the old key, and nobody runs."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.states = MemoryStates()
        self.keys = MemoryStateKeys(self.states)

    def kept(self, name: str, *keys: bytes) -> KeptState:
        folder = self.folder / name
        seal = StateSeal.of(ANA, keys)
        return KeptState(self.states, LocalStore(folder), seal, HurriedClock())

    async def links(self) -> None:
        here = self.kept("here", OLD)
        await here.bring(1)
        store = WorkersStore(self.folder / "here")
        store.pair()
        store.say("one", "x" * 20_000)
        store.close()
        await here.save(1, Saving.AT_REST)

    async def exchange(self) -> Exchange:
        saved = SavedStates(
            states=self.states,
            keys=self.keys,
            leases=self.keys,
            seal=lambda session_id: StateSeal.of(session_id, [NEW, OLD]),
        )
        return await saved.exchange(ANA)

    async def key_ids(self) -> list[str]:
        [found] = [state async for state in self.keys.all()]
        return list(found.state_keys)


@pytest.fixture
async def number(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Number:
    monkeypatch.setattr(saved_states, "PAGES_A_CALL", 3)
    number = Number(tmp_path)
    await number.links()
    return number


async def test_a_state_is_restored_with_the_new_key_alone_and_nothing_of_it_is_lost(
    number: Number,
) -> None:
    assert await number.exchange() is Exchange.DONE

    assert await number.key_ids() == [ID[NEW]]
    assert not number.keys.is_held
    await number.kept("elsewhere", NEW).bring(2)
    restored = WorkersStore(number.folder / "elsewhere")
    assert restored.said[0] == "one"
    # It was complete, and still is: conversations go on where they were.
    assert restored.ratchets == 1


async def test_the_machine_that_saved_it_does_not_notice(number: Number) -> None:
    assert number.states.newest is not None
    before = number.states.newest.generation
    await number.exchange()

    here = number.kept("here", NEW)
    await here.bring(2)

    assert number.states.newest.generation == before + 1  # it says that it is in use
    assert await here.save(2, Saving.WHILE_RUNNING) == 0
    assert WorkersStore(number.folder / "here").ratchets == 1


async def test_killed_anywhere_it_goes_on_and_both_keys_open_what_is_there(
    number: Number,
) -> None:
    rounds = 0
    while await number.key_ids() != [ID[NEW]]:
        number.keys.cut_off_after = number.keys.exchanges + 1
        rounds += 1
        name = f"after round {rounds}"
        try:
            await number.exchange()
        except SupabaseUnavailable:
            mixed = Number(number.folder)
            mixed.states = MemoryStates(
                number.states.newest, dict(number.states.stored)
            )
            await mixed.kept(name, NEW, OLD).bring(2)
            assert WorkersStore(number.folder / name).said[0] == "one"

    assert rounds > 3


async def test_a_session_that_runs_is_left_alone(number: Number) -> None:
    number.keys.is_held = True

    assert await number.exchange() is Exchange.RUNS
    assert await number.key_ids() == [ID[OLD]]


async def test_a_session_that_begins_to_run_meanwhile_seals_the_rest_itself(
    number: Number,
) -> None:
    number.keys.taken_after = 1

    assert await number.exchange() is Exchange.RUNS
    await number.kept("here", NEW, OLD).bring(8)

    assert await number.key_ids() == [ID[NEW]]


async def test_what_no_key_opens_is_said_and_stays(number: Number) -> None:
    before = dict(number.states.stored)
    saved = SavedStates(
        states=number.states,
        keys=number.keys,
        leases=number.keys,
        seal=lambda session_id: StateSeal.of(session_id, [NEW, LOST]),
    )

    assert await saved.exchange(ANA) is Exchange.UNREADABLE
    assert number.states.stored == before
    assert not number.keys.is_held


# --- what is on this machine's disk ---------------------------------------------------


def spool_in(folder: Path, key: bytes, count: int = 3) -> Path:
    """A spool of some events and a dead letter."""
    folder.mkdir(parents=True, exist_ok=True)
    path, sealer = folder / "spool.db", Sealer([key])
    rows = [
        (code, sealer.seal(b"event %d" % code, sealing_context(folder.name, code)))
        for code in range(1, count + 1)
    ]
    with connect(path) as connection:
        connection.executemany(
            "insert into events (code, term, received_at, body) values (?, 1, 1, ?)",
            rows,
        )
        connection.execute(
            "insert into dead_letters (code, term, received_at, reason, body)"
            " values (?, 1, 1, 'why', ?)",
            rows[0],
        )
    connection.close()
    return path


def opened(path: Path, sealer: Sealer) -> list[bytes]:
    connection = sqlite3.connect(path)
    rows = connection.execute(
        "select code, body from events union all select code, body from dead_letters"
    ).fetchall()
    connection.close()
    session_id = path.parent.name
    return [sealer.open(body, sealing_context(session_id, code)) for code, body in rows]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "sessions" / "ana"


def test_a_spool_s_events_and_dead_letters_open_with_the_new_key_alone(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exchanging, "ROWS_A_TURN", 2)
    path = spool_in(folder, OLD)
    sealed = SealedFolder(folder)
    assert sealed.keys() == {ID[OLD]: 4}

    assert sealed.exchange(BOTH) == 4
    assert sealed.exchange(BOTH) == 0

    assert sealed.keys() == {ID[NEW]: 4}
    assert opened(path, Sealer([NEW])) == [
        b"event 1",
        b"event 2",
        b"event 3",
        b"event 1",
    ]


async def test_a_worker_and_a_reader_with_a_batch_in_hand_do_not_notice(
    tmp_path: Path,
) -> None:
    both = Spool(tmp_path)
    reader = SpoolReader(
        both.path,
        session_id="s",
        sealer=Sealer([OTHER_KEY, KEY]),
        rules=ReadingRules(history_days=1),
        own=lambda: None,
        phone_of=lambda _lid: None,
    )
    writer = both.writer()
    for number in range(4):
        writer.append(Code.MESSAGE, message(f"m{number}", id=f"ID{number}"))
    batch = await reader.read(at_most(2))

    assert exchange_in_spool(both.path, "s", Sealer([OTHER_KEY, KEY])) == 4
    writer.append(Code.MESSAGE, message("m4", id="ID4"))

    assert texts(batch) == ["m0", "m1"]
    assert batch is not None
    await reader.trim(batch)
    assert texts(await reader.read(at_most(9))) == ["m2", "m3", "m4"]
    assert await reader.depth() == 3
    reader.close()
    both.close()


def test_values_of_a_lost_key_stay_and_do_not_keep_others_from_it(folder: Path) -> None:
    spool_in(folder, LOST)
    spool_in(folder, OLD)

    assert SealedFolder(folder).exchange(BOTH) == 4
    assert SealedFolder(folder).keys() == {ID[LOST]: 4, ID[NEW]: 4}


def test_announced_history_keeps_its_date(folder: Path) -> None:
    announced = folder / "history" / "1-2-an-id"
    announced.parent.mkdir(parents=True)
    sealed = Sealer([OLD]).seal(b"a piece", b"history/ana")
    announced.write_bytes(base64.b64encode(sealed))
    os.utime(announced, (1_000.5, 1_000.5))
    (announced.parent / "1-3-an-id.resealed").write_bytes(b"of one that was killed")

    assert SealedFolder(folder).exchange(BOTH) == 1

    assert announced.stat().st_mtime == 1_000.5
    content = base64.b64decode(announced.read_bytes())
    assert Sealer([NEW]).open(content, b"history/ana") == b"a piece"
    assert list(announced.parent.iterdir()) == [announced]


def test_how_sends_ended_is_still_known(folder: Path) -> None:
    folder.mkdir(parents=True)
    ended = [OutboxResult(id="row", claim=1, outcome=Outcome.SENT, whatsapp_id="3EB0")]
    UnrecordedNotes(SessionId("ana"), folder, Sealer([OLD])).write(ended)

    assert SealedFolder(folder).exchange(BOTH) == 1

    assert UnrecordedNotes(SessionId("ana"), folder, Sealer([NEW])).read() == ended


def test_a_damaged_file_is_counted_and_harms_nothing(
    tmp_path: Path, folder: Path
) -> None:
    (folder / "history").mkdir(parents=True)
    (folder / "history" / "1-2-an-id").write_bytes(b"not base64!")

    [found] = sealed_folders(tmp_path)

    assert found.exchange(BOTH) == 0
    assert found.keys() == {"": 1}
