"""Words: plain, with a link, in reply, with mentions, passed on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Unpack, cast

from devstack.whatsapp import context, sending
from devstack.whatsapp.context import How, Said
from devstack.whatsapp.groups import Group
from devstack.whatsapp.messages import (
    Failing,
    Letter,
    SentMessage,
    new_message_id,
    text_message,
    text_of,
)
from devstack.whatsapp.network import Network, unix
from devstack.whatsapp.timers import Timer
from devstack.whatsapp.wire.protobufs import E2E

if TYPE_CHECKING:
    from devstack.whatsapp.people import Person
    from devstack.whatsapp.phone import Phone

# The smallest JPEG there is: what previews look like in this world.
THUMBNAIL = bytes.fromhex(
    "ffd8ffdb004300030202020202030202020303030304060404040404080606050609080a0a090809"
    "090a0c0f0c0a0b0e0b09090d110d0e0f101011100a0c12131210130f101010ffc9000b0800010001"
    "01011100ffcc000600101005ffda0008010100003f00d2cf20ffd9"
)


class Speaker:
    """The verbs that send text; what other verbs send goes through here as well."""

    _network: Network
    phone: Phone

    @property
    def _self(self) -> Person:
        """This is one part of a Person, and never anything else."""
        return cast("Person", self)

    async def sends(
        self,
        to: Person | Group,
        letter: Letter,
        *,
        addressing: context.Addressing = "lid",
    ) -> SentMessage:
        """Any message at all, with full control over its outside."""
        device = self.phone.device
        timer = self._timer_in(to)
        if timer is not None:
            context.let_expire(letter.message, *timer)
        if isinstance(to, Group):
            sending.post_to_group(device, to, letter)
        else:
            sending.post_direct(device, to, letter, addressing)
        self._network.happenings.note()
        return SentMessage(
            letter.whatsapp_id,
            self._self,
            to,
            text_of(letter.message),
            letter.at,
            letter.message,
        )

    def _timer_in(self, chat: Person | Group) -> Timer | None:
        if isinstance(chat, Group):
            return chat.timer
        return self._network.timers.between(self._self, chat)

    async def sends_raw(
        self,
        to: Person | Group,
        message: E2E.Message,
        *,
        failing: Failing | None = None,
        **how: Unpack[How],
    ) -> SentMessage:
        """Any message; its stanza's type and attributes follow from it."""
        return await self._tell(to, context.copied(message), how, failing)

    async def _tell(
        self,
        to: Person | Group,
        message: E2E.Message,
        how: How,
        failing: Failing | None = None,
    ) -> SentMessage:
        context.accompany(message, how)
        letter = Letter(
            message=message,
            whatsapp_id=how.get("whatsapp_id") or new_message_id(),
            at=unix(how.get("at")),
            failing=failing,
        )
        return await self.sends(to, letter, addressing=how.get("addressing", "lid"))

    async def says(
        self, to: Person | Group, text: str, **how: Unpack[How]
    ) -> SentMessage:
        """Type a text on the phone; everyone concerned has it, or will."""
        return await self._tell(to, text_message(text), how)

    async def sends_link(
        self,
        to: Person | Group,
        text: str,
        *,
        url: str,
        title: str,
        description: str = "",
        **how: Unpack[How],
    ) -> SentMessage:
        """A text with the preview of a page."""
        preview = E2E.ExtendedTextMessage(
            text=text,
            matchedText=url,
            title=title,
            description=description,
            JPEGThumbnail=THUMBNAIL,
        )
        return await self._tell(to, E2E.Message(extendedTextMessage=preview), how)

    async def replies(
        self, to: Person | Group, said: Said, text: str, **how: Unpack[How]
    ) -> SentMessage:
        """Answer a message, quoting it."""
        how["quoting"] = said
        return await self.says(to, text, **how)

    async def mentions(
        self, to: Person | Group, text: str, *people: Person, **how: Unpack[How]
    ) -> SentMessage:
        """A text that names people; it says `@` and their number or LID itself."""
        how["mentioning"] = people
        return await self.says(to, text, **how)

    async def forwards(
        self, to: Person | Group, said: Said, *, times: int = 1, **how: Unpack[How]
    ) -> SentMessage:
        """Pass a message on, files included; five times or more is "many times"."""
        how["forwarded"] = times
        return await self._tell(to, context.quotable(said.message), how)

    async def garbles(
        self,
        to: Person | Group,
        text: str,
        *,
        hidden: bool = False,
        answers: bool = True,
        **how: Unpack[How],
    ) -> SentMessage:
        """A text that linked devices cannot decrypt at first.

        Their retry receipt brings it again, readable, under the same id; not so when
        it `answers` none, until `resends`. Of a `hidden` one nothing is to be shown.
        """
        failing = Failing(garbled=True, hidden=hidden, answers=answers)
        return await self._tell(to, text_message(text), how, failing)

    async def resends(self, sent: SentMessage) -> None:
        """Once more to every linked device, readable and with the same id."""
        device = self.phone.device
        others = sent.chat.linked_devices
        for linked in [*others, *self._self.linked_devices]:
            device.post_again(linked, sent.whatsapp_id, 1, unasked=True)
