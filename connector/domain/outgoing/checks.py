"""Where a row goes. What it holds is read by connector/payloads."""

from __future__ import annotations

import re
from typing import Final

from connector.domain.addresses import GROUP_SERVER, LID_SERVER, PHONE_SERVER, Jid
from connector.errors import InvalidAddress

LONGEST_RECIPIENT: Final = 100  # characters; the database finds no chat for longer ones
# People and groups. Not "broadcast": a status would go to everybody the number knows.
SENDABLE_SERVERS: Final = frozenset({PHONE_SERVER, LID_SERVER, GROUP_SERVER})
_UUID: Final = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


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
