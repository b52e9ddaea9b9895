"""Where a row goes, and whether its text can be sent."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Final

from connector.domain.addresses import GROUP_SERVER, LID_SERVER, PHONE_SERVER, Jid
from connector.domain.messages import Json
from connector.domain.outgoing.content import OutgoingContent, OutgoingText
from connector.errors import InvalidAddress, InvalidPayload

# WhatsApp cuts longer texts off, or drops them, depending on the recipient's app.
LONGEST_TEXT: Final = 65_536
LONGEST_RECIPIENT: Final = 100  # characters; the database finds no chat for longer ones
# People and groups. Not "broadcast": a status would go to everybody the number knows.
SENDABLE_SERVERS: Final = frozenset({PHONE_SERVER, LID_SERVER, GROUP_SERVER})


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
