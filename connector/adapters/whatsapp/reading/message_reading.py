"""One message in its envelope, live or remembered, as what it means for us."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final

from connector.adapters.whatsapp.protobufs import e2e
from connector.adapters.whatsapp.reading import edits_and_deletions, reactions_and_votes
from connector.adapters.whatsapp.reading.content.reading import as_view_once, said_in
from connector.adapters.whatsapp.reading.content.said import VIEW_ONCE
from connector.adapters.whatsapp.reading.content.wrappers import unwrap
from connector.adapters.whatsapp.reading.envelope import Envelope, named
from connector.adapters.whatsapp.reading.rules import ReadingRules
from connector.domain.incoming import Incoming

_PLAIN: Final = frozenset({"conversation", "extendedTextMessage"})


def read_message(
    envelope: Envelope, message: Any, rules: ReadingRules, *, view_once: bool = False
) -> Iterable[Incoming]:
    """Read a waE2E.Message; nothing when it says nothing to people.

    Raises ValueError for what only a broken or hostile sender makes.
    """
    unwrapped = unwrap(message)
    if unwrapped is None:
        return ()
    for descriptor, part in unwrapped.fields:
        if descriptor.name in _PLAIN:
            break  # most are, and no change hides behind a text
        if (change := _CHANGES.get(descriptor.name)) is not None:
            return change(envelope, part, rules)
    said = said_in(unwrapped)
    if said is None:
        return ()
    if view_once and said.kind != VIEW_ONCE:
        said = as_view_once(said)
    return (envelope.message(said),)


def _pin(envelope: Envelope, part: Any, _rules: ReadingRules) -> Iterator[Incoming]:
    """A waE2E.PinInChatMessage."""
    pinned = part.type == e2e.PinInChatMessage.PIN_FOR_ALL
    target = named(part.key)
    if target:
        yield envelope.notice(
            "pinned" if pinned else "unpinned", {"whatsapp_id": target}
        )


_Change = Callable[[Envelope, Any, ReadingRules], Iterator[Incoming]]
_CHANGES: Final[Mapping[str, _Change]] = {
    "protocolMessage": edits_and_deletions.protocol,
    "secretEncryptedMessage": edits_and_deletions.sealed_edit,
    "reactionMessage": reactions_and_votes.reaction,
    "encReactionMessage": reactions_and_votes.sealed_reaction,
    "pollUpdateMessage": reactions_and_votes.vote,
    "commentMessage": reactions_and_votes.comment,
    "encCommentMessage": reactions_and_votes.sealed_comment,
    "pinInChatMessage": _pin,
}
