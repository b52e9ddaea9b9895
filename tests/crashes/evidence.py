"""What was known at a kill: what the spool held, and what WhatsApp had been told."""

from __future__ import annotations

import base64
import sqlite3
from collections import defaultdict
from collections.abc import Callable
from contextlib import closing
from typing import Final

from connector.adapters.whatsapp.event_codes import Code
from connector.adapters.whatsapp.protobufs import events
from connector.adapters.whatsapp.spool.writer import FILE_NAME, sealing_context
from connector.sealing import Sealer
from devstack.connector_process import ConnectorProcess
from devstack.whatsapp import LinkedDevice, WhatsApp

_READERS: Final[dict[int, Callable[[bytes], str]]] = {
    Code.MESSAGE: lambda raw: str(events.Message.FromString(raw).Info.ID),
    Code.UNDECRYPTABLE_MESSAGE: lambda raw: str(
        events.UndecryptableMessage.FromString(raw).Info.ID
    ),
}


class SpoolFile:
    """A session's spool, read beside whoever else is using it."""

    def __init__(self, connector: ConnectorProcess, session_id: str) -> None:
        self._session_id = session_id
        self._path = connector.data_folder / "sessions" / session_id / FILE_NAME
        self._sealer = Sealer([base64.b64decode(connector.state_key)])

    def message_ids(self) -> set[str]:
        """What it holds now."""
        rows = self._rows("select code, body from events")
        return {
            _READERS[code](self._opened(code, body))
            for code, body in rows
            if code in _READERS
        }

    def dead_letters(self) -> int:
        return len(self._rows("select code, body from dead_letters"))

    def _opened(self, code: int, body: bytes) -> bytes:
        return self._sealer.open(body, sealing_context(self._session_id, code))

    def _rows(self, query: str) -> list[tuple[int, bytes]]:
        if not self._path.exists():
            return []  # the number never ran there
        uri = f"file:{self._path}?mode=ro"
        with closing(sqlite3.connect(uri, uri=True, timeout=10)) as connection:
            return connection.execute(query).fetchall()


class Receipts:
    """Which messages the client has said it received, in order; the last time counts."""

    def __init__(self, whatsapp: WhatsApp, device: LinkedDevice | None = None) -> None:
        """Of one device, or of all."""
        self._all, self._device = whatsapp.receipts, device
        self._seen = len(self._all)
        self._count = 0
        self._position: dict[str, int] = {}
        self._callers: defaultdict[str, list[tuple[str, str]]] = defaultdict(list)

    def count(self) -> int:
        """How many different messages."""
        self._look()
        return len(self._position)

    def position(self) -> int:
        self._look()
        return self._count

    def of(self, message_id: str) -> int | None:
        """When it was confirmed, as a position; None when it never was."""
        self._look()
        return self._position.get(message_id)

    def caller_of(self, message_id: str) -> str | None:
        """Who confirmed it last, where several programs have the device's keys."""
        history = self.history_of(message_id)
        return history[-1][1] if history else None

    def history_of(self, message_id: str) -> list[tuple[str, str]]:
        """What was said of it, and by whom, in order; "" is received."""
        self._look()
        return self._callers[message_id]

    def _look(self) -> None:
        for place in range(self._seen, len(self._all)):
            if self._device in (None, self._all[place].device):
                for message_id in self._all[place].message_ids:
                    self._position[message_id] = self._count
                    said = self._all[place].type, self._all[place].caller
                    self._callers[message_id].append(said)
                self._count += 1
        self._seen = len(self._all)
