"""Messages as people know them: what was said, and what was heard."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from devstack.whatsapp.network import unix_now
from devstack.whatsapp.stanza_kinds import PLAIN_TEXT, Outside
from devstack.whatsapp.wire.protobufs import E2E

if TYPE_CHECKING:
    from devstack.whatsapp.groups import Group
    from devstack.whatsapp.people import Person


@dataclass(frozen=True, slots=True, kw_only=True)
class Failing:
    """What is wrong with a message for linked devices; phones we play can read it."""

    garbled: bool = False  # the ciphertext does not decrypt
    hidden: bool = False  # decrypt-fail="hide": nothing is to be shown in its place
    answers: bool = True  # a retry receipt brings it once more, readable
    unavailable: str | None = None  # not for this device at all, such as "view_once"


def new_message_id() -> str:
    """As a phone begins its ids; those of linked clients begin with 3EB0."""
    return "3A" + secrets.token_hex(9).upper()


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
    # These three follow from the message unless they are given.
    type: str | None = None  # text, media, reaction or poll
    media_type: str | None = None  # image, video, … of the <enc>
    attributes: Mapping[str, str] = field(default_factory=dict)  # such as edit
    failing: Failing | None = None  # what linked devices cannot read of it


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
    outside: Outside = PLAIN_TEXT  # what the stanza said of it
