"""Pieces of history that were announced and have not come yet: a sealed file each.

<session>/history/<type>-<order>-<id>    dated when the phone announced it

A file is there before the announcement leaves the queue, and goes when its piece is read.
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from connector.adapters.whatsapp.reading.history.pieces import (
    Announced,
    Arrived,
    piece_in,
)
from connector.errors import SealBroken
from connector.ports import AwaitedPiece
from connector.sealing import Sealer
from connector.whole_file import write_whole

FOLDER_NAME: Final = "history"
MOST_AWAITED: Final = 1_000
_KEYS: Final = ("media_key", "file_sha256", "file_enc_sha256")


class AwaitedHistory:
    """Never raises for want of room: then a crash may cost a piece, as it would without."""

    def __init__(self, session_folder: Path, session_id: str, sealer: Sealer) -> None:
        self._folder = session_folder / FOLDER_NAME
        self._context = f"history/{session_id}".encode()
        self._sealer = sealer
        # A piece may be read before its announcement: history has a lane of its own.
        self._arrived: set[tuple[int, int]] = set()

    def note(self, code: int, raw: bytes, received_at: int) -> None:
        """Learn from an event, received at unix milliseconds, what is to come or came."""
        match piece_in(code, raw):
            case Announced() as piece:
                with contextlib.suppress(OSError):
                    self._expect(piece, received_at / 1000)
            case Arrived(sync_type=sync_type, chunk_order=order):
                self._arrived.add((sync_type, order))
                for path in self._folder.glob(f"{sync_type}-{order}-*"):
                    path.unlink(missing_ok=True)
            case None:
                pass

    def begin_anew(self) -> None:
        """A worker starts: what it is told of may bear the numbers of earlier pieces."""
        self._arrived.clear()

    def before(self, moment: datetime) -> Sequence[AwaitedPiece]:
        """The pieces announced before then, oldest first."""
        whole = [path for path in self._folder.glob("*-*-*") if not path.suffix]
        oldest_first = sorted(whole, key=_announced_at)
        found = []
        for path in oldest_first:
            if _announced_at(path) < moment.timestamp():
                with contextlib.suppress(OSError, SealBroken, ValueError, KeyError):
                    found.append(self._opened(path))
        return found

    def forget(self, piece: AwaitedPiece) -> None:
        (self._folder / piece.name).unlink(missing_ok=True)

    def _expect(self, piece: Announced, announced_at: float) -> None:
        if (piece.sync_type, piece.chunk_order) in self._arrived:
            return
        self._folder.mkdir(mode=0o700, exist_ok=True)
        if sum(1 for _ in self._folder.iterdir()) >= MOST_AWAITED:
            return
        told = {key: base64.b64encode(getattr(piece, key)).decode() for key in _KEYS}
        told["direct_path"] = piece.direct_path
        sealed = self._sealer.seal(json.dumps(told).encode(), self._context)
        # Named after what it holds: announced twice, it is one.
        name = uuid.uuid5(uuid.NAMESPACE_OID, piece.file_enc_sha256.hex())
        path = self._folder / f"{piece.sync_type}-{piece.chunk_order}-{name}"
        write_whole(path, base64.b64encode(sealed).decode())
        # Killed before this it counts as announced just now: it is fetched, but later.
        os.utime(path, (announced_at, announced_at))

    def _opened(self, path: Path) -> AwaitedPiece:
        sealed = base64.b64decode(path.read_bytes())
        told = json.loads(self._sealer.open(sealed, self._context))
        keys = {key: base64.b64decode(told[key]) for key in _KEYS}
        return AwaitedPiece(
            name=path.name,
            id=path.name.split("-", 2)[2],
            announced_at=datetime.fromtimestamp(_announced_at(path), UTC),
            direct_path=told["direct_path"],
            **keys,
        )


def _announced_at(path: Path) -> float:
    with contextlib.suppress(OSError):
        return path.stat().st_mtime
    return 0.0
