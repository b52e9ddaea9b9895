"""How sends ended that Supabase could not be told before a stop: `unrecorded`, sealed.

Without it they would be found in the store as begun, and be in doubt until a receipt came.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

import structlog

from connector.domain.outgoing import OutboxResult, Outcome, Pause, PauseScope
from connector.errors import SealBroken
from connector.ports import SessionId
from connector.sealing import Sealer

FILE_NAME: Final = "unrecorded"

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class UnrecordedNotes:
    """Implements ports.UnrecordedResults over a session's folder."""

    session_id: SessionId
    folder: Path
    sealer: Sealer

    def read(self) -> Sequence[OutboxResult]:
        try:
            sealed = (self.folder / FILE_NAME).read_bytes()
            noted = json.loads(self.sealer.open(sealed, self._context))
            return [_result(note) for note in noted]
        except FileNotFoundError:
            return ()
        except (OSError, SealBroken, ValueError, KeyError, TypeError) as error:
            log.warning("note not read", session_id=self.session_id, error=error)
            return ()

    def write(self, results: Sequence[OutboxResult]) -> None:
        path = self.folder / FILE_NAME
        try:
            if not results:
                path.unlink(missing_ok=True)
                return
            draft = path.with_suffix(".new")
            plain = json.dumps([_note(each) for each in results]).encode()
            draft.write_bytes(self.sealer.seal(plain, self._context))
            draft.replace(path)
        except OSError as error:
            log.warning("note not written", session_id=self.session_id, error=error)

    @property
    def _context(self) -> bytes:
        return f"unrecorded/{self.session_id}".encode()


def _note(result: OutboxResult) -> Mapping[str, Any]:
    pause = result.pause
    return {
        "id": result.id,
        "claim": result.claim,
        "outcome": result.outcome.value,
        "whatsapp_id": result.whatsapp_id,
        "sent_at": None if result.sent_at is None else result.sent_at.isoformat(),
        "code": result.code,
        "message": result.message,
        "retry_after": _seconds(result.retry_after),
        "pause": pause and [pause.scope.value, _seconds(pause.lasting)],
    }


def _result(note: Mapping[str, Any]) -> OutboxResult:
    sent_at, pause = note["sent_at"], note["pause"]
    return OutboxResult(
        id=note["id"],
        outcome=Outcome(note["outcome"]),
        whatsapp_id=note["whatsapp_id"],
        sent_at=None if sent_at is None else datetime.fromisoformat(sent_at),
        code=note["code"],
        message=note["message"],
        retry_after=_duration(note["retry_after"]),
        pause=pause
        and Pause(scope=PauseScope(pause[0]), lasting=timedelta(seconds=pause[1])),
        claim=note["claim"],
    )


def _seconds(duration: timedelta | None) -> float | None:
    return None if duration is None else duration.total_seconds()


def _duration(seconds: float | None) -> timedelta | None:
    return None if seconds is None else timedelta(seconds=seconds)
