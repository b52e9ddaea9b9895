"""What may accompany any message: a quote, mentions, a timer, its being a forward."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Literal, TypeAlias, TypedDict

from devstack.whatsapp.groups import Group
from devstack.whatsapp.messages import HeardMessage, SentMessage, text_message
from devstack.whatsapp.stanza_kinds import unwrapped
from devstack.whatsapp.wire.nodes import Jid
from devstack.whatsapp.wire.protobufs import E2E, Common

if TYPE_CHECKING:
    from devstack.whatsapp.people import Person

Addressing: TypeAlias = Literal["lid", "pn"]
Said: TypeAlias = SentMessage | HeardMessage
SECRET_LENGTH = 32


class How(TypedDict, total=False):
    """What every verb that sends takes by name, all of it optional."""

    whatsapp_id: str | None
    at: datetime | None
    addressing: Addressing
    quoting: Said
    mentioning: Sequence[Person]
    forwarded: int  # how many times it was passed on already
    with_secret: bool  # a messageSecret, as newer phones add to everything


def context_of(message: E2E.Message) -> E2E.ContextInfo:
    """The place for it; a plain text becomes one that has such a place."""
    inner = unwrapped(message)
    if inner.HasField("conversation"):
        text = inner.conversation
        inner.ClearField("conversation")
        inner.extendedTextMessage.text = text
    for descriptor, value in inner.ListFields():
        if descriptor.message_type is None or descriptor.is_repeated:
            continue
        if "contextInfo" in descriptor.message_type.fields_by_name:
            context: E2E.ContextInfo = value.contextInfo
            return context
    raise ValueError("this kind of message carries no context")


def accompany(message: E2E.Message, how: How) -> None:
    """Put into a message what `how` says beyond its address and time."""
    addressing = how.get("addressing", "lid")
    if "quoting" in how:
        quote(message, how["quoting"], addressing)
    if "mentioning" in how:
        mention(message, how["mentioning"], addressing)
    if "forwarded" in how:
        context = context_of(message)
        context.isForwarded = True
        context.forwardingScore = how["forwarded"]
    if how.get("with_secret"):
        add_secret(message)


def quote(message: E2E.Message, said: Said, addressing: Addressing) -> None:
    context = context_of(message)
    context.stanzaID = said.whatsapp_id
    context.participant = str(address(said.sender, addressing))
    context.quotedMessage.CopyFrom(quotable(said.message))


def quotable(message: E2E.Message) -> E2E.Message:
    """A message as it looks inside a quote: without what accompanied it."""
    copy = E2E.Message()
    copy.CopyFrom(unwrapped(message))
    copy.ClearField("messageContextInfo")
    for descriptor, value in copy.ListFields():
        if descriptor.message_type is not None and not descriptor.is_repeated:
            fields = descriptor.message_type.fields_by_name
            if "contextInfo" in fields:
                value.ClearField("contextInfo")
    return copy


def mention(
    message: E2E.Message, people: Iterable[Person], addressing: Addressing
) -> None:
    jids = [str(address(person, addressing)) for person in people]
    context_of(message).mentionedJID.extend(jids)


def let_expire(message: E2E.Message, seconds: int, set_at: int) -> None:
    """Have it disappear; kinds without a place for that do so with what they change."""
    try:
        context = context_of(message)
    except ValueError:
        return
    context.expiration = seconds
    context.ephemeralSettingTimestamp = set_at


def add_secret(message: E2E.Message) -> None:
    message.messageContextInfo.messageSecret = os.urandom(SECRET_LENGTH)


def address(person: Person, addressing: Addressing) -> Jid:
    return person.lid if addressing == "lid" else person.jid


def addressing_in(chat: Person | Group, how: How) -> Addressing:
    """A group has its own; a direct chat goes by LID unless the story says so."""
    default = chat.addressing if isinstance(chat, Group) else "lid"
    return how.get("addressing", default)


def chat_of(speaker: Person, said: Said) -> Person | Group:
    """Where `speaker` has that message: the group, or the other person."""
    if isinstance(said.chat, Group):
        return said.chat
    return said.chat if said.sender is speaker else said.sender


def key_for(speaker: Person, said: Said, addressing: Addressing) -> Common.MessageKey:
    """A message's name in the mouth of `speaker`: `fromMe` is about the speaker."""
    chat = chat_of(speaker, said)
    in_group = isinstance(chat, Group)
    from_me = said.sender is speaker
    key = Common.MessageKey(
        remoteJID=str(
            chat.jid if isinstance(chat, Group) else address(chat, addressing)
        ),
        fromMe=from_me,
        ID=said.whatsapp_id,
    )
    if in_group and not from_me:
        key.participant = str(address(said.sender, addressing))
    return key


def copied(message: E2E.Message | str) -> E2E.Message:
    if isinstance(message, str):
        return text_message(message)
    copy = E2E.Message()
    copy.CopyFrom(message)
    return copy
