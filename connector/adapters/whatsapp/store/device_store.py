"""A session's WhatsApp store, as the supervisor sees it: whatsmeow's SQLite file.

The worker's Go library writes it; we open it read-only and briefly, from another
process. It must never be opened from Python inside the worker: two SQLite libraries in
one process drop each other's locks.

A lineage names this very copy of the store. It is written before the store exists and
removed after it, so a store without a lineage, or restored from a save, gets a new one.

Within a lineage absence proves something, after a power cut too: the worker opens the
store with synchronous=FULL (docs/decisions/0006-whatsapp-store-durability.md).
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import secrets
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

import structlog

from connector.adapters.whatsapp.identity import parse, person
from connector.adapters.whatsapp.process.orders import LOCK_NAME, STORE_NAME
from connector.adapters.whatsapp.store.guarded import guard_ratchets
from connector.adapters.whatsapp.store.opening import connected
from connector.adapters.whatsapp.store.restored import forget_ratchets
from connector.domain.addresses import LID_SERVER, PHONE_SERVER, Jid
from connector.domain.messages import Person
from connector.errors import InvalidAddress
from connector.ports import Attempt
from connector.whole_file import write_whole

LINEAGE_NAME: Final = "lineage"
_SIDE_FILES: Final = ("", "-wal", "-shm", "-journal")
# By its whole key, of which our own address comes first: there are hundreds of thousands.
_SEALING: Final = (
    "select key from whatsmeow_message_secrets"
    " where our_jid in (select jid from whatsmeow_device) and message_id = ?"
    " and chat_jid in (?, ?) and sender_jid in (?, ?)"
)

_guarded: Final[set[str]] = set()  # lineages, by this process

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class WhatsAppStore:
    """Implements ports.DeviceStore over a session's folder."""

    folder: Path

    def prepare(self) -> None:
        """Make the folder ready for a worker: a store, be it empty, with a lineage.

        A store that is missing starts a new lineage. So does one that has none: it was
        restored, and loses its ratchets (restored.py).
        """
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        store = self.folder / STORE_NAME
        if store.exists():
            if self._lineage_file.exists():
                return
            forget_ratchets(store)
        write_whole(self._lineage_file, secrets.token_hex(16))
        store.touch(mode=0o600)  # SQLite takes an empty file for a new database

    def lineage(self) -> str:
        self.prepare()
        lineage = self._lineage_file.read_text("ascii")
        if lineage not in _guarded:
            self._guard(lineage)
        return lineage

    def _guard(self, lineage: str) -> None:
        """Once a run and copy; a number that was never linked has nothing to guard yet."""
        try:
            if guard_ratchets(self.folder / STORE_NAME):
                _guarded.add(lineage)
        except sqlite3.Error as error:
            # A number that was just linked writes without pause: nobody need look.
            busy = getattr(error, "sqlite_errorcode", 0) == sqlite3.SQLITE_BUSY
            say = log.debug if busy else log.warning
            say("ratchets not guarded yet", session_id=self.folder.name, error=error)

    def is_paired(self) -> bool:
        """Whether the store holds a device: one that WhatsApp may since have revoked."""
        return bool(self._read("select 1 from whatsmeow_device limit 1"))

    def own(self) -> Person | None:
        """Whose number this is; None before pairing."""
        for phone, lid in self._read("select jid, lid from whatsmeow_device limit 1"):
            with contextlib.suppress(InvalidAddress):
                return person(parse(phone), parse(lid) if lid else None)
        return None

    def phone_of(self, lid: Jid) -> Jid | None:
        """The phone address that whatsmeow learned for a LID."""
        query = "select pn from whatsmeow_lid_map where lid = ?"
        for (number,) in self._read(query, lid.user):
            return Jid(number, PHONE_SERVER)
        return None

    def secret_of(self, chat: Jid, sender: Jid, whatsapp_id: str) -> bytes | None:
        """What seals the votes, edits and comments of a message, as whatsmeow kept it.

        It keeps a secret under the addresses that the message came with: either of a
        person's two.
        """
        chats, senders = self._either_address(chat), self._either_address(sender)
        for (secret,) in self._read(_SEALING, whatsapp_id, *chats, *senders):
            return bytes(secret)
        return None

    def _either_address(self, jid: Jid) -> tuple[str, str]:
        """An address and its other form; the same twice when there is none."""
        query, server = {
            LID_SERVER: (
                "select pn from whatsmeow_lid_map where lid = ?",
                PHONE_SERVER,
            ),
            PHONE_SERVER: (
                "select lid from whatsmeow_lid_map where pn = ?",
                LID_SERVER,
            ),
        }.get(jid.server, ("", ""))
        for (user,) in self._read(query, jid.user) if query else ():
            return str(jid), str(Jid(user, server))
        return str(jid), str(jid)

    async def is_known(self, phone: Jid) -> bool:
        query = "select 1 from whatsmeow_lid_map where pn = ?"
        return bool(await asyncio.to_thread(self._read, query, phone.user))

    async def find_attempt(self, secret: bytes) -> Attempt | None:
        rows = await asyncio.to_thread(
            self._read,
            # A row that WhatsApp refused for now has an id for each time it was tried.
            "select message_id from whatsmeow_message_secrets where key = ?"
            " order by rowid desc limit 1",
            secret,
        )
        return Attempt(whatsapp_id=rows[0][0]) if rows else None

    def discard(self) -> None:
        """Raises BlockingIOError while a worker holds the folder."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with locked(self.folder / LOCK_NAME):
            for suffix in _SIDE_FILES:
                (self.folder / f"{STORE_NAME}{suffix}").unlink(missing_ok=True)
            self._lineage_file.unlink(missing_ok=True)

    @property
    def _lineage_file(self) -> Path:
        return self.folder / LINEAGE_NAME

    def _read(self, query: str, *parameters: bytes | str) -> list[tuple[Any, ...]]:
        if not (self.folder / STORE_NAME).exists():
            return []
        try:
            return self._query("ro", query, parameters)
        except sqlite3.OperationalError as error:
            if "no such table" in str(error):
                return []  # nothing was ever paired here
            # A killed worker may leave a journal that has to be rolled back first.
            return self._query("rw", query, parameters)

    def _query(
        self,
        mode: Literal["ro", "rw"],
        query: str,
        parameters: tuple[bytes | str, ...],
    ) -> list[tuple[Any, ...]]:
        with connected(self.folder / STORE_NAME, mode) as connection:
            return connection.execute(query, parameters).fetchall()


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold a session's folder. Raises BlockingIOError while a worker does."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(descriptor)
