"""A number's sealed keys in Postgres (docs/device-state.md)."""

from __future__ import annotations

import base64
from collections.abc import Sequence

from connector.adapters.supabase.client import SupabaseClient
from connector.adapters.supabase.rows import DevicePageRow, DeviceStateRow
from connector.domain.device_state import Head
from connector.domain.messages import Json
from connector.ports import SealedPage, SessionId


class SupabaseDeviceStates:
    """Implements DeviceStates."""

    def __init__(self, client: SupabaseClient) -> None:
        self._client = client

    async def head(self, session_id: SessionId, term: int) -> Head | None:
        found = await self._client.call(
            "wa_load_device_state", {"p_session_id": session_id, "p_term": term}
        )
        return DeviceStateRow.read(found[0]).head() if found else None

    async def pages(
        self, session_id: SessionId, term: int, first: int, limit: int
    ) -> Sequence[SealedPage]:
        found = await self._client.call(
            "wa_load_device_pages",
            {
                "p_session_id": session_id,
                "p_term": term,
                "p_first": first,
                "p_limit": limit,
            },
        )
        return [DevicePageRow.read(row).sealed_page() for row in found]

    async def stage(
        self,
        session_id: SessionId,
        term: int,
        generation: int,
        pages: Sequence[SealedPage],
        *,
        fresh: bool,
    ) -> None:
        await self._client.call(
            "wa_stage_device_pages",
            {
                "p_session_id": session_id,
                "p_term": term,
                "p_generation": generation,
                "p_pages": _pages(pages),
                "p_fresh": fresh,
            },
        )

    async def save(
        self,
        session_id: SessionId,
        term: int,
        head: Head,
        page_count: int,
        pages: Sequence[SealedPage],
        *,
        fresh: bool,
    ) -> None:
        await self._client.call(
            "wa_save_device_state",
            {
                "p_session_id": session_id,
                "p_term": term,
                "p_generation": head.generation,
                "p_manifest": _encoded(head.manifest or b""),
                "p_pages": _pages(pages),
                "p_page_count": page_count,
                "p_fresh": fresh,
            },
        )

    async def forget(self, session_id: SessionId, term: int) -> int:
        (answer,) = await self._client.call(
            "wa_forget_device_state", {"p_session_id": session_id, "p_term": term}
        )
        return int(answer["value"])


def _pages(pages: Sequence[SealedPage]) -> list[Json]:
    return [{"page": each.page, "sealed": _encoded(each.sealed)} for each in pages]


def _encoded(value: bytes) -> str:
    return base64.b64encode(value).decode()
