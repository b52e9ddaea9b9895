"""Messages in messages: what WhatsApp wraps around what somebody said."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from connector.adapters.whatsapp.protobufs import e2e

_DEEPEST: Final = 6
_VIEW_ONCE: Final = frozenset(
    {"viewOnceMessage", "viewOnceMessageV2", "viewOnceMessageV2Extension"}
)
# Whatever WhatsApp adds comes as a FutureProofMessage, so that old clients see through.
_WRAPPERS: Final = frozenset(
    field.name
    for field in e2e.Message.DESCRIPTOR.fields
    if field.message_type is not None
    and field.message_type.name in {"FutureProofMessage", "DeviceSentMessage"}
)


@dataclass(slots=True)
class Unwrapped:
    """The innermost message: its fields, and what the wrapping said of it."""

    message: Any
    fields: Sequence[tuple[Any, Any]]
    view_once: bool = False
    context: Any = None  # the innermost waE2E.MessageContextInfo


def unwrap(message: Any) -> Unwrapped | None:
    """Find what was said; None when it is wrapped deeper than in good faith."""
    found = Unwrapped(message, ())
    for _ in range(_DEEPEST):
        found.message = message
        found.fields = message.ListFields()
        inner = None
        for descriptor, value in found.fields:
            name = descriptor.name
            if name == "messageContextInfo":
                found.context = value
            elif name in _WRAPPERS and inner is None and value.HasField("message"):
                found.view_once = found.view_once or name in _VIEW_ONCE
                inner = value.message
        if inner is None:
            return found
        message = inner
    return None
