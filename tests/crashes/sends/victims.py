"""Who is killed in the middle of a send, what is lost with it, and how it comes back."""

from __future__ import annotations

import enum
import os
import shutil
import signal
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.acceptance.world import Linked
from tests.crashes.victims import RECOVERY, family

_EXPIRE: Final = (
    "update wa_private.session_leases set expires_at = now() where session_id = $1"
)


class Victim(enum.StrEnum):
    WORKER = "worker"
    SUPERVISOR = "supervisor"  # its worker notices, and ends in order
    CONNECTOR = "connector"  # all its processes at once, as a power cut would
    DISK = "connector and disk"  # and an earlier copy of the store is put back


@dataclass(slots=True)
class Blow:
    """Against the connector of a number: `freeze`, have a look, `strike`, `bring_back`."""

    victim: Victim
    linked: Linked
    copy: Path  # of the store, as it was when the blow was planned
    _pids: tuple[int, ...] = ()

    def plan(self) -> None:
        """Find the processes beforehand: the blow must not come late."""
        connector = self.linked.world.connector
        match self.victim:
            case Victim.WORKER:
                self._pids = (self.linked.worker_pid(),)
            case Victim.SUPERVISOR:
                self._pids = (connector.pid,)
            case _:
                self._pids = tuple(family(connector.pid))
        if self.victim is Victim.DISK:
            copy_store(store_of(self.linked), self.copy)

    def freeze(self) -> None:
        """From here on it does nothing any more; what it knows can be looked at."""
        for pid in self._pids:
            os.kill(pid, signal.SIGSTOP)

    async def strike(self) -> None:
        for pid in self._pids:
            os.kill(pid, signal.SIGKILL)
        await self.linked.device.disconnected(timeout=RECOVERY)
        if self.victim is not Victim.WORKER:
            await self.linked.world.connector.wait()

    async def bring_back(self) -> None:
        """The worker's supervisor does that by itself."""
        if self.victim is Victim.DISK:
            await self._lose_the_disk()
        if self.victim is not Victim.WORKER:
            await self.linked.world.connector.start()
        await self.linked.device.connected(timeout=RECOVERY)

    async def _lose_the_disk(self) -> None:
        """Everything but the copy is gone, the connector's name as well."""
        shutil.rmtree(self.linked.world.connector.data_folder)
        store = store_of(self.linked)
        store.parent.mkdir(parents=True)
        shutil.copy(self.copy, store)
        async with self.linked.world.database() as database:
            # Half a minute passes.
            await database.execute(_EXPIRE, self.linked.session_id)


def store_of(linked: Linked) -> Path:
    """whatsmeow's store of this number."""
    data = linked.world.connector.data_folder
    return data / "sessions" / linked.session_id / "store.db"


def copy_store(store: Path, copy: Path) -> None:
    """As it is at this moment, while its worker goes on."""
    copy.unlink(missing_ok=True)
    with (
        closing(sqlite3.connect(f"file:{store}?mode=ro", uri=True)) as reading,
        closing(sqlite3.connect(copy)) as writing,
    ):
        reading.backup(writing)
