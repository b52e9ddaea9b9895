"""A session that no connector runs for as long as a command works on it."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator

from connector.errors import ConnectorError
from connector.ports import SessionId
from connector.ports.keys import Borrowed, BorrowedLeases


@contextlib.asynccontextmanager
async def borrowed(
    leases: BorrowedLeases, session_id: SessionId
) -> AsyncIterator[Borrowed | None]:
    """Raises SupabaseUnavailable, SupabaseRefused. None: there is no such session.

    Killed, or cut off, the lease runs out by itself within half a minute.
    """
    found = await leases.borrow(session_id)
    try:
        yield found
    finally:
        if found is not None and found.term is not None:
            with contextlib.suppress(ConnectorError):
                await leases.give_back(session_id, found.term)
