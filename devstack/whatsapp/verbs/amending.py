"""What changes another message: reactions, edits, deletions, pins, timers."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Unpack

from devstack.whatsapp import context
from devstack.whatsapp.context import How, Said
from devstack.whatsapp.groups import Group
from devstack.whatsapp.message_secrets import sealed
from devstack.whatsapp.messages import SentMessage
from devstack.whatsapp.network import unix, unix_milliseconds, unix_now
from devstack.whatsapp.verbs.speaking import Speaker
from devstack.whatsapp.wire.protobufs import E2E, Common

if TYPE_CHECKING:
    from devstack.whatsapp.people import Person

Protocol = E2E.ProtocolMessage
A_WEEK = timedelta(days=7)


class Amender(Speaker):
    async def reacts(
        self, said: Said, emoji: str, *, encrypted: bool = False, **how: Unpack[How]
    ) -> SentMessage:
        """An empty emoji takes it back. Announcement groups of communities encrypt."""
        key, chat = self._key(said, how)
        reaction = E2E.ReactionMessage(text=emoji, senderTimestampMS=_milliseconds(how))
        message = E2E.Message()
        if encrypted:
            plain = reaction.SerializeToString()
            addressing = context.addressing_in(chat, how)
            box = sealed(plain, said, self._self, "Enc Reaction", addressing)
            message.encReactionMessage.CopyFrom(
                E2E.EncReactionMessage(
                    targetMessageKey=key, encPayload=box.payload, encIV=box.iv
                )
            )
        else:
            reaction.key.CopyFrom(key)
            message.reactionMessage.CopyFrom(reaction)
        return await self._tell(chat, message, how)

    async def edits(
        self,
        said: Said,
        text: str | E2E.Message,
        *,
        encrypted: bool = False,
        **how: Unpack[How],
    ) -> SentMessage:
        """A new version of one's own message, under an id of its own."""
        key, chat = self._key(said, how)
        edit = E2E.Message(
            protocolMessage=Protocol(
                type=Protocol.MESSAGE_EDIT,
                key=key,
                editedMessage=context.copied(text),
                timestampMS=_milliseconds(how),
            )
        )
        message = E2E.Message()
        if encrypted:
            addressing = context.addressing_in(chat, how)
            plain = edit.SerializeToString()
            box = sealed(plain, said, self._self, "Message Edit", addressing)
            message.secretEncryptedMessage.CopyFrom(
                E2E.SecretEncryptedMessage(
                    targetMessageKey=key,
                    encPayload=box.payload,
                    encIV=box.iv,
                    secretEncType=E2E.SecretEncryptedMessage.MESSAGE_EDIT,
                )
            )
        else:
            message.editedMessage.message.CopyFrom(edit)
        return await self._tell(chat, message, how)

    async def deletes(self, said: Said, **how: Unpack[How]) -> SentMessage:
        """For everyone: one's own message, or as a group's admin anybody's."""
        key, chat = self._key(said, how)
        revocation = Protocol(type=Protocol.REVOKE, key=key)
        return await self._tell(chat, E2E.Message(protocolMessage=revocation), how)

    async def pins_message(
        self, said: Said, *, lasting: timedelta = A_WEEK, **how: Unpack[How]
    ) -> SentMessage:
        """To the top of the chat, for everyone. No time at all takes it down."""
        key, chat = self._key(said, how)
        kinds = E2E.PinInChatMessage
        message = E2E.Message(
            pinInChatMessage=E2E.PinInChatMessage(
                key=key,
                type=kinds.PIN_FOR_ALL if lasting else kinds.UNPIN_FOR_ALL,
                senderTimestampMS=_milliseconds(how),
            )
        )
        seconds = int(lasting.total_seconds())
        message.messageContextInfo.messageAddOnDurationInSecs = seconds
        return await self._tell(chat, message, how)

    async def sets_timer(
        self, chat: Person | Group, lasting: timedelta, **how: Unpack[How]
    ) -> SentMessage | None:
        """Messages disappear from now on; after no time at all, no longer.

        A group is told by a notification, so there is no message then.
        """
        seconds = int(lasting.total_seconds())
        if isinstance(chat, Group):
            chat.sets_timer(lasting, by=self._self)
            return None
        set_at = unix_now()
        setting = Protocol(
            type=Protocol.EPHEMERAL_SETTING,
            ephemeralExpiration=seconds,
            ephemeralSettingTimestamp=set_at,
        )
        self._network.timers.set(self._self, chat, (seconds, set_at))
        return await self._tell(chat, E2E.Message(protocolMessage=setting), how)

    def _key(self, said: Said, how: How) -> tuple[Common.MessageKey, Person | Group]:
        chat = context.chat_of(self._self, said)
        return context.key_for(self._self, said, context.addressing_in(chat, how)), chat


def _milliseconds(how: How) -> int:
    at = how.get("at")
    return unix(at) * 1000 if at else unix_milliseconds()
