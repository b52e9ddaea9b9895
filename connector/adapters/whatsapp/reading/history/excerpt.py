"""Cuts one message out of a history event, as a history event of its own."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Final

from connector.adapters.whatsapp import identity
from connector.adapters.whatsapp.protobufs import history
from connector.adapters.whatsapp.reading.history.chunk import split, wrapped
from connector.adapters.whatsapp.reading.rules import SENSELESS
from connector.domain.changes import Edit, Reaction, Revocation, Vote
from connector.domain.incoming import Incoming
from connector.domain.messages import Chat, Message, Receipt

_DATA: Final = 1
_CONVERSATIONS: Final = history.HistorySync.CONVERSATIONS_FIELD_NUMBER
_MESSAGES: Final = history.Conversation.MESSAGES_FIELD_NUMBER


def excerpt(raw: bytes, item: Incoming) -> bytes | None:
    """Find the message that `item` was read from; None when it was none."""
    match item:
        case Message() | Edit() | Revocation() | Reaction() | Vote():
            chat, whatsapp_id = item.chat, item.whatsapp_id
        case Receipt(chat=chat, whatsapp_ids=(whatsapp_id, *_)):
            pass
        case _:
            return None
    for conversation in _conversations(raw):
        # What does not parse is not where a message was read from.
        with contextlib.suppress(*SENSELESS):
            alone = _cut_out(conversation, chat, whatsapp_id)
            if alone is not None:
                return wrapped(_DATA, wrapped(_CONVERSATIONS, alone))
    return None


def _conversations(raw: bytes) -> Iterator[memoryview]:
    sync = b"".join(split(raw, _DATA).parts)
    yield from split(sync, _CONVERSATIONS).parts


def _cut_out(conversation: memoryview, chat: Chat, whatsapp_id: str) -> bytes | None:
    messages, rest = split(conversation, _MESSAGES)
    if not _is_of(rest, chat):
        return None
    for message in messages:
        told = history.HistorySyncMsg.FromString(bytes(message))
        if whatsapp_id == told.message.key.ID:
            return rest + wrapped(_MESSAGES, bytes(message))
    return None


def _is_of(conversation: bytes, chat: Chat) -> bool:
    told = history.Conversation.FromString(conversation)
    addresses = {identity.address(text) for text in (told.ID, told.lidJID, told.pnJID)}
    return chat.jid in addresses or (chat.alias is not None and chat.alias in addresses)
