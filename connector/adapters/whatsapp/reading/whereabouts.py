"""Where a live event belongs: its chat and its sender, as neonize's MessageSource says."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from connector.adapters.whatsapp import identity
from connector.adapters.whatsapp.reading.rules import ReadingRules
from connector.domain.addresses import Jid
from connector.domain.messages import Chat, Person

MOST_RECIPIENTS: Final = 256  # of a broadcast list, as WhatsApp allows


@dataclass(frozen=True, slots=True)
class Whereabouts:
    chat: Chat
    sender: Person


def whereabouts(source: Any, rules: ReadingRules) -> Whereabouts | None:
    """None when it is not for people, or not wanted. Raises InvalidAddress."""
    jid = identity.jid_of(source.Chat)
    sender = identity.person(
        identity.jid_of(source.Sender), identity.jid_of(source.SenderAlt)
    )
    if jid is None or sender is None:
        return None
    chat = _chat(source, jid, sender, rules)
    return None if chat is None else Whereabouts(chat, sender)


def everywhere(source: Any, rules: ReadingRules) -> Iterator[Whereabouts]:
    """The same of a message: ours to a broadcast list is in several chats at once."""
    where = whereabouts(source, rules)
    if where is not None:
        yield where
    elif source.IsFromMe and source.Chat.Server == identity.BROADCAST_SERVER:
        sender = identity.person(identity.jid_of(source.Sender))
        for one in source.BroadcastRecipients[:MOST_RECIPIENTS]:
            other = identity.person(identity.jid_of(one.LID), identity.jid_of(one.PN))
            if sender is not None and other is not None:
                yield Whereabouts(identity.direct_chat(other), sender)


def _chat(source: Any, jid: Jid, sender: Person, rules: ReadingRules) -> Chat | None:
    if (shared := shared_chat(jid, rules)) is not None:
        return shared
    if is_ignored(jid, rules):
        return None
    if jid.server == identity.BROADCAST_SERVER:
        # To whoever gets it, a broadcast is a direct message; the list is no chat.
        return None if source.IsFromMe else identity.direct_chat(sender)
    other = source.RecipientAlt if source.IsFromMe else source.SenderAlt
    counterpart = identity.person(jid, identity.jid_of(other))
    return None if counterpart is None else identity.direct_chat(counterpart)


def shared_chat(jid: Jid, rules: ReadingRules, name: str | None = None) -> Chat | None:
    """A group, the status updates or a newsletter; None for others and unwanted ones."""
    if jid.is_group:
        return identity.group_chat(jid, name)
    if is_ignored(jid, rules):
        return None
    if jid == identity.STATUS:
        return identity.status_chat()
    if jid.server == identity.NEWSLETTER_SERVER:
        return identity.newsletter_chat(jid, name)
    return None


def is_ignored(jid: Jid, rules: ReadingRules) -> bool:
    if jid == identity.STATUS:
        return rules.ignore_status
    return jid.server == identity.NEWSLETTER_SERVER and rules.ignore_newsletters
