"""What a client asks for when it joins a channel."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from devstack.supabase.gateway.realtime.frames import dumps

LARGEST_ID = 1 << 27  # ids are hashes of this range on the real server


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelConfig:
    private: bool = False
    receives_own: bool = False
    acknowledges: bool = False
    presence: bool = False
    replication_ready: bool = False
    changes: Sequence[Mapping[str, Any]] = field(default_factory=list)

    @classmethod
    def parse(cls, payload: Mapping[str, Any]) -> ChannelConfig:
        """The `config` of a join; what is missing or malformed counts as not asked."""
        config = _mapping(payload.get("config"))
        broadcast = _mapping(config.get("broadcast"))
        changes = config.get("postgres_changes")
        return cls(
            private=_flag(config.get("private")),
            receives_own=_flag(broadcast.get("self")),
            acknowledges=_flag(broadcast.get("ack")),
            presence=_flag(_mapping(config.get("presence")).get("enabled")),
            replication_ready=_flag(broadcast.get("replication_ready")),
            changes=[entry for entry in changes if isinstance(entry, dict)]
            if isinstance(changes, list)
            else [],
        )


def subscription_id(params: Mapping[str, Any]) -> int:
    """The same for the same parameters, never 0: clients read 0 as "no id"."""
    text = dumps(sorted(params.items(), key=lambda item: item[0]))
    return zlib.crc32(text.encode()) % (LARGEST_ID - 1) + 1


def _flag(value: object) -> bool:
    return value is True or (isinstance(value, str) and value.lower() == "true")


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
