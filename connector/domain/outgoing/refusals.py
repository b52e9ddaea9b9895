"""What a failed send leads to: one table for everything WhatsApp's server can answer.

    permanent   failed at once: the same message would be refused again
    passing     queued: tried again, ever later, MOST_ATTEMPTS times in all
    outside     queued: its file is not there yet; no attempt is counted
    pausing     queued: no attempt is counted, the session sends less for a while

What may have arrived is not decided here: the device's own store knows whether a send was
begun (connector/delivery/attempts.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from connector.domain.outgoing.results import (
    OutboxResult,
    Outcome,
    Pause,
    PauseScope,
)
from connector.domain.retry import ever_later
from connector.errors import (
    FileUnavailable,
    InvalidAddress,
    InvalidPayload,
    NotConnected,
    RecipientUnknown,
    SendFailed,
    SendRefused,
    SendUncertain,
    StorageUnavailable,
)

MOST_ATTEMPTS: Final = 5
FILE_ON_ITS_WAY: Final = "file_on_its_way"
SOON: Final = timedelta(seconds=15)
LATER: Final = timedelta(minutes=1)
SLOW_FILE: Final = timedelta(seconds=5)
STORAGE_AWAY: Final = timedelta(seconds=30)  # up to twice as long
LONGEST_RETRY: Final = timedelta(minutes=30)
LONGEST_PAUSE: Final = timedelta(hours=6)


@dataclass(frozen=True, slots=True)
class Refusal:
    """What an error means for the row; without `retry` and `pause` it is permanent."""

    code: str
    sentence: str
    retry: timedelta | None = None  # the first time; then ever later
    pause: Pause | None = None  # the first time; doubled when it repeats


def _all(lasting: timedelta) -> Pause:
    return Pause(scope=PauseScope.ALL, lasting=lasting)


def _new_chats(lasting: timedelta) -> Pause:
    return Pause(scope=PauseScope.NEW_CHATS, lasting=lasting)


_FORBIDDEN: Final = Refusal(
    "refused_forbidden", "This number may not do that in that chat."
)
_GONE: Final = Refusal("chat_not_found", "That chat does not exist.")
_MALFORMED: Final = Refusal(
    "refused_malformed", "WhatsApp called the message malformed."
)
# The same words for a good message, when keys or devices changed meanwhile.
_MALFORMED_FOR_NOW: Final = Refusal(_MALFORMED.code, _MALFORMED.sentence, SOON)
_GROUP_CHANGED: Final = Refusal(
    "group_changed", "The group changed while this was being sent.", SOON
)
_SERVER: Final = Refusal("server_error", "WhatsApp's server failed.", SOON)
_THROTTLED: Final = Refusal(
    "throttled", "WhatsApp asks to slow down.", pause=_all(timedelta(minutes=10))
)

# docs/errors.md says where each was reported. Numbers are those of HTTP as far as they go;
# WhatsApp Web's own client names 421, 463, 475 and those from 487 on.
REFUSALS: Final[Mapping[int, Refusal]] = {
    400: _MALFORMED_FOR_NOW,
    401: _FORBIDDEN,
    402: Refusal(
        "restricted",
        "WhatsApp has restricted this number for now.",
        pause=_all(timedelta(hours=1)),
    ),
    403: _FORBIDDEN,
    404: _GONE,
    405: _FORBIDDEN,
    406: _MALFORMED,
    408: _SERVER,
    409: _GROUP_CHANGED,
    410: _GONE,
    420: _THROTTLED,
    421: _GROUP_CHANGED,
    429: _THROTTLED,
    463: Refusal(
        "timelocked",
        "WhatsApp does not let this number start new conversations for now.",
        pause=_new_chats(timedelta(hours=1)),
    ),
    475: Refusal(
        "new_chats_capped",
        "WhatsApp's limit of new conversations is reached for now.",
        pause=_new_chats(timedelta(hours=3)),
    ),
    479: _MALFORMED_FOR_NOW,
    487: _MALFORMED,
    488: _MALFORMED,
    489: _MALFORMED,
    490: _MALFORMED,
    491: _MALFORMED,
    500: _SERVER,
    503: _SERVER,
    530: _SERVER,
    550: _FORBIDDEN,
    551: _FORBIDDEN,
    552: _SERVER,
}
UNKNOWN_REFUSAL: Final = Refusal("refused", "WhatsApp refused the message.", LATER)


def outcome_of_invalid(
    row_id: str, error: InvalidAddress | InvalidPayload
) -> OutboxResult:
    code = error.reason if isinstance(error, InvalidPayload) else error.code
    return OutboxResult(
        id=row_id, outcome=Outcome.FAILED, code=code, message=str(error)
    )


def outcome_of_failure(
    row_id: str,
    attempts: int,
    error: SendFailed | FileUnavailable,
    chance: float,
    earlier_pauses: Mapping[PauseScope, int] | None = None,
) -> OutboxResult:
    """Decide what a send that surely did not happen leads to.

    `attempts` counts this one, `chance` is in [0, 1), `earlier_pauses` says how often the
    session was told to wait lately.
    """
    match error:
        case NotConnected():
            return OutboxResult(id=row_id, outcome=Outcome.RELEASED)
        case RecipientUnknown():
            return _failed(row_id, error.code, str(error))
        case StorageUnavailable():
            return _outside(row_id, error.code, str(error), STORAGE_AWAY * (1 + chance))
        case SendRefused():
            refusal = REFUSALS.get(error.server_code, UNKNOWN_REFUSAL)
            told = refusal.sentence.removesuffix(".")
            message = f"{told} (server code {error.server_code})."
            if refusal.pause is not None:
                earlier = (earlier_pauses or {}).get(refusal.pause.scope, 0)
                return _paused(row_id, refusal.code, message, refusal.pause, earlier)
            if refusal.retry is None:
                return _failed(row_id, refusal.code, message)
            return _again(
                row_id, refusal.code, message, attempts, refusal.retry, chance
            )
        case _:
            return _again(row_id, error.code, str(error), attempts, SOON, chance)


def outcome_of_slow_file(row_id: str) -> OutboxResult:
    """A row that waits outside for its file: no attempt is counted, nobody is paused."""
    sentence = "Its file is still being fetched, converted or uploaded."
    return _outside(row_id, FILE_ON_ITS_WAY, sentence, SLOW_FILE)


def _outside(
    row_id: str, code: str, message: str, retry_after: timedelta
) -> OutboxResult:
    """It is no fault of the row's: however long it waits, it keeps its attempts."""
    return OutboxResult(
        id=row_id,
        outcome=Outcome.PAUSED,
        code=code,
        message=message,
        retry_after=retry_after,
    )


