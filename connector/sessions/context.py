"""What a running session shows its companions (ports.SessionContext)."""

from __future__ import annotations

import asyncio

from connector.ports import SessionId, SessionRow, Worker
from connector.sessions.held_lease import HeldLease


class RunningSession:
    def __init__(self, held: HeldLease) -> None:
        self._held = held
        self._online: Worker | None = None
        self._logins = 0
        self._connected = asyncio.Event()
        self._spooled = asyncio.Event()
        self._spooled.set()  # an earlier run may have left something

    @property
    def session_id(self) -> SessionId:
        return self._held.session_id

    @property
    def term(self) -> int:
        return self._held.term

    @property
    def trusted_until(self) -> float:
        return self._held.trusted_until

    @property
    def session(self) -> SessionRow:
        return self._held.session

    @property
    def appear_online(self) -> bool:
        return self._held.session.appear_online

    @property
    def logins(self) -> int:
        return self._logins

    @property
    def spooled(self) -> asyncio.Event:
        return self._spooled

    def worker(self) -> Worker | None:
        return self._online

    async def until_connected(self) -> Worker:
        while self._online is None:
            await self._connected.wait()
        return self._online

    def go(self, online: Worker | None) -> None:
        """Say which worker is connected now, if any."""
        if online is not None and self._online is None:
            self._logins += 1
        self._online = online
        if online is None:
            self._connected.clear()
        else:
            self._connected.set()
