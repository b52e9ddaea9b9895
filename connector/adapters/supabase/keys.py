"""For an operator's commands: leases for a moment, and the keys of saved device states."""

from __future__ import annotations

import base64
import secrets
import socket
from collections.abc import AsyncIterator, Sequence
from typing import Final

from connector.adapters.supabase.client import SupabaseClient
from connector.adapters.supabase.rows.keys import BorrowedRow, StateKeysRow
from connector.domain.messages import Json
from connector.ports import SealedPage, SessionId
from connector.ports.keys import Borrowed, StateKeys

# Should the command be killed; writes are admitted by their term, however late.
BORROWED_FOR: Final = "30 seconds"
STATES_A_CALL: Final = 5  # one of 50 MB takes up to half a second


class SupabaseBorrowedLeases:
    """Implements BorrowedLeases."""

    def __init__(self, client: SupabaseClient) -> None:
        self._client = client
        # Never a connector's name: one takes what it finds under its own for its own.
        self._holder = f"command-{socket.gethostname()}-{secrets.token_hex(4)}"

    async def borrow(self, session_id: SessionId) -> Borrowed | None:
        found = await self._client.call(
            "wa_borrow_lease",
            {
                "p_session_id": session_id,
                "p_holder": self._holder,
                "p_ttl": BORROWED_FOR,
            },
        )
        return BorrowedRow.read(found[0]).borrowed() if found else None

    async def give_back(self, session_id: SessionId, term: int) -> None:
        leases: list[Json] = [{"session_id": session_id, "term": term}]
        await self._client.call(
            "wa_release_leases", {"p_holder": self._holder, "p_leases": leases}
        )


class SupabaseDeviceStateKeys:
    """Implements DeviceStateKeys."""

    def __init__(self, client: SupabaseClient) -> None:
        self._client = client

    async def all(self) -> AsyncIterator[StateKeys]:
        after: str | None = None
        while True:
            rows = await self._client.call(
                "wa_device_state_keys", {"p_after": after, "p_limit": STATES_A_CALL}
            )
            for row in rows:
                found = StateKeysRow.read(row)
                after = found.session_id
                yield found.keys()
            if len(rows) < STATES_A_CALL:
                return

    async def exchange(
        self,
        session_id: SessionId,
        term: int,
        generation: int,
        pages: Sequence[SealedPage],
        manifest: bytes | None,
    ) -> None:
        await self._client.call(
            "wa_reseal_device_pages",
            {
                "p_session_id": session_id,
                "p_term": term,
                "p_generation": generation,
                "p_pages": [
                    {
                        "page": page.page,
                        "generation": page.generation,
                        "sealed": _encoded(page.sealed),
                    }
                    for page in pages
                ],
                "p_manifest": None if manifest is None else _encoded(manifest),
            },
        )


def _encoded(value: bytes) -> str:
    return base64.b64encode(value).decode()
