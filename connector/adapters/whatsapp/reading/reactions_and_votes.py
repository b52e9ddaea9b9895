"""What people add to a message: an emoji, a vote, a comment."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final

from google.protobuf.message import DecodeError
from google.protobuf.message import Message as Protobuf

from connector.adapters.whatsapp.bounds import clean
from connector.adapters.whatsapp.protobufs import e2e
from connector.adapters.whatsapp.reading import message_secrets
from connector.adapters.whatsapp.reading.content.polls import MOST_OPTIONS
from connector.adapters.whatsapp.reading.content.reading import read
from connector.adapters.whatsapp.reading.content.said import UNDECRYPTABLE, Said
from connector.adapters.whatsapp.reading.envelope import Envelope, named
from connector.adapters.whatsapp.reading.message_secrets import Purpose
from connector.adapters.whatsapp.reading.rules import ReadingRules
from connector.domain.changes import Reaction, Vote
from connector.domain.incoming import Incoming

LONGEST_EMOJI: Final = 64  # characters: flags and families are many
_HASH_BYTES: Final = 32


def reaction(envelope: Envelope, part: Any, _rules: ReadingRules) -> Iterator[Incoming]:
    """A waE2E.ReactionMessage."""
    if named(part.key):
        yield _reaction(envelope, part, part.key)


def sealed_reaction(
    envelope: Envelope, part: Any, rules: ReadingRules
) -> Iterator[Incoming]:
    """A waE2E.EncReactionMessage, as in a community's announcements."""
    key = part.targetMessageKey
    plain = message_secrets.opened(envelope, key, part, Purpose.REACTION, rules)
    if (told := _parsed(e2e.ReactionMessage, plain)) is not None:
        yield _reaction(envelope, told, key)


def _reaction(envelope: Envelope, part: Any, key: Any) -> Reaction:
    return Reaction(
        chat=envelope.chat,
        whatsapp_id=named(key),
        sender=envelope.sender,
        from_me=envelope.from_me,
        emoji=clean(part.text, LONGEST_EMOJI),
        reacted_at=envelope.by_senders_clock(part.senderTimestampMS),
    )


def vote(envelope: Envelope, part: Any, rules: ReadingRules) -> Iterator[Incoming]:
    """A waE2E.PollUpdateMessage."""
    key = part.pollCreationMessageKey
    if not named(key):
        return
    plain = message_secrets.opened(envelope, key, part.vote, Purpose.VOTE, rules)
    told = _parsed(e2e.PollVoteMessage, plain)
    chosen = None if told is None else options(told.selectedOptions)
    yield Vote(
        chat=envelope.chat,
        whatsapp_id=named(key),
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
    told = _parsed(e2e.Message, plain)
    said = Said(UNDECRYPTABLE) if told is None else read(told)
    yield from _comment(envelope, said, key)


def _comment(envelope: Envelope, said: Said | None, key: Any) -> Iterator[Incoming]:
    if said is not None:
        said.quoted_whatsapp_id = named(key) or None
        yield envelope.message(said)


def _parsed(kind: type[Protobuf], plain: bytes | None) -> Any | None:
    """None for what cannot be opened, or makes no sense opened."""
    try:
        return None if plain is None else kind.FromString(plain)
    except DecodeError:
        return None
