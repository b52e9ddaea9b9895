"""Starts workers and knows where each session keeps what it has on this machine.

<data>/sessions/<session id>/
    store.db  lineage  saved  forget  spool.db  lock  unrecorded  history/  media/
"""

from __future__ import annotations

import re
import socket
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from connector.adapters.whatsapp.process.frames import AsyncChannel
from connector.adapters.whatsapp.process.orders import Orders
from connector.adapters.whatsapp.process.worker_handle import WorkerHandle
from connector.adapters.whatsapp.process.zygote import Zygote
from connector.adapters.whatsapp.reading.rules import ReadingRules
from connector.adapters.whatsapp.spool.reader import SpoolReader
from connector.adapters.whatsapp.spool.writer import FILE_NAME, HighWater
from connector.adapters.whatsapp.store.device_store import WhatsAppStore
from connector.adapters.whatsapp.store.local_state import LocalStore
from connector.adapters.whatsapp.store.saved import SavedStore
from connector.adapters.whatsapp.store.unrecorded import UnrecordedNotes
from connector.errors import SpoolUnavailable, WorkerGone
from connector.ports import SessionId, SessionRow
from connector.sealing import Sealer

# It becomes a folder's name.
_SESSION_ID: Final = re.compile(r"[0-9A-Za-z-]{1,64}")


class WhatsAppLauncher:
    """Implements ports.Launcher."""

    def __init__(
        self,
        zygote: Zygote,
        data: Path,
        keys: Sequence[bytes],
        high_water: HighWater,
    ) -> None:
        self._zygote = zygote
        self._sessions = data / "sessions"
        self._keys = tuple(keys)
        self._sealer = Sealer(keys)
        self._high_water = high_water
        self._spools: dict[SessionId, SpoolReader] = {}

    async def launch(self, session: SessionRow, term: int) -> WorkerHandle:
        """Start the session's process.

        Raises WorkerGone when that is not possible, and SealBroken when the spool holds
        what only another key opens: receiving more would hide that nothing is stored.
        """
        session_id = session.session_id
        try:
            await self.spool(session_id).check_key()
        except SpoolUnavailable as error:
            raise WorkerGone from error  # it could not write there, either
        self.device_store(session_id).prepare()
        self.spool(session_id).forget_own()
        orders = Orders(
            session_id=session_id,
            folder=self._folder(session_id),
            term=term,
            history_days=session.history_days,
            high_water=self._high_water,
            keys=self._keys,
        )
        ours, theirs = socket.socketpair()
        with theirs:
            try:
                process = await self._zygote.spawn(theirs)
            except WorkerGone:
                ours.close()
                raise
        channel = await AsyncChannel.over(ours)
        await channel.send(orders.frame())
        return WorkerHandle(session_id, process, channel)

    def spool(self, session_id: SessionId) -> SpoolReader:
        """The one reader of this session's spool."""
        reader = self._spools.get(session_id)
        if reader is None:
            store = self.device_store(session_id)
            reader = self._spools[session_id] = SpoolReader(
                self._folder(session_id) / FILE_NAME,
                session_id=session_id,
                sealer=self._sealer,
                rules=ReadingRules(secret_of=store.secret_of),
                own=store.own,
                phone_of=store.phone_of,
            )
        return reader

    def spools(self) -> Sequence[SessionId]:
        """Every session that has a spool on this machine, be it empty."""
        found = self._sessions.glob(f"*/{FILE_NAME}")
        return [SessionId(path.parent.name) for path in found]

    def let_go(self, session_id: SessionId) -> None:
        """Close what is open of a session whose folder goes."""
        if (reader := self._spools.pop(session_id, None)) is not None:
            reader.close()

    def close(self) -> None:
        """Close the spools and let the zygote go."""
        for reader in self._spools.values():
            reader.close()
        self._zygote.close()

    def device_store(self, session_id: SessionId) -> WhatsAppStore:
        return WhatsAppStore(self._folder(session_id))

    def local_state(self, session_id: SessionId) -> LocalStore:
        """The store, as what is saved of it and restored to it."""
        return LocalStore(self._folder(session_id))

    def saved(self, session_id: SessionId) -> SavedStore:
        """What the phone's owner named and set, as the store has it."""
        return SavedStore(self._folder(session_id))

    def unrecorded(self, session_id: SessionId) -> UnrecordedNotes:
        """How sends ended that Supabase could not be told before a stop."""
        return UnrecordedNotes(session_id, self._folder(session_id), self._sealer)

    def _folder(self, session_id: SessionId) -> Path:
        if not _SESSION_ID.fullmatch(session_id):
            raise ValueError("a session id is letters, digits and hyphens")
        return self._sessions / session_id
