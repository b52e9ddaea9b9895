"""System messages of our own making, for what WhatsApp tells without a message.

Their ids are drawn from what happened, so that hearing of it again repeats them.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime

from connector.adapters.whatsapp import identity
from connector.adapters.whatsapp.reading.envelope import Envelope
from connector.adapters.whatsapp.reading.rules import ReadingRules
from connector.domain.messages import Chat, Json, Message, Person, Source, Status


def notice(
    chat: Chat,
    by: Person | None,
    at: datetime,
    told: tuple[str, Mapping[str, Json]],
    rules: ReadingRules,
    *,
    version: str = "",
) -> Message:
    """`told` is an event and its content; `version` tells apart what looks the same."""
    event, content = told
    known = {name: value for name, value in content.items() if value is not None}
    from_me = identity.is_same(by, rules.own)
    envelope = Envelope(
        whatsapp_id=_drawn(str(chat.jid), at, event, known, version),
        chat=chat,
        # When nobody is named, the chat itself says so.
        sender=by or Person(lid=chat.jid),
        from_me=from_me,
        sent_at=at,
        source=Source.PHONE if from_me else Source.LIVE,
        status=Status.SENT if from_me else Status.DELIVERED,
    )
    return envelope.notice(event, known)


def _drawn(
    chat: str, at: datetime, event: str, content: Mapping[str, Json], version: str
) -> str:
    instant = "" if version else at.isoformat()
    what = json.dumps([chat, instant, event, content, version], sort_keys=True)
    return f"system-{hashlib.sha256(what.encode()).hexdigest()[:32]}"
