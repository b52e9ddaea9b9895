"""A file that is with WhatsApp already, as `wa_keep_upload` takes it and rows bring it."""

from __future__ import annotations

import base64
from datetime import timedelta
from typing import Annotated

from pydantic import Field

from connector.adapters.supabase.rows.reading import Bytes, Row
from connector.adapters.supabase.rows.writing import Record
from connector.domain.media import OCTETS
from connector.domain.outgoing import FileFacts, OutgoingFile, Uploaded

# Phones look a file up by its path; the address only has to be one of WhatsApp's.
_MEDIA_HOST = "https://mmg.whatsapp.net"


_Step = Annotated[int, Field(ge=0, le=255)]


class UploadRow(Row):
    url: str | None
    direct_path: str
    media_key: Bytes
    file_sha256: Bytes
    file_enc_sha256: Bytes
    size_bytes: int
    mime_type: str | None
    file_name: str | None
    width: int | None
    height: int | None
    duration_seconds: float | None
    waveform: list[_Step] | None
    thumbnail: Bytes | None

    def file(self) -> OutgoingFile:
        return OutgoingFile(
            uploaded=Uploaded(
                url=self.url or f"{_MEDIA_HOST}{self.direct_path}",
                direct_path=self.direct_path,
                media_key=self.media_key,
                file_sha256=self.file_sha256,
                file_enc_sha256=self.file_enc_sha256,
                size=self.size_bytes,
            ),
            facts=self._facts(),
        )

    def _facts(self) -> FileFacts:
        seconds = self.duration_seconds
        return FileFacts(
            mime_type=self.mime_type or OCTETS,
            file_name=self.file_name,
            width=self.width,
            height=self.height,
            duration=None if seconds is None else timedelta(seconds=seconds),
            waveform=None if self.waveform is None else bytes(self.waveform),
            thumbnail=self.thumbnail,
        )


def upload(file: OutgoingFile) -> Record:
    """`p_upload` of `wa_keep_upload`."""
    uploaded, facts = file.uploaded, file.facts
    return {
        "url": uploaded.url,
        "direct_path": uploaded.direct_path,
        "media_key": _encoded(uploaded.media_key),
        "file_sha256": _encoded(uploaded.file_sha256),
        "file_enc_sha256": _encoded(uploaded.file_enc_sha256),
        "size_bytes": uploaded.size,
        "mime_type": facts.mime_type,
        "file_name": facts.file_name,
        "width": facts.width,
        "height": facts.height,
        "duration_seconds": (
            None if facts.duration is None else facts.duration.total_seconds()
        ),
        "waveform": None if facts.waveform is None else list(facts.waveform),
        "thumbnail": None if facts.thumbnail is None else _encoded(facts.thumbnail),
    }


def _encoded(value: bytes) -> str:
    return base64.b64encode(value).decode()
