"""What a failed send leads to: one table for everything WhatsApp's server can answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from connector.domain.outgoing.results import OutboxResult, Outcome
from connector.errors import (
    InvalidAddress,
    InvalidPayload,
    NotConnected,
    RecipientUnknown,
    SendFailed,
    SendRefused,
)

MOST_ATTEMPTS: Final = 5


@dataclass(frozen=True, slots=True)
class Refusal:
    """What one error code of WhatsApp's server means for the row."""

    code: str
    sentence: str
    retry_after: timedelta | None = None  # None: it can never succeed


# Codes as whatsmeow and its users report them; see docs/errors.md for the sources.
REFUSALS: Final[Mapping[int, Refusal]] = {
    400: Refusal("refused_malformed", "WhatsApp called the message malformed."),
    402: Refusal(
        "restricted",
        "WhatsApp has restricted this number for now.",
        timedelta(hours=1),
    ),
    403: Refusal("refused_forbidden", "This number may not write to that chat."),
    404: Refusal("chat_not_found", "That chat does not exist."),
    420: Refusal("throttled", "WhatsApp asks to slow down.", timedelta(minutes=10)),
    429: Refusal("throttled", "WhatsApp asks to slow down.", timedelta(minutes=10)),
    463: Refusal(
        "timelocked",
        "WhatsApp does not let this number start new conversations for now.",
        timedelta(hours=1),
    ),
    479: Refusal("refused_malformed", "WhatsApp called the message malformed."),
    500: Refusal("server_error", "WhatsApp's server failed.", timedelta(seconds=15)),
    503: Refusal("server_error", "WhatsApp's server failed.", timedelta(seconds=15)),
}
UNKNOWN_REFUSAL: Final = Refusal(
    "refused", "WhatsApp refused the message.", timedelta(minutes=1)
)


def outcome_of_invalid(
    row_id: str, error: InvalidAddress | InvalidPayload
) -> OutboxResult:
    code = error.reason if isinstance(error, InvalidPayload) else error.code
    return OutboxResult(
        id=row_id, outcome=Outcome.FAILED, code=code, message=str(error)
    )


def outcome_of_failure(row_id: str, attempts: int, error: SendFailed) -> OutboxResult:
    """Decide what a send that surely did not happen leads to.

    `attempts` counts this one. Uncertain sends are not decided here: the device's own
    store knows whether they were begun.
    """
    match error:
        case NotConnected():
            return OutboxResult(id=row_id, outcome=Outcome.RELEASED)
        case RecipientUnknown():
            return OutboxResult(
                id=row_id,
                outcome=Outcome.FAILED,
                code=error.code,
                message=str(error),
            )
        case SendRefused():
            refusal = REFUSALS.get(error.server_code, UNKNOWN_REFUSAL)
            return _refused(row_id, attempts, refusal, error.server_code)
        case _:
            passing = Refusal(error.code, str(error), timedelta(seconds=15))
            return _refused(row_id, attempts, passing, None)


def outcome_of_vanished(row_id: str, attempts: int) -> OutboxResult:
    """Decide about a row that surely was not begun, though its worker broke off over it.

    It keeps its place in the queue; but a row that breaks every worker has an end.
    """
    final = attempts >= MOST_ATTEMPTS
    return OutboxResult(
        id=row_id,
        outcome=Outcome.FAILED if final else Outcome.RETRY,
        code=SendFailed.code,
        message=f"The session broke off {attempts} time(s) before this was sent.",
        retry_after=None if final else timedelta(0),
    )


def _refused(
    row_id: str, attempts: int, refusal: Refusal, server_code: int | None
) -> OutboxResult:
    number = "" if server_code is None else f" (server code {server_code})"
    final = refusal.retry_after is None or attempts >= MOST_ATTEMPTS
    return OutboxResult(
        id=row_id,
        outcome=Outcome.FAILED if final else Outcome.RETRY,
        code=refusal.code,
        message=f"{refusal.sentence.removesuffix('.')}{number}.",
        retry_after=None if final else refusal.retry_after,
    )
