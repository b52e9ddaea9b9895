"""What linked devices confirmed, kept for tests to look at and wait for."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from devstack.whatsapp.wire.nodes import Jid

if TYPE_CHECKING:
    from devstack.whatsapp.devices import LinkedDevice


@dataclass(frozen=True, slots=True)
class ClientReceipt:
    """What a linked device said about messages it was sent."""

    device: LinkedDevice
    type: str  # empty for delivered
    message_ids: tuple[str, ...]
    to: Jid
    participant: Jid | None = None  # who wrote them, in a group
    caller: str = ""  # who had the device's socket: see login_book.py


class ReceiptBook:
    """All that linked devices confirmed, and which of it is about which message."""

    def __init__(self) -> None:
        self.all: list[ClientReceipt] = []
        self._by_message: defaultdict[str, list[ClientReceipt]] = defaultdict(list)

    def add(self, receipt: ClientReceipt) -> None:
        self.all.append(receipt)
        for message_id in receipt.message_ids:
            self._by_message[message_id].append(receipt)

    def about(self, message_id: str, kind: str | None) -> ClientReceipt | None:
        """The first of this kind ("" is delivered); of any kind when it is None."""
        about = self._by_message.get(message_id, ())
        return next((one for one in about if kind in (None, one.type)), None)
