"""What deleted sessions left that was never stored: kept a while, seen, then removed.

<data>/
    orphaned/<session id>/          the session's folder, whole
    orphaned/<session id>/deleted   dated when the session was found to be deleted
    leaving/<session id>/           on its way out: moved there whole, then deleted
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from connector.adapters.whatsapp.spool.overview import SESSIONS
from connector.adapters.whatsapp.spool.writer import FILE_NAME as SPOOL_NAME

ORPHANED: Final = "orphaned"
LEAVING: Final = "leaving"
MARK: Final = "deleted"


@dataclass(frozen=True, slots=True)
class Orphan:
    session_id: str
    folder: Path
    since: datetime

    @property
    def spool(self) -> Path:
        return self.folder / SPOOL_NAME


def orphans(data: Path) -> Iterator[Orphan]:
    for folder in sorted((data / ORPHANED).glob("*/")):
        mark = folder / MARK
        dated = mark if mark.exists() else folder
        since = datetime.fromtimestamp(dated.stat().st_mtime, UTC)
        yield Orphan(folder.name, folder, since)


def set_aside(data: Path, folder: Path) -> None:
    """Killed between the two: the folder is found again, and dated anew."""
    (folder / MARK).touch()
    place = data / ORPHANED
    place.mkdir(mode=0o700, exist_ok=True)
    folder.rename(place / folder.name)


def give_back(data: Path, orphan: Orphan) -> None:
    """The session is there again. Raises OSError when it has a folder already."""
    orphan.folder.rename(data / SESSIONS / orphan.session_id)
    (data / SESSIONS / orphan.session_id / MARK).unlink(missing_ok=True)


def remove(data: Path, folder: Path) -> None:
    leaving = data / LEAVING
    leaving.mkdir(mode=0o700, exist_ok=True)
    folder.rename(leaving / folder.name)
    sweep(data)


def sweep(data: Path) -> None:
    """What a round that was killed was about to delete."""
    shutil.rmtree(data / LEAVING, ignore_errors=True)
