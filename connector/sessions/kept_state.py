"""One session's device state on its way to Postgres and back (docs/device-state.md)."""

from __future__ import annotations

import asyncio
import functools

import structlog

from connector.domain.device_state import Choice, Head, Known, Manifest, choose
from connector.errors import StateUnreadable
from connector.ports import Clock, DeviceStates, LocalState
from connector.sealed_state import StateSeal
from connector.sessions.blocking import whole
from connector.sessions.state_restoring import StateRestoring
from connector.sessions.state_saving import Saving, StateSaving

log = structlog.get_logger()


class KeptState:
    """What is known of a session between two saves."""

    def __init__(
        self,
        states: DeviceStates,
        local: LocalState,
        seal: StateSeal,
        clock: Clock,
    ) -> None:
        self._id = seal.session_id
        self._states = states
        self.local = local
        self._seal = seal
        self._turn = asyncio.Lock()  # who reads and writes what Postgres has
        self._found = 0  # the generation that Postgres had, also of what nobody opens
        self._unopened = False
        self._restoring = StateRestoring(states, local, seal)
        self._saving = StateSaving(states, local, seal, clock)

    @property
    def is_settled(self) -> bool:
        return self._saving.known is not None

    @property
    def is_unopened(self) -> bool:
        """Whether keys are saved that could not be opened when last looked at."""
        return self._unopened

    @property
    def copying_took(self) -> float:
        """Seconds, the last time."""
        return self._saving.copying_took

    def unsettle(self) -> None:
        self._saving.known = None

    # --- before anything runs --------------------------------------------------------

    async def bring(self, term: int) -> None:
        """Settle what this machine runs from: its own store, or the saved one.

        Raises StateUnreadable, LeaseLost, SupabaseUnavailable, SupabaseRefused, OSError,
        sqlite3.Error; it is not settled then, and nothing may run yet.
        """
        async with self._turn:
            self.unsettle()
            self._unopened = False
            try:
                await self._bring(term)
            except BaseException as error:
                self.unsettle()
                self._unopened = isinstance(error, StateUnreadable)
                raise

    async def _bring(self, term: int) -> None:
        head = await self._restoring.forgotten(term)
        self._found = 0 if head is None else head.generation
        manifest = None if head is None else self._seal.open_manifest(head)
        known = await self._chosen(term, head, manifest)
        self._saving.settle(head, manifest, known)
        await self._saving.take(term)

    async def _chosen(
        self, term: int, head: Head | None, manifest: Manifest | None
    ) -> Known | None:
        """Put the newer store in its place; what it knows to be saved."""
        lineage = await whole(self.local.paired_lineage)
        known = await whole(self.local.known)
        choice = choose(lineage, known, head, manifest)
        if choice is Choice.SAVED and manifest is not None:
            log.info("device state restored", session_id=self._id)
            return await self._restoring.restore(term, manifest)
        if choice is Choice.NOTHING:
            generation = 0 if head is None else head.generation
            await whole(functools.partial(self.local.discard, generation))
            await whole(self.local.has_forgotten)
            return None
        return known

    # --- saving ----------------------------------------------------------------------

    async def save(self, term: int, saving: Saving) -> int:
        """Save what changed since the last time; how many pages that were.

        Raises as bring() does. Only once it is settled what this machine runs.
        """
        async with self._turn:
            return await self._saving.save(term, saving)

    # --- the end of a link -----------------------------------------------------------

    async def discard(self) -> None:
        """Delete the store, whose keys nobody needs any more; forget() follows."""
        known = self._saving.known
        generation = self._found if known is None else known.generation
        self._unopened = False
        await whole(functools.partial(self.local.discard, generation))

    async def forget(self, term: int) -> None:
        """Delete what is saved of a store that was discarded."""
        async with self._turn:
            generation = await self._states.forget(self._id, term)
            await whole(self.local.has_forgotten)
            head = Head(generation=generation, manifest=None)
            self._saving.settle(head, None, None)
