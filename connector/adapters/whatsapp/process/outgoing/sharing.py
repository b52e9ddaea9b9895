"""Places, people and questions."""

from __future__ import annotations

from typing import Any

from connector.adapters.whatsapp.protobufs import e2e
from connector.domain.outgoing import (
    ContactCard,
    OutgoingContacts,
    OutgoingLocation,
    OutgoingPoll,
)


def location(outgoing: OutgoingLocation, beside: Any) -> Any:
    place = e2e.LocationMessage(
        degreesLatitude=outgoing.latitude,
        degreesLongitude=outgoing.longitude,
        name=outgoing.name,
        address=outgoing.address,
        URL=outgoing.url,
        contextInfo=beside,
    )
    return e2e.Message(locationMessage=place)


def contacts(outgoing: OutgoingContacts, beside: Any) -> Any:
    cards = [_card(card) for card in outgoing.cards]
    if len(cards) == 1:
        [card] = cards
        if beside is not None:
            card.contextInfo.CopyFrom(beside)
        return e2e.Message(contactMessage=card)
    several = e2e.ContactsArrayMessage(
        displayName=f"{len(cards)} contacts", contacts=cards, contextInfo=beside
    )
    return e2e.Message(contactsArrayMessage=several)


def _card(card: ContactCard) -> Any:
    return e2e.ContactMessage(displayName=card.name, vcard=card.vcard)


def poll(outgoing: OutgoingPoll, beside: Any) -> Any:
    """In the first version, whatever may be chosen.

    WhatsApp's apps send a poll of one choice as the third version; whatsmeow would not
    know it for a poll and call it a text on the outside of the stanza.
    """
    options = [
        e2e.PollCreationMessage.Option(optionName=name) for name in outgoing.options
    ]
    asked = e2e.PollCreationMessage(
        name=outgoing.question,
        options=options,
        selectableOptionsCount=outgoing.selectable,
        contextInfo=beside,
    )
    return e2e.Message(pollCreationMessage=asked)
