"""How much memory a decoded item takes, roughly: batches are bounded by it."""

from __future__ import annotations

from typing import Final

from connector.domain.chats import Roster
from connector.domain.incoming import Incoming
from connector.domain.messages import Message, Receipt

_ROW: Final = 300  # bytes, of whatever is short
_MEMBER: Final = 50  # or somebody mentioned


def weight(item: Incoming) -> int:
    match item:
        case Message(body=body, content=content, attachment=file):
            text = len(body) if body else 0
            extra = len(repr(content)) if content else 0
            picture = len(file.thumbnail) if file and file.thumbnail else 0
            return _ROW + text + extra + picture + _MEMBER * len(item.mentions)
        case Receipt(whatsapp_ids=ids):
            return _ROW * len(ids)
        case Roster(members=members):
            return _ROW + _MEMBER * len(members)
        case _:
            return _ROW
