"""Cuts one message out of a history event, as a history event of its own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from google.protobuf.message import DecodeError

from connector.adapters.whatsapp import identity
from connector.adapters.whatsapp.history_chunk import split, wrapped
from connector.adapters.whatsapp.protobufs import history
from connector.domain.addresses import Jid
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
        messages, rest = split(conversation, _MESSAGES)
        if _is_of(rest, chat):
            for message in messages:
                if _is_named(message, whatsapp_id):
                    alone = rest + wrapped(_MESSAGES, bytes(message))
                    return wrapped(_DATA, wrapped(_CONVERSATIONS, alone))
    return None


def _conversations(raw: bytes) -> Iterator[memoryview]:
    sync = b"".join(split(raw, _DATA).parts)
    yield from split(sync, _CONVERSATIONS).parts


def _is_of(conversation: bytes, chat: Chat) -> bool:
    try:
        told = history.Conversation.FromString(conversation)
    except DecodeError:
        return False
    addresses: set[Jid | None] = {
        identity.address(text) for text in (told.ID, told.lidJID, told.pnJID)
    }
    return chat.jid in addresses or (chat.alias is not None and chat.alias in addresses)


def _is_named(message: memoryview, whatsapp_id: str) -> bool:
    try:
        told = history.HistorySyncMsg.FromString(bytes(message))
    except DecodeError:
        return False
    return bool(whatsapp_id == told.message.key.ID)