def outcome_of_vanished(row_id: str, attempts: int) -> OutboxResult:
    """Decide about a row that surely was not begun, though its worker broke off over it.

    It keeps its place in the queue; but a row that breaks every worker has an end.
    """
    message = f"The session broke off {attempts} time(s) before this was sent."
    if attempts >= MOST_ATTEMPTS:
        return _failed(row_id, SendFailed.code, message)
    return OutboxResult(
        id=row_id,
        outcome=Outcome.RETRY,
        code=SendFailed.code,
        message=message,
        retry_after=timedelta(0),
    )


def outcome_in_short(result: OutboxResult) -> OutboxResult:
    """What can be stored of a result of which something cannot: did it perhaps leave?"""
    left = result.outcome in (
        Outcome.SENT,
        Outcome.AWAITING_RECEIPT,
        Outcome.UNCERTAIN,
    )
    return OutboxResult(
        id=result.id,
        outcome=Outcome.UNCERTAIN if left else Outcome.FAILED,
        code=SendUncertain.code if left else SendFailed.code,
        message="What became of it could not be stored: report it.",
        claim=result.claim,
    )


def _failed(row_id: str, code: str, message: str) -> OutboxResult:
    return OutboxResult(id=row_id, outcome=Outcome.FAILED, code=code, message=message)


def _again(
    row_id: str, code: str, message: str, attempts: int, first: timedelta, chance: float
) -> OutboxResult:
    if attempts >= MOST_ATTEMPTS:
        return _failed(row_id, code, message)
    return OutboxResult(
        id=row_id,
        outcome=Outcome.RETRY,
        code=code,
        message=message,
        retry_after=ever_later(first, attempts, chance, LONGEST_RETRY),
    )


def _paused(
    row_id: str, code: str, message: str, pause: Pause, earlier: int
) -> OutboxResult:
    lasting = min(pause.lasting * 2 ** min(earlier, 10), LONGEST_PAUSE)
    return OutboxResult(
        id=row_id,
        outcome=Outcome.PAUSED,
        code=code,
        message=message,
        # The row waits as long itself: that its chat is an old one does not let it pass.
        retry_after=lasting,
        pause=Pause(scope=pause.scope, lasting=lasting),
    )
