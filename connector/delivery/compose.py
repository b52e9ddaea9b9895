"""From what an app asked for to what leaves: files uploaded, references found. Pure."""

from __future__ import annotations

from datetime import datetime

from connector.domain.addresses import Jid
from connector.domain.outgoing import (
    ContactCard,
    LinkPreview,
    OutgoingContacts,
    OutgoingContent,
    OutgoingDeletion,
    OutgoingEdit,
    OutgoingFile,
    OutgoingLocation,
    OutgoingMedia,
    OutgoingMessage,
    OutgoingPoll,
    OutgoingReaction,
    OutgoingText,
    Quoted,
)
from connector.domain.outgoing.forwards import (
    demand_forwardable,
    forwarded,
    times_forwarded,
)
from connector.domain.outgoing.references import References
from connector.domain.outgoing.targets import (
    deleted,
    edited,
    known,
    quoted,
    reacted_to,
)
from connector.domain.outgoing.vcards import contact_card
from connector.payloads import (
    Captioned,
    ContactPayload,
    ContactPerson,
    DeletePayload,
    EditPayload,
    ForwardPayload,
    GivenPreview,
    LocationPayload,
    MediaPayload,
    MessagePayload,
    NewMessage,
    Payload,
    PollPayload,
    ReactionPayload,
    ReadPayload,
    SeenOnce,
    TextPayload,
)
from connector.ports import ClaimedRow


def compose(
    payload: MessagePayload,
    row: ClaimedRow,
    file: OutgoingFile | None,
    preview: LinkPreview | None,
    now: datetime,
) -> OutgoingMessage:
    """The whole message; everything that can be refused without WhatsApp is refused here.

    `file`: of a media kind, and of a forward that had to be uploaded again. `preview`: what
    was found for a text that asks for one. Raises InvalidPayload (docs/errors.md).
    """
    content = _content(payload, row.references, file, preview, now)
    return OutgoingMessage(
        content=content,
        mentions=_mentions(payload),
        quoted=_quoted(payload, row.references),
        times_forwarded=(
            times_forwarded(known(row.references.message))
            if isinstance(payload, ForwardPayload)
            else 0
        ),
        expiration=row.expiration,
    )


def judge(payload: Payload, references: References) -> None:
    """Refuse what no file can mend, before one is fetched. Raises InvalidPayload."""
    match payload:
        case NewMessage():
            _quoted(payload, references)
        case ForwardPayload():
            demand_forwardable(references.message)
        case ReadPayload() if payload.message_id is not None:
            known(references.message)


def _content(
    payload: MessagePayload,
    references: References,
    file: OutgoingFile | None,
    preview: LinkPreview | None,
    now: datetime,
) -> OutgoingContent:
    match payload:
        case TextPayload():
            return OutgoingText(text=payload.text, preview=_preview(payload, preview))
        case MediaPayload():
            return _media(payload, file)
        case LocationPayload() | ContactPayload() | PollPayload():
            return _plain(payload)
        case ForwardPayload():
            return forwarded(references.message, file)
        case ReactionPayload():
            return OutgoingReaction(
                target=reacted_to(references.message), emoji=payload.emoji
            )
        case EditPayload():
            return OutgoingEdit(
                target=edited(references.message, now), text=payload.text
            )
        case DeletePayload():
            return OutgoingDeletion(target=deleted(references.message, now))


def _preview(payload: TextPayload, found: LinkPreview | None) -> LinkPreview | None:
    given = payload.link_preview
    if isinstance(given, GivenPreview):
        return LinkPreview(
            url=given.url, title=given.title, description=given.description
        )
    return found if given else None


def _media(payload: MediaPayload, file: OutgoingFile | None) -> OutgoingMedia:
    if file is None:
        raise ValueError("a file is uploaded before its message is composed")
    return OutgoingMedia(
        kind=payload.kind,
        file=file,
        caption=payload.caption if isinstance(payload, Captioned) else None,
        view_once=isinstance(payload, SeenOnce) and payload.view_once,
    )


def _plain(payload: LocationPayload | ContactPayload | PollPayload) -> OutgoingContent:
    match payload:
        case LocationPayload():
            return OutgoingLocation(
                latitude=payload.latitude,
                longitude=payload.longitude,
                name=payload.name,
                address=payload.address,
                url=payload.url,
            )
        case ContactPayload():
            return OutgoingContacts(
                cards=tuple(_card(person) for person in payload.contacts)
            )
        case PollPayload():
            return OutgoingPoll(
                question=payload.question,
                options=payload.options,
                selectable=payload.selectable,
            )


def _card(person: ContactPerson) -> ContactCard:
    return contact_card(
        person.name,
        [Jid.of_phone(number) for number in person.phone_numbers],
        organization=person.organization,
        email=person.email,
    )


def _mentions(payload: MessagePayload) -> tuple[Jid, ...]:
    return payload.mentioned if isinstance(payload, NewMessage | EditPayload) else ()


def _quoted(payload: MessagePayload, references: References) -> Quoted | None:
    if not isinstance(payload, NewMessage) or payload.reply_to is None:
        return None
    return quoted(references.reply_to)
