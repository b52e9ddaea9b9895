"""Disappearing messages: which chats have a timer, and since when."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from devstack.whatsapp.people import Person

Timer: TypeAlias = tuple[int, int]  # its seconds, and when it was set in Unix seconds


class Timers:
    """Of direct chats, where it belongs to both; a group keeps its own."""

    def __init__(self) -> None:
        self._direct: dict[frozenset[str], Timer] = {}

    def between(self, person: Person, chat: Person) -> Timer | None:
        return self._direct.get(_pair(person, chat))

    def set(self, person: Person, chat: Person, timer: Timer) -> None:
        """Zero seconds end it."""
        if timer[0]:
            self._direct[_pair(person, chat)] = timer
        else:
            self._direct.pop(_pair(person, chat), None)


def _pair(one: Person, other: Person) -> frozenset[str]:
    return frozenset((one.lid_user, other.lid_user))
