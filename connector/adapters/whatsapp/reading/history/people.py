"""Whom a chunk of history names: both addresses of people, and what they are called."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from connector.adapters.whatsapp import identity
from connector.adapters.whatsapp.bounds import LONGEST_NAME, clean
from connector.adapters.whatsapp.reading.history.chats import Chunk
from connector.domain.addresses import Jid
from connector.domain.chats import Profile

_NO_NAME: Final = "-"  # what phones send for a person without a push name


def aliases_in(sync: Any) -> Mapping[Jid, Jid]:
    """The other address of each, for those who turn up in this chunk."""
    aliases: dict[Jid, Jid] = {}
    for mapping in sync.phoneNumberToLidMappings:
        lid = identity.address(mapping.lidJID)
        phone = identity.address(mapping.pnJID)
        if lid is not None and phone is not None:
            aliases[lid], aliases[phone] = phone, lid
    return aliases


def profiles_in(sync: Any, chunk: Chunk) -> Iterator[Profile]:
    for entry in sync.pushnames:
        person = chunk.person(entry.ID)
        name = clean(entry.pushname, LONGEST_NAME)
        if person is not None and name not in {"", _NO_NAME}:
            yield Profile(person=person, push_name=name)
    for contact in sync.inlineContacts:
        known = identity.person(
            identity.address(contact.lidJID), identity.address(contact.pnJID)
        )
        name = clean(contact.fullName or contact.firstName, LONGEST_NAME)
        if known is not None and name:
            yield Profile(person=known, saved_name=name)
