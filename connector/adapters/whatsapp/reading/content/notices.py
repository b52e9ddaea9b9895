"""What announces something: an album, an invitation, a call; and what we do not know."""

from __future__ import annotations

from typing import Any, Final

from connector.adapters.whatsapp import identity
from connector.adapters.whatsapp.bounds import LONGEST_ID, clean
from connector.adapters.whatsapp.protobufs import e2e
from connector.adapters.whatsapp.reading.content.said import (
    ALBUM,
    CALL,
    GROUP_INVITE,
    UNSUPPORTED,
    Said,
    data_uri,
    given,
    line,
    number,
    with_text,
)

# Fields that read as a message's text, in what is otherwise unknown.
_TEXTS: Final = ("caption", "text", "body", "message", "orderTitle", "title", "name")


def album(part: Any) -> Said:
    expected = given(
        images=number(part.expectedImageCount), videos=number(part.expectedVideoCount)
    )
    return Said(ALBUM, None, expected)


def group_invite(part: Any) -> Said:
    told = identity.several([clean(part.groupJID, LONGEST_ID)])
    content = given(
        group_jid=str(told[0]) if told else None,
        group_name=line(part.groupName),
        code=line(part.inviteCode),
        thumbnail=data_uri(part.JPEGThumbnail),
    )
    return with_text(GROUP_INVITE, part.caption, content)


def call_log(part: Any) -> Said:
    outcomes = e2e.CallLogMessage.CallOutcome
    content = given(
        video=part.isVideo,
        group=bool(part.participants),
        outcome=outcomes.Name(part.callOutcome).lower(),
        duration_seconds=number(part.durationSecs),
    )
    return Said(CALL, None, content)


def unsupported(name: str, part: Any) -> Said:
    texts = (getattr(part, field, None) for field in _TEXTS)
    text = next((text for text in texts if isinstance(text, str) and text), "")
    return with_text(UNSUPPORTED, text, {"raw_kind": name})
