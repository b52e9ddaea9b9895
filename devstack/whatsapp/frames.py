"""When message frames passed through the server, for measuring latency."""

from __future__ import annotations

import enum
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from devstack.whatsapp.devices import LinkedDevice


class Direction(enum.StrEnum):
    TO_DEVICE = "to_device"  # the frame was handed to the device's socket
    FROM_DEVICE = "from_device"  # the frame came out of the device's socket


@dataclass(frozen=True, slots=True)
class MessageFrame:
    """One `<message>` frame; `at` is time.monotonic(), comparable between processes."""

    direction: Direction
    device: LinkedDevice
    whatsapp_id: str
    at: float


Observer: TypeAlias = Callable[[MessageFrame], None]


class Frames:
    """Tells observers, synchronously, about every message frame that passes."""

    def __init__(self) -> None:
        self._observers: list[Observer] = []

    def on_message_frame(self, observer: Observer) -> Callable[[], None]:
        """Call `observer` for each frame; the returned function ends that."""
        self._observers.append(observer)
        return lambda: self._observers.remove(observer)

    def passed(
        self, direction: Direction, device: LinkedDevice, whatsapp_id: str
    ) -> None:
        if not self._observers:
            return
        frame = MessageFrame(direction, device, whatsapp_id, time.monotonic())
        for observer in tuple(self._observers):
            observer(frame)
