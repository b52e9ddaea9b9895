"""What people add to a message: an emoji, a vote, a comment."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final

from google.protobuf.message import DecodeError
from google.protobuf.message import Message as Protobuf

from connector.adapters.whatsapp.bounds import LONGEST_ID, clean, whatsapp_id
from connector.adapters.whatsapp.protobufs import e2e
from connector.adapters.whatsapp.reading import message_secrets
from connector.adapters.whatsapp.reading.content.polls import MOST_OPTIONS
from connector.adapters.whatsapp.reading.content.reading import read
from connector.adapters.whatsapp.reading.content.said import UNDECRYPTABLE, Said
from connector.adapters.whatsapp.reading.envelope import Envelope
from connector.adapters.whatsapp.reading.message_secrets import Purpose
from connector.adapters.whatsapp.reading.rules import ReadingRules
from connector.domain.changes import Reaction, Vote
from connector.domain.incoming import Incoming

LONGEST_EMOJI: Final = 64  # characters: flags and families are many
_HASH_BYTES: Final = 32


def reaction(envelope: Envelope, part: Any, _rules: ReadingRules) -> Iterator[Incoming]:
    """A waE2E.ReactionMessage."""
    yield _reaction(envelope, part, part.key)


def sealed_reaction(
    envelope: Envelope, part: Any, rules: ReadingRules
) -> Iterator[Incoming]:
    """A waE2E.EncReactionMessage, as in a community's announcements."""
    key = part.targetMessageKey
    plain = message_secrets.opened(envelope, key, part, Purpose.REACTION, rules)
    if plain is not None:
        yield _reaction(envelope, _parsed(e2e.ReactionMessage, plain), key)


def _reaction(envelope: Envelope, part: Any, key: Any) -> Reaction:
    return Reaction(
        chat=envelope.chat,
        whatsapp_id=whatsapp_id(key.ID),
        sender=envelope.sender,
        from_me=envelope.from_me,
        emoji=clean(part.text, LONGEST_EMOJI),
        reacted_at=envelope.by_senders_clock(part.senderTimestampMS),
    )


def vote(envelope: Envelope, part: Any, rules: ReadingRules) -> Iterator[Incoming]:
    """A waE2E.PollUpdateMessage."""
    key = part.pollCreationMessageKey
    plain = message_secrets.opened(envelope, key, part.vote, Purpose.VOTE, rules)
    chosen = None
    if plain is not None:
        chosen = options(_parsed(e2e.PollVoteMessage, plain).selectedOptions)
    yield Vote(
        chat=envelope.chat,
        whatsapp_id=whatsapp_id(key.ID),
        voter=envelope.sender,
        from_me=envelope.from_me,
        options=chosen,
        voted_at=envelope.by_senders_clock(part.senderTimestampMS),
    )


def options(hashes: Iterable[bytes]) -> tuple[bytes, ...]:
    """The options of a vote: SHA-256 hashes, each once."""
    usable = (one for one in hashes if len(one) == _HASH_BYTES)
    return tuple(dict.fromkeys(usable))[:MOST_OPTIONS]


def comment(envelope: Envelope, part: Any, _rules: ReadingRules) -> Iterator[Incoming]:
    """A waE2E.CommentMessage: a reply of its own kind."""
    yield from _comment(envelope, read(part.message), part.targetMessageKey)


def sealed_comment(
    envelope: Envelope, part: Any, rules: ReadingRules
) -> Iterator[Incoming]:
    """A waE2E.EncCommentMessage."""
    key = part.targetMessageKey
    plain = message_secrets.opened(envelope, key, part, Purpose.COMMENT, rules)
    said: Said | None = Said(UNDECRYPTABLE)
    if plain is not None:
        said = read(_parsed(e2e.Message, plain))
    yield from _comment(envelope, said, key)


def _comment(envelope: Envelope, said: Said | None, key: Any) -> Iterator[Incoming]:
    if said is not None:
        said.quoted_whatsapp_id = clean(key.ID, LONGEST_ID) or None
        yield envelope.message(said)


def _parsed(kind: type[Protobuf], plain: bytes) -> Any:
    try:
        return kind.FromString(plain)
    except DecodeError as error:
        raise ValueError("what was sealed makes no sense") from error
