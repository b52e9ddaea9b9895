"""A network without sockets: clients that only remember what they were sent."""

from __future__ import annotations

from typing import cast

from devstack.whatsapp import LinkedDevice, Person
from devstack.whatsapp.connection import Connection
from devstack.whatsapp.devices import PublishedKeys
from devstack.whatsapp.network import Network
from devstack.whatsapp.wire.nodes import Node
from devstack.whatsapp.wire.protobufs import Wa6
from devstack.whatsapp.wire.signal import Identity


class ClientSocket:
    """Stands in for a Connection."""

    def __init__(self, network: Network) -> None:
        self.network = network
        self.sent: list[Node] = []
        self.device: LinkedDevice | None = None
        self.registration = None
        self.payload = Wa6.ClientPayload(lidDbMigrated=True)
        self.is_active = True
        self.ended = self.caller = ""
        self.login = None
        self.opened_at = 0.0

    def send(self, stanza: Node) -> None:
        self.sent.append(stanza)

    def close(self, _after: float = 0.0) -> None:
        self.ended = "closed"

    def abort(self) -> None:
        self.ended = "aborted"

    def sent_with(self, tag: str) -> list[Node]:
        return [stanza for stanza in self.sent if stanza.tag == tag]

    def as_connection(self) -> Connection:
        return cast("Connection", self)


class Client:
    """A linked device and the program behind it, which can decrypt."""

    def __init__(self, network: Network, person: Person) -> None:
        self.identity = Identity()
        self.socket = ClientSocket(network)
        number = person.phone.next_device_number()
        self.device = LinkedDevice(
            network, person, number, b"noise", self.identity.key.public
        )
        person.devices[number] = self.device
        self.connect()

    def publish_keys(self) -> None:
        bundles = [self.identity.bundle() for _ in range(20)]
        one_time = [bundle.one_time for bundle in bundles if bundle.one_time]
        first = bundles[0]
        self.device.publish(
            PublishedKeys(first.registration_id, first.identity, first.signed, one_time)
        )

    def connect(self) -> ClientSocket:
        self.socket = ClientSocket(self.socket.network)
        self.socket.device = self.device
        self.device.connection = self.socket.as_connection()
        return self.socket

    def disconnect(self) -> None:
        self.device.connection = None


def person(network: Network, number: str, name: str) -> Person:
    someone = Person(network, number, name)
    network.people[someone.number] = network.people[someone.lid_user] = someone
    return someone
