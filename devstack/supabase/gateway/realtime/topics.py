"""Who is joined to which topic; public and private topics of one name are two."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol, TypeAlias

from devstack.supabase.gateway.realtime.frames import Broadcast

# The name without "realtime:", and whether it is private.
Topic: TypeAlias = tuple[str, bool]


class Listener(Protocol):
    def deliver_broadcast(self, broadcast: Broadcast) -> None:
        """Queue one broadcast. Never blocks, never raises."""


class Topics:
    def __init__(self) -> None:
        self._listeners: dict[Topic, dict[Listener, None]] = {}

    def join(self, topic: Topic, listener: Listener) -> None:
        self._listeners.setdefault(topic, {})[listener] = None

    def leave(self, topic: Topic, listener: Listener) -> None:
        listeners = self._listeners.get(topic, {})
        listeners.pop(listener, None)
        if not listeners:
            self._listeners.pop(topic, None)

    def broadcast(
        self, topic: Topic, broadcast: Broadcast, besides: Listener | None = None
    ) -> None:
        for listener in list(self._listeners.get(topic, ())):
            if listener is not besides:
                listener.deliver_broadcast(broadcast)

    def __iter__(self) -> Iterator[Listener]:
        for listeners in self._listeners.values():
            yield from list(listeners)
