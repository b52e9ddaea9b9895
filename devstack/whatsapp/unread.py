"""What a phone's owner has yet to read, chat by chat."""

from __future__ import annotations

from typing import TYPE_CHECKING

from devstack.whatsapp import stanza_kinds
from devstack.whatsapp.groups import Group
from devstack.whatsapp.messages import HeardMessage, SentMessage

if TYPE_CHECKING:
    from devstack.whatsapp.people import Person


class Unread:
    """Remembers how far each chat was read."""

    def __init__(self) -> None:
        self._read: set[str] = set()  # ids of messages

    def take(
        self,
        chat: Person | Group,
        heard: list[HeardMessage],
        up_to: HeardMessage | SentMessage | None,
    ) -> list[HeardMessage]:
        """What is read now: all of the chat that was not, or up to one message.

        Reactions, edits and deletions are nothing to be read by themselves.
        """
        taken = []
        for message in heard:
            if message.chat is not chat or stanza_kinds.hides_failure(message.message):
                continue
            if message.whatsapp_id not in self._read:
                self._read.add(message.whatsapp_id)
                taken.append(message)
            if up_to is not None and message.whatsapp_id == up_to.whatsapp_id:
                break
        return taken
