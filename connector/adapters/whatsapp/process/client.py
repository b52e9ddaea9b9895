"""neonize's client, fitted for us: the only place that loads the Go library."""

from __future__ import annotations

import ctypes
import logging
import mmap
from collections.abc import Callable
from typing import Final

from connector.adapters.whatsapp import protobufs
from connector.adapters.whatsapp.event_codes import Code
from connector.adapters.whatsapp.process.recorder import Recorder
from connector.adapters.whatsapp.protobufs import companion

protobufs.remove_stand_in()

from neonize.client import NewClient  # noqa: E402 - the real package, from here on
from neonize.exc import NeonizeError  # noqa: E402 - the same
from neonize.utils.enum import (  # noqa: E402 - the same
    ChatPresence,
    ChatPresenceMedia,
    ClientName,
    ClientType,
    MediaType,
    Presence,
    ReceiptType,
)

__all__ = [
    "ChatPresence",
    "ChatPresenceMedia",
    "Client",
    "ClientName",
    "ClientType",
    "MediaType",
    "NeonizeError",
    "Presence",
    "ReceiptType",
    "device_props",
]

DEVICE_NAME: Final = "Zapbase"  # what the phone lists under "Linked devices"
_MORSEL: Final = 4 * 1024 * 1024  # bytes

# whatsmeow's words quote addresses, and each line costs the recorder's thread a turn:
# neonize passes this logger's level on to Go, and whatever still comes to the root.
logging.getLogger("neonize.utils.log").setLevel(logging.ERROR)
logging.getLogger().setLevel(logging.CRITICAL)


class Client(NewClient):
    """neonize's client with the callbacks it does not offer to set."""

    def prepare(self, recorder: Recorder, on_qr: Callable[[str], None]) -> None:
        self._recorder = recorder
        self.event.execute = recorder.execute  # type: ignore[method-assign] # the recorder
        # Go sends only the events that have a handler here; execute replaces the rest.
        self.event.list_func = dict.fromkeys(Code, _never_called)
        self.event.qr(lambda _client, data: self._on_qr(on_qr, data))

    def make_go_collect(self, garbage: int) -> None:
        """Go collects when it has allocated enough, or after two minutes; not when asked.

        So it is made to: each call copies nothing but zeros, and finds no address in
        them. A file of 32 MB left 100 MB behind, and after this 12.
        """
        nothing = (ctypes.c_char * _MORSEL).from_buffer(mmap.mmap(-1, _MORSEL))
        library = self._NewClient__client  # type: ignore[attr-defined] # its private one
        for _ in range(0, 4 * garbage, _MORSEL):
            library.GetPNFromLID(self.uuid, nothing, _MORSEL)

    def _on_qr(self, on_qr: Callable[[str], None], data: bytes) -> None:
        self._recorder.called.set()
        on_qr(data.decode())

    def _NewClient__onLoginStatus(self, _uuid: int, status: int) -> None:  # noqa: N802 - neonize's own name, mangled
        # After "timeout" and the errors there is no event, and connect() never returns.
        self._recorder.called.set()
        outcome = ctypes.string_at(status).decode(errors="replace")
        if outcome != "success":
            self._recorder.signal("pairing_failed", reason=outcome[:80])


def device_props(history_days: int) -> companion.DeviceProps:
    """What the phone is told of this device, and how much history it should send."""
    props = companion.DeviceProps(
        os=DEVICE_NAME,
        platformType=companion.DeviceProps.CHROME,
        requireFullSync=False,
    )
    props.historySyncConfig.recentSyncDaysLimit = history_days
    props.historySyncConfig.fullSyncDaysLimit = history_days
    props.historySyncConfig.inlineInitialPayloadInE2EeMsg = True
    return props


def _never_called(*_: object) -> None:
    raise AssertionError("Recorder.execute takes every event")
