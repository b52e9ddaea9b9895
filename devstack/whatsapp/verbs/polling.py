"""Polls and events, and how people answer them."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Literal, Unpack

from devstack.whatsapp import context
from devstack.whatsapp.context import How, Said
from devstack.whatsapp.message_secrets import sealed
from devstack.whatsapp.messages import SentMessage
from devstack.whatsapp.network import unix, unix_milliseconds
from devstack.whatsapp.verbs.speaking import Speaker
from devstack.whatsapp.wire.protobufs import E2E

if TYPE_CHECKING:
    from devstack.whatsapp.groups import Group
    from devstack.whatsapp.people import Person


def poll_message(
    question: str, options: Sequence[str], selectable: int = 1
) -> E2E.Message:
    """One choice travels as the third version, several as the first: as on WhatsApp."""
    poll = E2E.PollCreationMessage(
        name=question,
        options=[E2E.PollCreationMessage.Option(optionName=name) for name in options],
        selectableOptionsCount=selectable,
    )
    message = E2E.Message()
    if selectable == 1:
        message.pollCreationMessageV3.CopyFrom(poll)
    else:
        message.pollCreationMessage.CopyFrom(poll)
    context.add_secret(message)
    return message


def vote_for(options: Sequence[str]) -> E2E.PollVoteMessage:
    hashes = [hashlib.sha256(option.encode()).digest() for option in options]
    return E2E.PollVoteMessage(selectedOptions=hashes)


class Pollster(Speaker):
    async def polls(
        self,
        to: Person | Group,
        question: str,
        options: Sequence[str],
        selectable: int = 1,
        **how: Unpack[How],
    ) -> SentMessage:
        """`selectable` is how many may be chosen; 0 is any number."""
        message = poll_message(question, options, selectable)
        return await self._tell(to, message, how)

    async def votes(self, poll: Said, *options: str, **how: Unpack[How]) -> SentMessage:
        """Replaces one's earlier vote; without options it is taken back."""
        chat = context.chat_of(self._self, poll)
        addressing = context.addressing_in(chat, how)
        plain = vote_for(options).SerializeToString()
        box = sealed(plain, poll, self._self, "Poll Vote", addressing)
        update = E2E.PollUpdateMessage(
            pollCreationMessageKey=context.key_for(self._self, poll, addressing),
            vote=E2E.PollEncValue(encPayload=box.payload, encIV=box.iv),
            senderTimestampMS=unix_milliseconds(),
        )
        return await self._tell(chat, E2E.Message(pollUpdateMessage=update), how)

    async def invites_to_event(
        self,
        to: Person | Group,
        name: str,
        *,
        begins: datetime,
        description: str = "",
        place: str = "",
        **how: Unpack[How],
    ) -> SentMessage:
        event = E2E.EventMessage(
            name=name, description=description, startTime=unix(begins)
        )
        if place:
            event.location.name = place
        message = E2E.Message(eventMessage=event)
        context.add_secret(message)
        return await self._tell(to, message, how)

    async def answers_event(
        self,
        event: Said,
        answer: Literal["GOING", "NOT_GOING", "MAYBE"] = "GOING",
        **how: Unpack[How],
    ) -> SentMessage:
        chat = context.chat_of(self._self, event)
        addressing = context.addressing_in(chat, how)
        response = E2E.EventResponseMessage(
            response=E2E.EventResponseMessage.EventResponseType.Value(answer),
            timestampMS=unix_milliseconds(),
        )
        plain = response.SerializeToString()
        box = sealed(plain, event, self._self, "Event Response", addressing)
        encrypted = E2E.EncEventResponseMessage(
            eventCreationMessageKey=context.key_for(self._self, event, addressing),
            encPayload=box.payload,
            encIV=box.iv,
        )
        return await self._tell(
            chat, E2E.Message(encEventResponseMessage=encrypted), how
        )
