"""Rows of `wa_attachments`: what is claimed, and what came of it."""

from __future__ import annotations

import base64
from datetime import datetime

from connector.adapters.supabase.rows.reading import Row
from connector.adapters.supabase.rows.writing import Record
from connector.domain.media import FileResult
from connector.ports import ClaimedFile


class FileRow(Row):
    """A row of `wa_claim_media`; what its sender left out is empty, and never fits."""

    id: str
    workspace_id: str
    message_sent_at: datetime
    media_type: str | None
    direct_path: str | None
    media_key: str | None
    file_sha256: str | None
    file_enc_sha256: str | None
    attempts: int

    def claimed(self) -> ClaimedFile:
        return ClaimedFile(
            id=self.id,
            workspace_id=self.workspace_id,
            sent_at=self.message_sent_at,
            media_type=self.media_type or "",
            direct_path=self.direct_path or "",
            media_key=base64.b64decode(self.media_key or ""),
            file_sha256=bytes.fromhex(self.file_sha256 or ""),
            file_enc_sha256=bytes.fromhex(self.file_enc_sha256 or ""),
            attempts=self.attempts,
        )


def file_result(outcome: FileResult) -> Record:
    """One element of p_results of wa_finish_media; only what is known."""
    again = outcome.retry_after
    record: Record = {
        "id": outcome.id,
        "state": outcome.state.value,
        "storage_path": outcome.storage_path,
        "mime_type": outcome.mime_type,
        "size_bytes": outcome.size_bytes,
        "sha256": outcome.sha256.hex() if outcome.sha256 else None,
        "error_code": outcome.error_code,
        "retry_after_seconds": again.total_seconds() if again is not None else None,
        "begun": outcome.begun,
        "held": outcome.held,
    }
    return {key: value for key, value in record.items() if value is not None}
