"""Files that are with WhatsApp already: never uploaded twice without need (docs/outbox.md)."""

from __future__ import annotations

from connector.adapters.supabase import rows
from connector.adapters.supabase.client import SupabaseClient
from connector.domain.outgoing import OutgoingFile
from connector.ports import SessionId


class SupabaseUploads:
    """Implements Uploads."""

    def __init__(self, client: SupabaseClient) -> None:
        self._client = client

    async def find(
        self, session_id: SessionId, term: int, version: str
    ) -> OutgoingFile | None:
        found = await self._client.call(
            "wa_find_upload",
            {"p_session_id": session_id, "p_term": term, "p_version": version},
        )
        return rows.UploadRow.read(found[0]).file() if found else None

    async def keep(
        self,
        session_id: SessionId,
        term: int,
        row_id: str,
        file: OutgoingFile,
        version: str | None,
    ) -> None:
        await self._client.call(
            "wa_keep_upload",
            {
                "p_session_id": session_id,
                "p_term": term,
                "p_outbox_id": row_id,
                "p_version": version,
                "p_upload": rows.upload(file),
            },
        )
