"""Places and people: locations, contact cards, invitations to groups."""

from __future__ import annotations

from typing import TYPE_CHECKING, Unpack

from devstack.whatsapp.context import How
from devstack.whatsapp.messages import SentMessage
from devstack.whatsapp.network import unix_now
from devstack.whatsapp.verbs.speaking import THUMBNAIL, Speaker
from devstack.whatsapp.wire.protobufs import E2E

if TYPE_CHECKING:
    from devstack.whatsapp.groups import Group
    from devstack.whatsapp.people import Person

INVITATION_LASTS = 3 * 24 * 3600  # seconds


def vcard(person: Person) -> str:
    """As WhatsApp's own phones write it."""
    return "\n".join(
        (
            "BEGIN:VCARD",
            "VERSION:3.0",
            f"N:;{person.name};;;",
            f"FN:{person.name}",
            f"item1.TEL;waid={person.number}:+{person.number}",
            "item1.X-ABLabel:Mobile",
            "END:VCARD",
        )
    )


class Sharer(Speaker):
    async def sends_location(
        self,
        to: Person | Group,
        latitude: float,
        longitude: float,
        *,
        name: str = "",
        address: str = "",
        **how: Unpack[How],
    ) -> SentMessage:
        place = E2E.LocationMessage(
            degreesLatitude=latitude,
            degreesLongitude=longitude,
            name=name,
            address=address,
            JPEGThumbnail=THUMBNAIL,
        )
        return await self._tell(to, E2E.Message(locationMessage=place), how)

    async def shares_live_location(
        self,
        to: Person | Group,
        latitude: float,
        longitude: float,
        *,
        caption: str = "",
        sequence: int = 1,
        **how: Unpack[How],
    ) -> SentMessage:
        place = E2E.LiveLocationMessage(
            degreesLatitude=latitude,
            degreesLongitude=longitude,
            accuracyInMeters=10,
            caption=caption,
            sequenceNumber=sequence,
            JPEGThumbnail=THUMBNAIL,
        )
        return await self._tell(to, E2E.Message(liveLocationMessage=place), how)

    async def shares_contacts(
        self, to: Person | Group, *people: Person, **how: Unpack[How]
    ) -> SentMessage:
        """One card, or a message that holds several."""
        cards = [
            E2E.ContactMessage(displayName=person.name, vcard=vcard(person))
            for person in people
        ]
        if len(cards) == 1:
            message = E2E.Message(contactMessage=cards[0])
        else:
            array = E2E.ContactsArrayMessage(
                displayName=f"{len(cards)} contacts", contacts=cards
            )
            message = E2E.Message(contactsArrayMessage=array)
        return await self._tell(to, message, how)

    async def invites_to_group(
        self, to: Person, group: Group, caption: str = "", **how: Unpack[How]
    ) -> SentMessage:
        invitation = E2E.GroupInviteMessage(
            groupJID=str(group.jid),
            groupName=group.subject,
            inviteCode="INVITE",
            inviteExpiration=unix_now() + INVITATION_LASTS,
            caption=caption,
        )
        return await self._tell(to, E2E.Message(groupInviteMessage=invitation), how)
