import fcntl
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from connector.adapters.whatsapp.store.device_store import _SEALING, WhatsAppStore
from connector.domain.addresses import Jid
from connector.domain.messages import Person
from connector.ports import Attempt
from tests.unit.whatsapp.neonize_events import ANA_LID, ANA_PHONE, BOB_LID, BOB_PHONE

SECRET = b"s" * 32


@pytest.fixture
def store(tmp_path: Path) -> WhatsAppStore:
    return WhatsAppStore(tmp_path / "session")


@pytest.fixture
def whatsmeow(store: WhatsAppStore) -> Iterator[sqlite3.Connection]:
    """The worker's Go library, holding the store open as it does."""
    store.prepare()
    connection = sqlite3.connect(store.folder / "store.db", isolation_level=None)
    connection.executescript(
        """
        pragma journal_mode = wal;
        create table whatsmeow_device (jid text, lid text);
        create table whatsmeow_message_secrets (
          our_jid text, chat_jid text, sender_jid text, message_id text, key blob,
          primary key (our_jid, chat_jid, sender_jid, message_id)
        );
        """
    )
    yield connection
    connection.close()


def begin(whatsmeow: sqlite3.Connection, message_id: str) -> None:
    whatsmeow.execute(
        "insert into whatsmeow_message_secrets values (?, ?, ?, ?, ?)",
        (ANA_PHONE, BOB_LID, ANA_LID, message_id, SECRET),
    )


def test_a_new_store_is_not_paired_and_belongs_to_nobody(store: WhatsAppStore) -> None:
    assert not store.is_paired()

    store.prepare()

    assert not store.is_paired()
    assert store.own() is None


def test_a_paired_store_says_whose_it_is(
    store: WhatsAppStore, whatsmeow: sqlite3.Connection
) -> None:
    whatsmeow.execute(
        "insert into whatsmeow_device values (?, ?)",
        (ANA_PHONE.replace("@", ":3@"), ANA_LID.replace("@", ":3@")),
    )

    assert store.is_paired()
    assert store.own() == Person(lid=Jid.parse(ANA_LID), phone=Jid.parse(ANA_PHONE))


@pytest.mark.parametrize("chat", [BOB_LID, BOB_PHONE])
@pytest.mark.parametrize("sender", [ANA_LID, ANA_PHONE])
def test_a_secret_is_found_by_either_address(
    store: WhatsAppStore, whatsmeow: sqlite3.Connection, chat: str, sender: str
) -> None:
    whatsmeow.execute("create table whatsmeow_lid_map (lid text, pn text)")
    whatsmeow.executemany(
        "insert into whatsmeow_lid_map values (?, ?)",
        [(_user(BOB_LID), _user(BOB_PHONE)), (_user(ANA_LID), _user(ANA_PHONE))],
    )
    whatsmeow.execute("insert into whatsmeow_device values (?, ?)", (ANA_PHONE, ""))
    begin(whatsmeow, "3EB0POLL")
    chat_jid, sender_jid = Jid.parse(chat), Jid.parse(sender)

    assert store.secret_of(chat_jid, sender_jid, "3EB0POLL") == SECRET
    assert store.secret_of(chat_jid, sender_jid, "3EB0OTHER") is None
    assert store.secret_of(chat_jid, chat_jid, "3EB0POLL") is None


def test_a_secret_is_found_without_looking_at_all_of_them(
    whatsmeow: sqlite3.Connection,
) -> None:
    plan = whatsmeow.execute(f"explain query plan {_SEALING}", [""] * 5).fetchall()

    steps = [step for *_, step in plan]
    assert any(
        "SEARCH whatsmeow_message_secrets" in step and "message_id=?" in step
        for step in steps
    )


def _user(address: str) -> str:
    return address.partition("@")[0]


async def test_an_attempt_is_found_by_its_secret_while_the_worker_writes(
    store: WhatsAppStore, whatsmeow: sqlite3.Connection
) -> None:
    whatsmeow.execute("begin immediate")
    assert await store.find_attempt(SECRET) is None
    begin(whatsmeow, "3EB0BEGUN")
    whatsmeow.execute("commit")

    assert await store.find_attempt(SECRET) == Attempt(whatsapp_id="3EB0BEGUN")
    assert await store.find_attempt(b"o" * 32) is None


async def test_of_several_attempts_the_last_one_counts(
    store: WhatsAppStore, whatsmeow: sqlite3.Connection
) -> None:
    begin(whatsmeow, "3EB0REFUSED")
    begin(whatsmeow, "3EB0BEGUN")

    assert await store.find_attempt(SECRET) == Attempt(whatsapp_id="3EB0BEGUN")


def test_a_lineage_lasts_as_long_as_its_store(store: WhatsAppStore) -> None:
    first = store.lineage()
    assert store.lineage() == first
    assert WhatsAppStore(store.folder).lineage() == first

    store.discard()

    assert not (store.folder / "store.db").exists()
    assert store.lineage() != first


@pytest.mark.parametrize("lost", ["store.db", "lineage"])
def test_a_store_that_is_not_whole_starts_a_new_lineage(
    store: WhatsAppStore, lost: str
) -> None:
    first = store.lineage()

    (store.folder / lost).unlink()

    assert store.lineage() != first


def test_a_restored_store_loses_the_ratchets_that_may_have_gone_further(
    store: WhatsAppStore, whatsmeow: sqlite3.Connection
) -> None:
    own, own_lid = ANA_PHONE.replace("@", ":1@"), ANA_LID.replace("@", ":1@")
    whatsmeow.executescript(
        """
        create table whatsmeow_sessions (our_jid text, their_id text);
        create table whatsmeow_sender_keys (our_jid text, chat_id text, sender_id text);
        """
    )
    whatsmeow.execute("insert into whatsmeow_device values (?, ?)", (own, own_lid))
    whatsmeow.execute("insert into whatsmeow_sessions values (?, 'bob:0')", (own,))
    ours = [f"{own.partition(':')[0]}:1", f"{own_lid.partition(':')[0]}_1:1"]
    whatsmeow.executemany(
        "insert into whatsmeow_sender_keys values (?, 'family', ?)",
        [(own, sender) for sender in (*ours, f"{BOB_LID.partition('@')[0]}_1:0")],
    )

    store.prepare()
    assert whatsmeow.execute("select count(*) from whatsmeow_sessions").fetchone()[0]
    (store.folder / "lineage").unlink()
    store.prepare()

    assert not whatsmeow.execute("select * from whatsmeow_sessions").fetchall()
    [(left,)] = whatsmeow.execute("select sender_id from whatsmeow_sender_keys")
    assert left.startswith(BOB_LID.partition("@")[0])


def test_a_store_in_use_is_not_deleted(store: WhatsAppStore) -> None:
    store.prepare()
    with (store.folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)

        with pytest.raises(BlockingIOError):
            store.discard()

    assert (store.folder / "store.db").exists()
