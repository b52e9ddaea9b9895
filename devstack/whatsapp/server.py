"""What becomes of a connection and of each stanza: the chat server itself."""

from __future__ import annotations

import logging
import time

from devstack.whatsapp import login, presence, receipts, routing
from devstack.whatsapp.connection import Connection
from devstack.whatsapp.network import Network
from devstack.whatsapp.queries import Query, answer
from devstack.whatsapp.wire.errors import WireError
from devstack.whatsapp.wire.nodes import Node

log = logging.getLogger(__name__)

BAD_REQUEST = (400, "bad-request")
# Said by clients, and not answered by the real server either.
SILENT = {"ib"}


class ChatServer:
    def __init__(self, network: Network) -> None:
        self._network = network

    def greet(self, connection: Connection) -> None:
        login.greet(self._network, connection)

    def part(self, connection: Connection) -> None:
        """Forget a connection that ended."""
        self._network.connections.discard(connection)
        if connection.login is not None:
            connection.login.ended_at = time.time()
        device = connection.device
        if device is not None and device.connection is connection:
            device.connection = None
            device.forget_acks()
            presence.forget(device)
        self._network.happenings.note()

    def receive(self, connection: Connection, stanza: Node) -> None:
        """Deal with one stanza; what we cannot read counts as unanswered."""
        try:
            self._receive(connection, stanza)
        except WireError as error:
            log.warning("a <%s> could not be read: %s", stanza.tag, error)
            self._network.unanswered.append(stanza)
            if stanza.tag == "iq":
                Query(self._network, connection, stanza).refuse(*BAD_REQUEST)

    def _receive(self, connection: Connection, stanza: Node) -> None:
        device = connection.device
        if device is None and connection.registration is None:
            return  # its login was refused, and it repeats what it asked before
        if stanza.tag == "iq":
            answer(Query(self._network, connection, stanza))
        elif device is None or stanza.tag in SILENT:
            return
        elif stanza.tag == "message":
            routing.take_message(self._network, device, stanza)
        elif stanza.tag == "receipt":
            receipts.take_receipt(self._network, device, stanza)
        elif stanza.tag == "ack":
            receipts.take_ack(device, stanza)
        elif stanza.tag in ("presence", "chatstate"):
            presence.take(self._network, device, stanza)
        else:
            self._network.unanswered.append(stanza)
