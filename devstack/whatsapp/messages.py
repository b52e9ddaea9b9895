"""Messages as people know them: what was said, and what was heard."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from devstack.whatsapp.network import unix_now
from devstack.whatsapp.wire.protobufs import E2E

if TYPE_CHECKING:
    from devstack.whatsapp.groups import Group
    from devstack.whatsapp.people import Person


def new_message_id() -> str:
    return "3EB0" + secrets.token_hex(9).upper()


def text_message(text: str) -> E2E.Message:
    return E2E.Message(conversation=text)


def text_of(message: E2E.Message) -> str:
    """The words in a message, whichever of the two kinds of text carries them."""
    return message.conversation or message.extendedTextMessage.text


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """A message on its way out, before it is encrypted for each device."""

    message: E2E.Message
    whatsapp_id: str = field(default_factory=new_message_id)
    at: int = field(default_factory=unix_now)  # Unix seconds
    type: str = "text"  # text, media, reaction or poll
    media_type: str | None = None  # image, video, … of the <enc>
    attributes: Mapping[str, str] = field(default_factory=dict)  # such as edit


@dataclass(frozen=True, slots=True)
class SentMessage:
    """What a person said, as the sender knows it."""

    id: str
    sender: Person
    chat: Person | Group
    text: str
    at: int  # Unix seconds
    message: E2E.Message

    @property
    def whatsapp_id(self) -> str:
        return self.id


@dataclass(frozen=True, slots=True)
class HeardMessage:
    """What a person's phone decrypted. `chat` is the other person, or the group."""

    sender: Person
    whatsapp_id: str
    text: str
    chat: Person | Group
    message: E2E.Message
    sender_device: int = 0
    device: int = 0  # whose decryption this is; 0 is the phone
