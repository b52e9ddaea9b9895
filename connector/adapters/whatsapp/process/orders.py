"""What the supervisor and a worker agree on before anything else is said."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Self

from connector.adapters.whatsapp.process.frames import Frame, FrameBroken
from connector.adapters.whatsapp.spool.writer import HighWater
from connector.sealing import KEY_SIZE

LOCK_NAME: Final = "lock"  # flocked by the worker for as long as it lives
STORE_NAME: Final = "store.db"  # whatsmeow's
# How whatsmeow's SQLite opens it: docs/decisions/0006-whatsapp-store-durability.md.
# The last one swallows the "?_foreign_keys=on" that neonize appends to the name.
STORE_OPTIONS: Final = "?_foreign_keys=on&_journal_mode=WAL&_synchronous=FULL&_x="


class ExitCode(enum.IntEnum):
    """How a worker that was not killed ended."""

    STOPPED = 0
    FOLDER_BUSY = 11  # another process works on this session's folder
    NO_ORDERS = 12  # the supervisor left, or spoke nonsense, before saying who we are
    STOP_TIMED_OUT = 13  # a planned stop was stuck in neonize or had to leave events
    FAILED = 14  # an error of ours; its traceback is on stderr
    MAY_NOT_LOG_IN = 18  # it lost its connection, and another may have the number
    # What others say of one that could not say it:
    GIVEN_UP = 15  # its supervisor killed it
    NOT_BORN = 16  # the zygote has no file handle left for it, or could not fork
    ORPHANED = 17  # the zygote is gone, and the kernel has ended it


@dataclass(frozen=True, slots=True, kw_only=True)
class Orders:
    """The first frame: which session it is, and where and how to spool."""

    session_id: str
    folder: Path
    term: int
    history_days: int
    high_water: HighWater
    keys: tuple[bytes, ...] = field(repr=False)

    def frame(self) -> Frame:
        header = {
            "session_id": self.session_id,
            "folder": str(self.folder),
            "term": self.term,
            "history_days": self.history_days,
            "spool_bytes": self.high_water.spool_bytes,
            "free_bytes": self.high_water.free_bytes,
        }
        return Frame(header, b"".join(self.keys))

    @classmethod
    def read(cls, frame: Frame) -> Self:
        """Raises FrameBroken."""
        header, keys = frame.header, frame.body
        try:
            return cls(
                session_id=header["session_id"],
                folder=Path(header["folder"]),
                term=header["term"],
                history_days=header["history_days"],
                high_water=HighWater(
                    spool_bytes=header["spool_bytes"], free_bytes=header["free_bytes"]
                ),
                keys=tuple(
                    keys[at : at + KEY_SIZE] for at in range(0, len(keys), KEY_SIZE)
                ),
            )
        except (KeyError, TypeError) as error:
            raise FrameBroken("these are no orders") from error
