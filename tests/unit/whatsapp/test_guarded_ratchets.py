"""The sending side of a ratchet never goes back, whoever writes last."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from connector.adapters.whatsapp.store import guarded
from connector.adapters.whatsapp.store.device_store import WhatsAppStore
from connector.adapters.whatsapp.store.guarded import guard_ratchets

# As whatsmeow makes and writes it.
TABLE = (
    "create table whatsmeow_sessions (our_jid text, their_id text, session bytea,"
    " primary key (our_jid, their_id))"
)
WRITE = (
    "insert into whatsmeow_sessions values ('us', ?, ?)"
    " on conflict (our_jid, their_id) do update set session = excluded.session"
)


def session(key: str, index: int, received: int = 0) -> bytes:
    chain = {"SenderRatchetKeyPublic": key, "ChainKey": {"Key": "k", "Index": index}}
    receiving = [{"ChainKey": {"Index": received}}]
    state = {"SenderChain": chain, "ReceiverChains": receiving}
    return json.dumps({"SessionState": state, "PreviousStates": []}).encode()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "store.db"


@pytest.fixture
def store(path: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute(TABLE)
        assert guard_ratchets(path)
        yield connection


def kept(store: sqlite3.Connection, who: str = "bob") -> bytes:
    query = "select session from whatsmeow_sessions where their_id = ?"
    [(found,)] = store.execute(query, (who,)).fetchall()
    return bytes(found)


def test_a_store_that_is_busy_worries_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guarded, "_BUSY_MILLISECONDS", 1)
    whatsapp = WhatsAppStore(tmp_path)
    whatsapp.prepare()
    path = tmp_path / "store.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as busy:
        busy.execute(TABLE)
        busy.execute("begin immediate")

        with capture_logs() as lines:
            whatsapp.lineage()

    assert [line["log_level"] for line in lines] == ["debug"]
    assert whatsapp.lineage()
    with closing(sqlite3.connect(path)) as store:
        [(guards,)] = store.execute(
            "select count(*) from sqlite_master where type = 'trigger'"
        ).fetchall()
    assert guards == 1, "it was tried again"


def test_who_read_before_and_writes_after_an_encryption_changes_nothing(
    store: sqlite3.Connection,
) -> None:
    store.execute(WRITE, ("bob", session("a", 7)))

    store.execute(WRITE, ("bob", session("a", 6, received=9)))

    assert kept(store) == session("a", 7)


@pytest.mark.parametrize(
    "later",
    [
        session("a", 8),
        session("a", 7, received=9),
        session("b", 0),
        b"",
        b"\x0a\x02no json",
    ],
)
def test_all_else_is_written(store: sqlite3.Connection, later: bytes) -> None:
    store.execute(WRITE, ("bob", session("a", 7)))

    store.execute(WRITE, ("bob", later))

    assert kept(store) == later


def test_of_several_only_what_goes_back_is_refused(store: sqlite3.Connection) -> None:
    store.executemany(WRITE, [(who, session("a", 7)) for who in ("bob", "carla")])

    both = "values ('us', 'bob', ?), ('us', 'carla', ?)"
    written = (session("a", 3), session("a", 8))
    store.execute(WRITE.replace("values ('us', ?, ?)", both), written)

    assert (kept(store), kept(store, "carla")) == (session("a", 7), session("a", 8))


def test_what_cannot_be_read_may_be_replaced(store: sqlite3.Connection) -> None:
    store.execute(WRITE, ("bob", b"nonsense"))

    store.execute(WRITE, ("bob", session("a", 1)))

    assert kept(store) == session("a", 1)


@pytest.mark.usefixtures("store")
def test_twice_is_once_and_a_store_that_was_never_linked_comes_later(
    path: Path,
) -> None:
    assert guard_ratchets(path)
    empty = path.with_name("empty.db")
    empty.touch()

    assert not guard_ratchets(empty)
