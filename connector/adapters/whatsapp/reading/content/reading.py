"""A waE2E.Message as what it says: each kind's reader by the name of its field."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from connector.adapters.whatsapp.protobufs import e2e
from connector.adapters.whatsapp.reading.content import (
    contact_cards,
    context,
    interactive,
    media,
    notices,
    places,
    polls,
    texts,
)
from connector.adapters.whatsapp.reading.content.said import VIEW_ONCE, Said
from connector.adapters.whatsapp.reading.content.wrappers import Unwrapped, unwrap

# Nobody says anything with these: keys, settings, and changes to other messages.
_SILENT: Final = frozenset(
    {
        "messageContextInfo",
        "senderKeyDistributionMessage",
        "fastRatchetKeySenderKeyDistributionMessage",
        "protocolMessage",
        "reactionMessage",
        "encReactionMessage",
        "pollUpdateMessage",
        "secretEncryptedMessage",
        "encEventResponseMessage",
        "pinInChatMessage",
        "keepInChatMessage",
        "stickerSyncRmrMessage",
        "groupRootKeyShare",
        "rootSecretDistributeMessage",
        "messageHistoryBundle",
        "messageHistoryNotice",
        "call",
        "chat",
        "encCommentMessage",
        "commentMessage",
        "pollAddOptionMessage",
        "scheduledCallEditMessage",
        "statusNotificationMessage",
        "statusLinkPreviewMetadata",
    }
)
_READERS: Final[Mapping[str, Callable[[Any], Said]]] = {
    "conversation": texts.conversation,
    "extendedTextMessage": texts.extended,
    "imageMessage": media.image,
    "videoMessage": media.video,
    "ptvMessage": media.video_note,
    "audioMessage": media.audio,
    "documentMessage": media.document,
    "stickerMessage": media.sticker,
    "locationMessage": places.location,
    "liveLocationMessage": places.live_location,
    "contactMessage": contact_cards.contact,
    "contactsArrayMessage": contact_cards.contacts,
    "pollCreationMessage": polls.poll,
    "pollCreationMessageV2": polls.poll,
    "pollCreationMessageV3": polls.poll,
    "pollCreationMessageV5": polls.poll,
    "pollCreationMessageV6": polls.poll,
    "eventMessage": polls.event,
    "albumMessage": notices.album,
    "groupInviteMessage": notices.group_invite,
    "callLogMesssage": notices.call_log,
    "buttonsMessage": interactive.buttons,
    "listMessage": interactive.choices,
    "templateMessage": interactive.template,
    "highlyStructuredMessage": interactive.highly_structured,
    "interactiveMessage": interactive.native,
    "buttonsResponseMessage": interactive.button_reply,
    "listResponseMessage": interactive.list_reply,
    "templateButtonReplyMessage": interactive.template_reply,
    "interactiveResponseMessage": interactive.native_reply,
}
_WITH_CONTEXT: Final = frozenset(
    field.name
    for field in e2e.Message.DESCRIPTOR.fields
    if field.message_type is not None
    and "contextInfo" in field.message_type.fields_by_name
)
_WITH_VIEW_ONCE: Final = frozenset(
    {"imageMessage", "videoMessage", "ptvMessage", "audioMessage"}
)


def read(message: Any) -> Said | None:
    """None when nobody said anything with it."""
    unwrapped = unwrap(message)
    return None if unwrapped is None else said_in(unwrapped)


def said_in(unwrapped: Unwrapped) -> Said | None:
    """The same, of what is already unwrapped."""
    said = _read(unwrapped, _snapshot)
    told = unwrapped.context
    if said is not None and told is not None and told.HasField("messageAssociation"):
        context.add_association(said, told)
    return said


def as_view_once(said: Said) -> Said:
    """The same without its content, which is not for keeping."""
    return Said(VIEW_ONCE, None, {"of": said.kind}, expires_after=said.expires_after)


def _snapshot(quoted: Any) -> Said | None:
    """A quoted message, without what it quotes in turn."""
    unwrapped = unwrap(quoted)
    return None if unwrapped is None else _read(unwrapped, None)


def _read(unwrapped: Unwrapped, snapshot: context.Snapshot | None) -> Said | None:
    for descriptor, part in unwrapped.fields:
        name = descriptor.name
        if name in _SILENT:
            continue
        reader = _READERS.get(name)
        said = notices.unsupported(name, part) if reader is None else reader(part)
        if snapshot and name in _WITH_CONTEXT and part.HasField("contextInfo"):
            context.add(said, part.contextInfo, snapshot)
        once = unwrapped.view_once or (name in _WITH_VIEW_ONCE and part.viewOnce)
        return as_view_once(said) if once else said
    return None
