"""A worker that is told to stop hears nothing more, and still has things to say."""

from __future__ import annotations

import ctypes
import socket
from pathlib import Path
from typing import TYPE_CHECKING, cast

import pytest

from connector.adapters.whatsapp.event_codes import Code
from connector.adapters.whatsapp.process import worker
from connector.adapters.whatsapp.process.frames import BlockingChannel, Decoder
from connector.adapters.whatsapp.process.orders import Orders
from connector.adapters.whatsapp.process.recorder import Recorder
from connector.adapters.whatsapp.process.worker import _Worker
from connector.adapters.whatsapp.spool.writer import HighWater

if TYPE_CHECKING:
    from connector.adapters.whatsapp.process.connection import Connection


class LateTicks:
    """WhatsApp, of which two more ticks come while the line is closed."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder

    def disconnect(self) -> None:
        for raw in (b"one", b"two"):
            at = ctypes.create_string_buffer(raw)
            self._recorder.execute(0, ctypes.addressof(at), len(raw), Code.RECEIPT)

    def stop(self) -> None:
        """Nothing is left to close."""


def test_what_came_after_the_last_ring_is_rung_for_before_it_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or nobody reads it within the seconds that a planned stop has for its spool."""

    def load(_: Orders, recorder: Recorder) -> Connection:
        return cast("Connection", LateTicks(recorder))

    monkeypatch.setattr(worker, "_load_neonize", load)
    monkeypatch.setattr(worker, "_exit_at", lambda *_: None)
    monkeypatch.setattr(worker, "QUIET_SECONDS", 0.0)
    supervisor, commands = socket.socketpair()
    with supervisor, commands:
        _Worker(orders(tmp_path), BlockingChannel(commands)).stop()

        said = [frame.header for frame in Decoder().feed(supervisor.recv(10_000))]

    assert said == [{"signal": "spooled"}, {"signal": "spooled"}]


def orders(folder: Path) -> Orders:
    return Orders(
        session_id="s",
        folder=folder,
        term=1,
        history_days=0,
        high_water=HighWater(spool_bytes=1_000_000, free_bytes=0),
        keys=(bytes(32),),
    )
