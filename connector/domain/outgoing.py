"""What becomes of an outbox row: checked, sent, tried again, or given up with a reason.

    queued -> claimed -> sending -> sent
                 |          |-> failed      a stable code and a sentence
                 |          |-> uncertain   begun, and no receipt in two minutes
                 +-- queued <-+             never begun, or refused for now

Every failure code stands in docs/errors.md.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, TypeAlias

from connector.domain.addresses import GROUP_SERVER, LID_SERVER, PHONE_SERVER, Jid
from connector.domain.messages import Json
from connector.errors import (
    InvalidAddress,
    InvalidPayload,
    NotConnected,
    RecipientUnknown,
    SendFailed,
    SendRefused,
)

# WhatsApp cuts longer texts off, or drops them, depending on the recipient's app.
LONGEST_TEXT: Final = 65_536
LONGEST_RECIPIENT: Final = 100  # characters; the database finds no chat for longer ones
# People and groups. Not "broadcast": a status would go to everybody the number knows.
SENDABLE_SERVERS: Final = frozenset({PHONE_SERVER, LID_SERVER, GROUP_SERVER})
MOST_ATTEMPTS: Final = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class OutgoingText:
    """A plain text; WhatsApp's own marks (*bold*, _italic_) pass through."""

    text: str


OutgoingContent: TypeAlias = OutgoingText  # a union, once there are more kinds


class Outcome(enum.StrEnum):
    """How one claimed row ended."""

    SENT = "sent"
    FAILED = "failed"
    RETRY = "retry"  # back to queued, after `retry_after`
    AWAITING_RECEIPT = "awaiting_receipt"  # begun, id known; a receipt settles it
    UNCERTAIN = "uncertain"
    RELEASED = "released"  # never begun: back to queued, no attempt counted


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboxResult:
    """What to record for one row of `wa_outbox`."""

    id: str
    outcome: Outcome
    whatsapp_id: str | None = None
    sent_at: datetime | None = None
    code: str | None = None
    message: str | None = None
    retry_after: timedelta | None = None

    @property
    def lost_its_worker(self) -> bool:
        """Whether the connection went away, so that rows behind it were not begun."""
        return self.outcome is Outcome.RELEASED or (
            self.outcome is Outcome.RETRY and not self.retry_after
        )


# --- Checking a row -----------------------------------------------------------------


def recipient(to: str, chat_jid: str | None) -> Jid:
    """Where a row goes: the chat the database resolved, or what `to` says.

    Raises InvalidAddress.
    """
    if chat_jid is None and len(to) > LONGEST_RECIPIENT:
        raise InvalidAddress
    text = chat_jid or to.strip()
    if "@" in text:
        jid = Jid.parse(text)
        if jid.server not in SENDABLE_SERVERS:
            raise InvalidAddress
        return jid
    if _UUID.fullmatch(text):
        raise InvalidAddress("to is not the id of a chat of this session.")
    return Jid.of_phone(text)


def content(kind: str, payload: Json) -> OutgoingContent:
    """Read what a row wants to send.

    Raises InvalidPayload naming the field and the cure.
    """
    read = _READERS.get(kind)
    if read is None:
        known = ", ".join(sorted(_READERS))
        raise InvalidPayload(f"kind must be one of: {known}.", code="unknown_kind")
    if not isinstance(payload, Mapping):
        raise InvalidPayload("payload must be a JSON object.")
    return read(payload)


def _text(payload: Mapping[str, Json]) -> OutgoingText:
    text = payload.get("text")
    if not isinstance(text, str):
        raise InvalidPayload("payload.text must be a string.")
    if not text.strip():
        raise InvalidPayload(
            "payload.text is empty: write at least one character.", code="text_empty"
        )
    if len(text) > LONGEST_TEXT:
        raise InvalidPayload(
            f"payload.text has {len(text):,} characters: at most {LONGEST_TEXT:,} "
            "can be sent in one message.",
            code="text_too_long",
        )
    return OutgoingText(text=text)


_UUID: Final = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_READERS: Final[Mapping[str, Callable[[Mapping[str, Json]], OutgoingContent]]] = {
    "text": _text,
}


# --- Classifying a failure ----------------------------------------------------------


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
