"""Who types, who is online: neonize's events, kept only until somebody looks.

Only the newest of each person in each chat is kept, and only so many: a flood of them
costs neither memory nor anything that matters its turn.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Final

from google.protobuf.message import DecodeError

from connector.adapters.whatsapp.event_codes import Code
from connector.adapters.whatsapp.identity import jid_of
from connector.adapters.whatsapp.protobufs import events
from connector.domain.addresses import Jid
from connector.domain.presence import Doing, Presence
from connector.errors import InvalidAddress, WorkerGone

PRESENCE_CODES: Final = frozenset({Code.CHAT_PRESENCE, Code.PRESENCE})
MOST_WAITING: Final = 200
_LATEST: Final = 253_402_300_799  # the last second that a datetime can say


def presence(code: int, raw: bytes) -> Presence | None:
    """Read an event; None for one that says nothing. Never raises."""
    try:
        if code == Code.CHAT_PRESENCE:
            return _in_chat(raw)
        if code == Code.PRESENCE:
            return _anywhere(raw)
    except (DecodeError, InvalidAddress):
        pass
    return None


def _in_chat(raw: bytes) -> Presence | None:
    event = events.ChatPresence.FromString(raw)
    where = event.MessageSource
    chat, sender = jid_of(where.Chat), jid_of(where.Sender)
    if chat is None or sender is None or where.IsFromMe:
        return None
    if event.State != events.ChatPresence.COMPOSING:
        doing = Doing.PAUSED
    elif event.Media == events.ChatPresence.AUDIO:
        doing = Doing.RECORDING
    else:
        doing = Doing.COMPOSING
    return Presence(chat=chat, person=sender, doing=doing)


def _anywhere(raw: bytes) -> Presence | None:
    event = events.Presence.FromString(raw)
    who = jid_of(event.From)
    if who is None:
        return None
    seen = 0 < event.LastSeen <= _LATEST
    return Presence(
        chat=who,
        person=who,
        doing=Doing.OFFLINE if event.Unavailable else Doing.ONLINE,
        last_seen=datetime.fromtimestamp(event.LastSeen, UTC) if seen else None,
    )


class WaitingPresences:
    """The newest of each person and chat."""

    def __init__(self) -> None:
        self._newest: dict[tuple[Jid, Jid], Presence] = {}
        self._changed = asyncio.Event()
        self._ended = False

    def put(self, shown: Presence) -> None:
        key = (shown.chat, shown.person)
        self._newest.pop(key, None)
        self._newest[key] = shown
        if len(self._newest) > MOST_WAITING:
            del self._newest[next(iter(self._newest))]
        self._changed.set()

    def end(self) -> None:
        self._ended = True
        self._changed.set()

    async def take(self) -> tuple[Presence, ...]:
        """Wait for some, and take them all. Raises WorkerGone once there is nobody."""
        await self._changed.wait()
        if self._ended:
            raise WorkerGone
        taken = tuple(self._newest.values())
        self._newest.clear()
        self._changed.clear()
        return taken
