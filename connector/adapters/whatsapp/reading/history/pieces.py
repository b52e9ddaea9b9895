"""Which pieces of history the phone announced, and which have come. Pure.

The phone sends history as files on WhatsApp's servers and tells of each in a message.
neonize confirms that message and then fetches the files one by one, out of memory: what
it has not fetched when its process ends would never come.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from connector.adapters.whatsapp.bounds import clean
from connector.adapters.whatsapp.event_codes import Code
from connector.adapters.whatsapp.protobufs import events, history
from connector.adapters.whatsapp.reading.history.chunk import split, wrapped
from connector.adapters.whatsapp.reading.rules import SENSELESS

LONGEST_PATH: Final = 2048
_PEER: Final = "peer"
_DATA: Final = 1  # of neonize's HistorySync
_CONVERSATIONS: Final = history.HistorySync.CONVERSATIONS_FIELD_NUMBER


@dataclass(frozen=True, slots=True, kw_only=True)
class Announced:
    """A piece that is to be fetched, and what that takes."""

    sync_type: int
    chunk_order: int
    direct_path: str = field(repr=False)
    media_key: bytes = field(repr=False)
    file_sha256: bytes = field(repr=False)
    file_enc_sha256: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrived:
    """A piece that has come."""

    sync_type: int
    chunk_order: int


def piece_in(code: int, raw: bytes) -> Announced | Arrived | None:
    """What one event says about a piece of history; never raises."""
    try:
        if code == Code.HISTORY_SYNC:
            return _arrived(raw)
        if code == Code.MESSAGE and _PEER.encode() in raw:
            return _announced(raw)
    except SENSELESS:
        pass  # whoever reads it as a whole sets it aside
    return None


def as_event(content: bytes) -> bytes:
    """WhatsApp's HistorySync as the event that neonize makes of it."""
    return wrapped(_DATA, content)


def _arrived(raw: bytes) -> Arrived:
    parts = split(raw, _DATA).parts
    content = parts[0] if len(parts) == 1 else b"".join(parts)  # no needless copy
    _, rest = split(content, _CONVERSATIONS)
    sync = history.HistorySync.FromString(rest)
    return Arrived(sync_type=sync.syncType, chunk_order=sync.chunkOrder)


def _announced(raw: bytes) -> Announced | None:
    event = events.Message.FromString(raw)
    told = event.Message.protocolMessage.historySyncNotification
    path = clean(told.directPath, LONGEST_PATH)
    if event.Info.Category != _PEER or not path:
        return None  # small ones travel inside the message
    return Announced(
        sync_type=told.syncType,
        chunk_order=told.chunkOrder,
        direct_path=path,
        media_key=told.mediaKey,
        file_sha256=told.fileSHA256,
        file_enc_sha256=told.fileEncSHA256,
    )
