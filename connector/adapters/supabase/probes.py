"""Small questions that tell whether a part of Supabase is there, and is the right one."""

from __future__ import annotations

from typing import Final

from connector.adapters.supabase.calls import lacking
from connector.adapters.supabase.client import SupabaseClient
from connector.adapters.supabase.media import BUCKET

SCHEMA: Final = 1  # what wa_doctor must say; see its migration


async def ask_for_bucket(client: SupabaseClient) -> None:
    """Raises ConnectorError when Storage does not answer."""
    async with client.receive(f"/storage/v1/bucket/{BUCKET}") as response:
        await response.aread()


async def has_schema(client: SupabaseClient) -> bool:
    """Whether the migrations are those of this version. Raises ConnectorError.

    By the functions as well: older migrations bear the same number until one breaks with it.
    """
    [answer] = await client.call("wa_doctor", {})
    complete = not any(lacking(answer.get("calls") or {}))
    return complete and bool(answer.get("schema") == SCHEMA)
