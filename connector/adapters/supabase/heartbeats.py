"""Says in Postgres that this connector lives (docs/observability.md)."""

from __future__ import annotations

from collections.abc import Mapping

from connector.adapters.supabase.client import SupabaseClient


class SupabaseHeartbeats:
    """Implements Heartbeats."""

    def __init__(self, client: SupabaseClient, *, holder: str, version: str) -> None:
        self._client = client
        self._holder = holder
        self._version = version

    async def beat(self, sessions: int, figures: Mapping[str, float]) -> None:
        await self._client.call(
            "wa_heartbeat",
            {
                "p_holder": self._holder,
                "p_version": self._version,
                "p_session_count": sessions,
                "p_figures": dict(figures),
            },
        )

    async def sign_off(self) -> None:
        await self._client.call("wa_sign_off", {"p_holder": self._holder})
