"""Status updates: to everybody who has the poster in their address book."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Unpack

from devstack.whatsapp import context, sending
from devstack.whatsapp.context import How
from devstack.whatsapp.messages import Letter, SentMessage, new_message_id, text_of
from devstack.whatsapp.network import unix
from devstack.whatsapp.verbs.speaking import Speaker
from devstack.whatsapp.wire.protobufs import E2E

if TYPE_CHECKING:
    from devstack.whatsapp.people import Person


class Broadcaster(Speaker):
    async def posts_status(
        self,
        content: str | E2E.Message,
        seen_by: Iterable[Person] | None = None,
        **how: Unpack[How],
    ) -> SentMessage:
        """To `seen_by`, or to whoever saved this person, and to their own devices."""
        person = self._self
        message = context.copied(content)
        context.accompany(message, how)
        letter = Letter(
            message=message,
            whatsapp_id=how.get("whatsapp_id") or new_message_id(),
            at=unix(how.get("at")),
        )
        audience = list(person.saved_by if seen_by is None else seen_by)
        sending.post_status(self.phone.device, [*audience, person], letter)
        self._network.happenings.note()
        text = text_of(message)
        return SentMessage(letter.whatsapp_id, person, person, text, letter.at, message)
