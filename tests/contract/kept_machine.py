"""A machine that keeps the state of one number: its folder, its worker's store, its keys."""

from __future__ import annotations

from pathlib import Path

from connector.adapters.whatsapp.store.local_state import LocalStore
from connector.ports import SessionId
from connector.sealed_state import StateSeal
from connector.sessions.kept_state import KeptState
from connector.sessions.state_saving import Saving
from tests.fakes.clock import HurriedClock
from tests.fakes.device_states import MemoryStates, WorkersStore
from tests.fakes.supabase import ANA

KEY, OTHER_KEY = bytes(range(32)), bytes(range(32, 64))
RUNNING, AT_REST = Saving.WHILE_RUNNING, Saving.AT_REST


class Machine:
    """A data folder, and a connector that has just been started on it."""

    def __init__(
        self,
        folder: Path,
        states: MemoryStates,
        *keys: bytes,
        local: LocalStore | None = None,
        session_id: SessionId = ANA,
    ) -> None:
        self.store = WorkersStore(folder)
        self.local = local or LocalStore(folder)
        seal = StateSeal.of(session_id, keys or (KEY,))
        self.kept = KeptState(states, self.local, seal, HurriedClock())

    async def links(self) -> None:
        await self.kept.bring(1)
        self.store.pair()
        await self.kept.save(1, RUNNING)

    async def saves(self, saving: Saving = RUNNING) -> int:
        return await self.kept.save(1, saving)
