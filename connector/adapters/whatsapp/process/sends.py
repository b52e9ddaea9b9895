"""What leaves through one number: one message at a time, in the order it was asked for.

The supervisor hands over the next message while one is in flight. It does so trusting
that the one before will leave: each message says how many failures its sender had heard
of, and after one it had not, the message is not begun. Only the sender can know whether
it may overtake what failed.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from connector.adapters.whatsapp.process.frames import Frame
from connector.adapters.whatsapp.process.send_errors import to_header
from connector.clock import monotonic
from connector.errors import NotConnected, SendFailed

if TYPE_CHECKING:
    from connector.adapters.whatsapp.process.connection import Connection


class Sends:
    """`put` and `end` belong to the main thread, `take` and `send` to another one."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._waiting: deque[Frame] = deque()
        self._failures = 0
        self._ended = False

    def put(self, frame: Frame) -> None:
        self._waiting.append(frame)

    def take(self) -> Frame | None:
        """The one that waited longest; None when a planned stop took it away."""
        try:
            return self._waiting.popleft()
        except IndexError:
            return None

    def end(self) -> list[Frame]:
        """Begin nothing any more; those that waited, for an answer."""
        self._ended = True
        waiting: list[Frame] = []
        while (frame := self.take()) is not None:
            waiting.append(frame)
        return waiting

    def send(self, frame: Frame) -> dict[str, Any]:
        """Send what a frame holds; a header that says what became of it."""
        try:
            return self._sent(frame.header, frame.body)
        except SendFailed as error:
            return {**to_header(error), "failures": self._failures}

    def _sent(self, header: Mapping[str, Any], body: bytes) -> dict[str, Any]:
        if self._ended or header["failures"] != self._failures:
            raise NotConnected
        size = int(header["to_size"])
        try:
            _demand_in_time(header)
            response = self._connection.send(body[:size], body[size:])
        except SendFailed:
            self._failures += 1
            raise
        at = datetime.fromtimestamp(response.Timestamp, UTC)
        return {"whatsapp_id": response.ID, "at": at.isoformat()}


def _demand_in_time(header: Mapping[str, Any]) -> None:
    """Asked here, at the last moment: all of us may have been asleep meanwhile.

    Raises NotConnected, a failure like any other: the next one may have been handed over
    under a renewed lease.
    """
    begin_by = header.get("begin_by")
    if begin_by is not None and monotonic() >= begin_by:
        raise NotConnected
