"""A client that someone linked to their number: the program under test."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from devstack.whatsapp.happenings import PATIENCE, Waiting
from devstack.whatsapp.messages import new_message_id
from devstack.whatsapp.network import Network, unix_now
from devstack.whatsapp.wire.errors import DecodeError
from devstack.whatsapp.wire.nodes import LID, PN, SERVER_JID, Attributes, Jid, Node
from devstack.whatsapp.wire.prekeys import Bundle, OneTimePrekey, SignedPrekey

if TYPE_CHECKING:
    from devstack.whatsapp.connection import Connection
    from devstack.whatsapp.people import Person

# A Signal session belongs to a LID and a device, however the stanza was addressed.
Address: TypeAlias = tuple[str, int]
StanzaKey: TypeAlias = tuple[str, str, str, str]

FEW_KEYS = 5  # one-time prekeys left, below which clients upload more
BEFORE_HANGING_UP = 0.05  # seconds between a stream error and the socket's end
REMOVED, REPLACED = "device_removed", "replaced"


@dataclass(slots=True)
class PublishedKeys:
    """The Signal keys that the client uploaded for others to begin sessions with."""

    registration_id: int
    identity: bytes
    signed: SignedPrekey
    one_time: list[OneTimePrekey] = field(default_factory=list)

    def bundle(self) -> Bundle:
        """Keys for one new session; uses up a one-time key while there are any."""
        one_time = self.one_time.pop(0) if self.one_time else None
        return Bundle(self.registration_id, self.identity, self.signed, one_time)


class LinkedDevice:
    """Keeps every stanza for the client until the client says that it has it."""

    def __init__(
        self,
        network: Network,
        person: Person,
        number: int,
        noise_public: bytes,
        identity: bytes,
    ) -> None:
        self._network = network
        self.person, self.number = person, number
        self.noise_public, self.identity = noise_public, identity
        self.keys: PublishedKeys | None = None
        self.connection: Connection | None = None
        self.introduced = False  # its phone has sent the initial sync
        self.presences: list[Node] = []  # <presence> and <chatstate> that it sent
        self.is_online = False  # it says so; only then it is told who types
        self.watches: set[str] = set()  # LIDs of people whose presence it asked for
        self.logins = 0
        self.relayed: set[tuple[Address, str]] = set()  # messages passed on to it
        self._asked_for_keys = False
        self._awaiting_keys: list[Callable[[], None]] = []
        self._kept: dict[StanzaKey, Node] = {}
        self._retried: set[str] = set()  # messages whose first stanza it has yet to ack
        self._withholding = False
        self._withheld: list[Node] = []
        self._refusals: deque[int] = deque()

    @property
    def jid(self) -> Jid:
        return Jid(self.person.number, PN, self.number)

    @property
    def lid(self) -> Jid:
        return Jid(self.person.lid_user, LID, self.number)

    @property
    def address(self) -> Address:
        return (self.person.lid_user, self.number)

    @property
    def is_connected(self) -> bool:
        """Logged in, and asking for its stanzas."""
        return self.connection is not None and self.connection.is_active

    @property
    def is_linked(self) -> bool:
        return self.person.devices.get(self.number) is self

    @property
    def undelivered(self) -> list[Node]:
        """The messages that it has not said it received, oldest first."""
        return [stanza for stanza in self._kept.values() if stanza.tag == "message"]

    @property
    def _owes_messages(self) -> bool:
        return any(stanza.tag == "message" for stanza in self._kept.values())

    def connected(self, timeout: float = PATIENCE) -> Waiting[None]:
        """Wait until it is logged in and takes messages."""
        return self._until(lambda: self.is_connected, "the device to connect", timeout)

    def disconnected(self, timeout: float = PATIENCE) -> Waiting[None]:
        return self._until(
            lambda: self.connection is None, "the device to disconnect", timeout
        )

    def unlinked(self, timeout: float = PATIENCE) -> Waiting[None]:
        """Wait until it is no longer one of its person's devices."""
        return self._until(
            lambda: not self.is_linked, "the device to be unlinked", timeout
        )

    def has_everything(self, timeout: float = PATIENCE) -> Waiting[None]:
        """Wait until it has said that it received every message sent to it."""
        return self._until(
            lambda: not self._owes_messages, "the device to receive everything", timeout
        )

    def appears_online(self, timeout: float = PATIENCE) -> Waiting[None]:
        """Wait until it says that its person is there."""
        return self._until(
            lambda: self.is_online, "the device to appear online", timeout
        )

    def _until(
        self, condition: Callable[[], bool], what: str, timeout: float
    ) -> Waiting[None]:
        return self._network.happenings.until(condition, what, timeout)

    # --- keys -----------------------------------------------------------------------

    @property
    def published_keys(self) -> PublishedKeys:
        """Raises DecodeError before it has published any."""
        if self.keys is None:
            raise DecodeError("the device has published no keys")
        return self.keys

    def take_bundle(self) -> Bundle:
        """Keys for one new session with it; asks it for more when they run out.

        Raises DecodeError before it has published any.
        """
        bundle = self.published_keys.bundle()
        left = len(self.published_keys.one_time)
        if left < FEW_KEYS and not self._asked_for_keys:
            self._asked_for_keys = True
            self.deliver(_ask_for_keys(left))
        return bundle

    def publish(self, keys: PublishedKeys) -> None:
        self.keys, self._asked_for_keys = keys, False
        awaiting, self._awaiting_keys = self._awaiting_keys, []
        for action in awaiting:
            action()
        self._network.happenings.note()

    def when_keyed(self, action: Callable[[], None]) -> None:
        """Do it now, or once there are keys to encrypt with: just after linking."""
        if self.keys is not None:
            action()
        else:
            self._awaiting_keys.append(action)

    # --- stanzas --------------------------------------------------------------------

    def deliver(self, stanza: Node) -> None:
        """Keep it until it is receipted or acknowledged; send it if it can be."""
        self._kept[_key(stanza.tag, stanza.attrs, "from")] = stanza
        if self.connection is not None and self.connection.is_active:
            self.connection.send(stanza)

    def show(self, stanza: Node) -> None:
        """Send what is worth nothing later, such as presence: now or never."""
        if self.connection is not None and self.connection.is_active:
            self.connection.send(stanza)

    def settle(self, tag: str, attrs: Attributes) -> None:
        """It has the stanza that these attributes of its receipt or ack name."""
        self._kept.pop(_key(tag, attrs, "to"), None)
        self._network.happenings.note()

    def asks_again(self, message_id: str) -> None:
        """It could not read the message; its ack for that stanza is still to come."""
        self._retried.add(message_id)

    def acknowledges(self, tag: str, attrs: Attributes) -> None:
        """Settle a stanza, unless the ack is for one that has come again since."""
        message_id = str(attrs.get("id") or "")
        if tag == "message" and message_id in self._retried:
            self._retried.discard(message_id)
        else:
            self.settle(tag, attrs)

    def everything_kept(self) -> list[Node]:
        """What it has to be sent after it connected again, in order."""
        return list(self._kept.values())

    # --- faults ---------------------------------------------------------------------

    def drop(self) -> None:
        """Break its TCP connection."""
        if self.connection is not None:
            self.connection.abort()

    def close(self) -> None:
        """End its connection in order, without a reason."""
        if self.connection is not None:
            self.connection.close()

    def freeze(self) -> None:
        """Its present connection goes silent; a new one would work."""
        if self.connection is not None:
            self.connection.freeze()

    def thaw(self) -> None:
        if self.connection is not None:
            self.connection.thaw()

    def stream_error(
        self, code: int | None = None, *, conflict: str | None = None
    ) -> None:
        """`<stream:error>` and the socket's end; 503 and 515 are the usual codes."""
        if self.connection is None:
            return
        children = [Node("conflict", {"type": conflict})] if conflict else None
        self.connection.send(Node("stream:error", {"code": code}, children))
        self.connection.close(BEFORE_HANGING_UP)

    def replaced(self) -> None:
        """Another program logged in as this very device."""
        self.stream_error(conflict=REPLACED)

    def removed(self) -> None:
        """Its person unlinked it on the phone."""
        self.person.devices.pop(self.number, None)
        self.stream_error(401, conflict=REMOVED)
        self._network.happenings.note()

    def refuse_next(self, code: int, times: int = 1) -> None:
        """Refuse the next messages that it sends: 463, 479, 420 and 429 are known."""
        self._refusals.extend([code] * times)

    def take_refusal(self) -> int | None:
        """The code for the message that it sends now, if it is to be refused."""
        return self._refusals.popleft() if self._refusals else None

    def withhold_acks(self) -> None:
        """Deliver what it sends, without telling it so."""
        self._withholding = True

    def release_acks(self) -> None:
        self._withholding = False
        withheld, self._withheld = self._withheld, []
        for ack in withheld:
            self.acknowledge(ack)

    def acknowledge(self, ack: Node) -> None:
        """Tell it that the server has its message, unless that is withheld."""
        if self._withholding:
            self._withheld.append(ack)
        elif self.connection is not None:
            self.connection.send(ack)

    def forget_acks(self) -> None:
        """What was withheld belonged to a connection that is gone."""
        self._withheld.clear()


def _key(tag: str, attrs: Attributes, other_side: str) -> StanzaKey:
    """What a stanza and the receipt or ack for it have in common."""
    stanza_id = str(attrs.get("id") or "")
    if tag == "message":
        return (tag, stanza_id, "", "")
    about = attrs.get("participant") or attrs.get(other_side) or ""
    return (tag, stanza_id, str(attrs.get("type") or ""), str(about))


def _ask_for_keys(left: int) -> Node:
    attrs: Attributes = {
        "from": SERVER_JID,
        "type": "encrypt",
        "id": new_message_id(),
        "t": unix_now(),
    }
    return Node("notification", attrs, [Node("count", {"value": left})])
