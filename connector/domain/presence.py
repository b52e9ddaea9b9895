"""What people do at this moment: told to whoever looks, and kept nowhere."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from datetime import datetime

from connector.domain.addresses import Jid


class Doing(enum.StrEnum):
    COMPOSING = "composing"
    RECORDING = "recording"
    PAUSED = "paused"
    ONLINE = "online"
    OFFLINE = "offline"


@dataclass(frozen=True, slots=True, kw_only=True)
class Presence:
    chat: Jid  # a group, or the person's own
    person: Jid
    doing: Doing
    last_seen: datetime | None = None
