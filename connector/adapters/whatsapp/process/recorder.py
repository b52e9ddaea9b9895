"""Takes neonize's events as raw bytes: to the spool, or to the supervisor.

It replaces `client.event.execute`. WhatsApp has been told "received" when this runs, so
it must be fast and must not fail: no parsing, no waiting.
"""

from __future__ import annotations

import ctypes
import os
import threading
import time
from math import inf
from typing import Final

from connector.adapters.whatsapp.event_codes import STORED, Code
from connector.adapters.whatsapp.process.frames import BlockingChannel, Frame
from connector.adapters.whatsapp.process.orders import ExitCode
from connector.adapters.whatsapp.spool.writer import SpoolWriter
from connector.clock import monotonic

_POLL_SECONDS: Final = 0.02
_FLUSH_SECONDS: Final = 0.05  # it is written as it comes; hardly anything waits


class Recorder:
    """Called on neonize's own thread, one event after the other."""

    def __init__(self, spool: SpoolWriter, channel: BlockingChannel) -> None:
        self._spool = spool
        self._channel = channel
        self._wake = Wake(channel)
        self._last_event = time.monotonic()
        self.connected = False  # as far as the events say
        self.may_log_in_until = inf  # by connector.clock
        self.called = threading.Event()  # neonize has called us: it knows the client

    def execute(self, uuid: int, binary: int, size: int, code: int) -> None:
        """Take one event: `size` bytes of protobuf at address `binary`."""
        del uuid  # there is one client in this process
        raw = ctypes.string_at(binary, size)
        if code in STORED:
            self._spool.append(code, raw)
            self._wake.ring()
        else:
            self._follow(code)
            self._tell(Frame({"event": code}, raw))
            if code == Code.DISCONNECTED:
                self._end_unless_we_may_log_in()
        self._last_event = time.monotonic()

    def seen(self) -> None:
        """Learn that the supervisor has noticed the last wake-up."""
        self._wake.seen()

    def signal(self, name: str, **data: str) -> None:
        """Report what neonize tells by other means than events."""
        self._tell(Frame({"signal": name, **data}))

    def wait_idle(self, quiet: float, deadline: float) -> None:
        """Until no event has come for `quiet` seconds from now, or the deadline.

        The deadline is monotonic time.
        """
        self._last_event = time.monotonic()
        while (now := time.monotonic()) < deadline:
            if now - self._last_event >= quiet:
                return
            time.sleep(_POLL_SECONDS)

    def _follow(self, code: int) -> None:
        self.called.set()
        if code == Code.CONNECTED:
            self.connected = True
        elif code in _ENDS_A_CONNECTION:
            self.connected = False

    def _end_unless_we_may_log_in(self) -> None:
        """Be quicker than whatsmeow, which dials at once and has a round trip or more to go.

        Asked here, as nobody else could be as quick: all of us may have been asleep.
        """
        if monotonic() >= self.may_log_in_until:
            self._spool.flush(time.monotonic() + _FLUSH_SECONDS)
            os._exit(ExitCode.MAY_NOT_LOG_IN)

    def _tell(self, frame: Frame) -> None:
        try:
            self._channel.send(frame)
        except OSError:
            # The supervisor is gone: the command socket's end stops us in order.
            return


_ENDS_A_CONNECTION: Final = frozenset(
    {
        Code.DISCONNECTED,
        Code.LOGGED_OUT,
        Code.STREAM_REPLACED,
        Code.TEMPORARY_BAN,
        Code.CONNECT_FAILURE,
        Code.CLIENT_OUTDATED,
    }
)


class Wake:
    """Tells the supervisor that the spool has grown: at most one unseen ring at a time.

    So a burst costs one frame per look the supervisor takes, and the socket never
    fills with wake-ups.
    """

    def __init__(self, channel: BlockingChannel) -> None:
        self._channel = channel
        self._lock = threading.Lock()
        self._unseen = False
        self._missed = False

    def ring(self) -> None:
        with self._lock:
            if self._unseen:
                self._missed = True
                return
            self._unseen = True
        self._send()

    def seen(self) -> None:
        with self._lock:
            again, self._missed = self._missed, False
            self._unseen = again
        if again:
            self._send()

    def _send(self) -> None:
        try:
            self._channel.send(Frame({"signal": "spooled"}))
        except OSError:
            return  # nobody is left to wake; the spool keeps what was received
