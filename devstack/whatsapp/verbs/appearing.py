"""How people appear to others: typing, online, with a picture."""

from __future__ import annotations

from typing import TYPE_CHECKING

from devstack.whatsapp import pictures
from devstack.whatsapp.groups import Group
from devstack.whatsapp.messages import new_message_id
from devstack.whatsapp.network import unix_now
from devstack.whatsapp.pictures import Picture
from devstack.whatsapp.verbs.speaking import Speaker
from devstack.whatsapp.wire.nodes import Attributes, Node

if TYPE_CHECKING:
    from devstack.whatsapp.people import Person


class Appearing(Speaker):
    """Typing and presence reach only clients that appear online, as on WhatsApp."""

    is_online = False
    last_seen: int | None = None  # Unix seconds
    picture: Picture | None = None
    picture_refusal: int | None = None  # 401 or 403, to who asks for it

    async def types(self, to: Person | Group) -> None:
        """Show "typing…" to the linked devices in a chat."""
        self._shows(to, Node("composing"))

    async def records(self, to: Person | Group) -> None:
        """Show "recording audio…"."""
        self._shows(to, Node("composing", {"media": "audio"}))

    async def stops_typing(self, to: Person | Group) -> None:
        self._shows(to, Node("paused"))

    async def comes_online(self, watched_by: Person) -> None:
        """Only clients that subscribed to this person's presence are told."""
        self.is_online = True
        self._appears_to(watched_by)

    async def goes_offline(self, watched_by: Person) -> None:
        self.is_online, self.last_seen = False, unix_now()
        self._appears_to(watched_by)

    def presence(self) -> Node:
        """As the server tells it to those who subscribed."""
        attrs: Attributes = {"from": self._self.lid}
        if not self.is_online:
            attrs = {**attrs, "type": "unavailable", "last": self.last_seen or "deny"}
        return Node("presence", attrs)

    # --- pictures ---------------------------------------------------------------------

    def keeps_picture(self, jpeg: bytes) -> Picture:
        """Upload one, without showing it yet."""
        return pictures.keep(self._network.media, jpeg)

    def shows_picture(self, jpeg: bytes) -> None:
        """Acquaintances are told: who talked with this person, or saved them."""
        self.picture, self.picture_refusal = self.keeps_picture(jpeg), None
        lid = self._self.lid
        self._tells_acquaintances(Node("set", {"jid": lid, "id": self.picture.id}))

    def removes_picture(self) -> None:
        self.picture = None
        self._tells_acquaintances(Node("delete", {"jid": self._self.lid}))

    def hides_picture(self, code: int = 401) -> None:
        """Whoever asks for it is refused from now on: 401, or 403."""
        self.picture_refusal = code

    def _tells_acquaintances(self, news: Node) -> None:
        attrs: Attributes = {
            "from": self._self.lid,
            "type": "picture",
            "id": new_message_id(),
            "t": unix_now(),
        }
        for other in self._self.acquaintances:
            for device in other.linked_devices:
                device.deliver(Node("notification", attrs, [news]))

    # --- presence ---------------------------------------------------------------------

    def _shows(self, to: Person | Group, state: Node) -> None:
        lid = self._self.lid
        attrs: Attributes = {"from": lid}
        if isinstance(to, Group):
            attrs = {"from": to.jid, "participant": lid}
        for device in to.linked_devices:
            if device.is_online and device.person is not self._self:
                device.show(Node("chatstate", attrs, [state]))

    def _appears_to(self, other: Person) -> None:
        for device in other.linked_devices:
            if device.is_online and self._self.lid_user in device.watches:
                device.show(self.presence())
