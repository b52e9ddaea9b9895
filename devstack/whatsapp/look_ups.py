"""What clients looked up, kept for tests that count: asking too much costs a number."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from devstack.whatsapp.faults import Subject
from devstack.whatsapp.wire.nodes import Jid

if TYPE_CHECKING:
    from devstack.whatsapp.devices import LinkedDevice


@dataclass(frozen=True, slots=True)
class LookUp:
    """`about` is the group, or whose picture; numbers come as they were written."""

    device: LinkedDevice
    subject: Subject
    about: tuple[Jid | str, ...]
    refused: int | None


class LookUps:
    def __init__(self) -> None:
        self.all: list[LookUp] = []
        self.most_at_once = 0  # never more than 1 unless they are slow
        self._under_way = 0

    def add(
        self,
        device: LinkedDevice,
        subject: Subject,
        about: Iterable[Jid | str],
        refused: int | None,
    ) -> None:
        self.all.append(LookUp(device, subject, tuple(about), refused))

    def begin(self) -> None:
        self._under_way += 1
        self.most_at_once = max(self.most_at_once, self._under_way)

    def end(self) -> None:
        self._under_way -= 1

    def of(self, subject: Subject) -> list[LookUp]:
        return [one for one in self.all if one.subject == subject]
