"""What a phone keeps about its chats and contacts, and shares with linked devices.

Every setting is a record of app state: a collection, an index that names it (such as
["archive", chat]) and a value. Indexes and versions are WhatsApp's own.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from devstack.whatsapp.context import Addressing, address
from devstack.whatsapp.groups import Group
from devstack.whatsapp.messages import new_message_id
from devstack.whatsapp.network import Network, unix, unix_now
from devstack.whatsapp.wire.app_state import AppState, Change
from devstack.whatsapp.wire.mutations import Mutation
from devstack.whatsapp.wire.nodes import SERVER_JID, Attributes, Node
from devstack.whatsapp.wire.protobufs import SyncAction

if TYPE_CHECKING:
    from devstack.whatsapp.people import Person

Value = SyncAction.SyncActionValue
FOREVER = -1


class ChatSettings:
    """Chats go by LID, or by phone number as accounts had them before."""

    _network: Network
    person: Person

    def __init__(self) -> None:
        self.app_state = AppState()
        self.settings_changed: list[Mutation] = []  # by linked devices

    # --- chats ------------------------------------------------------------------------

    def archives(self, chat: Person | Group, addressing: Addressing = "lid") -> None:
        """Takes it down from the top as well, as on WhatsApp."""
        self._archive(chat, addressing, archived=True)

    def unarchives(self, chat: Person | Group, addressing: Addressing = "lid") -> None:
        self._archive(chat, addressing, archived=False)

    def pins(self, chat: Person | Group, addressing: Addressing = "lid") -> None:
        """To the top of the list of chats."""
        self._change("regular_low", [_pin(chat, addressing, pinned=True)])

    def unpins(self, chat: Person | Group, addressing: Addressing = "lid") -> None:
        self._change("regular_low", [_pin(chat, addressing, pinned=False)])

    def mutes(
        self,
        chat: Person | Group,
        until: datetime | None = None,
        addressing: Addressing = "lid",
    ) -> None:
        """Without an end it is for ever."""
        end = unix(until) * 1000 if until is not None else FOREVER
        action = SyncAction.MuteAction(muted=True, muteEndTimestamp=end)
        self._mute(chat, action, addressing)

    def unmutes(self, chat: Person | Group, addressing: Addressing = "lid") -> None:
        self._mute(chat, SyncAction.MuteAction(muted=False), addressing)

    def marks_chat(
        self, chat: Person | Group, *, read: bool, addressing: Addressing = "lid"
    ) -> None:
        """As read or unread, from the list of chats; what `reads` tells is beside it."""
        action = SyncAction.MarkChatAsReadAction(read=read)
        value = Value(markChatAsReadAction=action)
        index = ["markChatAsRead", _name(chat, addressing)]
        self.changes_setting("regular_low", index, value, version=3)

    # --- people -----------------------------------------------------------------------

    def names_itself(self, name: str) -> None:
        setting = SyncAction.PushNameSetting(name=name)
        value = Value(pushNameSetting=setting)
        self.changes_setting("critical_block", ["setting_pushName"], value, version=1)

    def renames_itself(self, name: str) -> None:
        """The name that others see with the next message."""
        self.person.name = name
        self.names_itself(name)

    def saves_contact(self, person: Person, name: str) -> None:
        """Write somebody into the address book."""
        self.person.meets(person)
        person.saved_by[self.person] = name
        contact = SyncAction.ContactAction(
            fullName=name,
            firstName=name.partition(" ")[0],
            lidJID=str(person.lid),
            saveOnPrimaryAddressbook=True,
        )
        value = Value(contactAction=contact)
        self.changes_setting("critical_unblock_low", _contact(person), value)

    def removes_contact(self, person: Person) -> None:
        person.saved_by.pop(self.person, None)
        change = Change(_contact(person), Value(), removed=True)
        self._change("critical_unblock_low", [change])

    # --- any setting ------------------------------------------------------------------

    def changes_setting(
        self, collection: str, index: list[str], value: Value, *, version: int = 2
    ) -> None:
        """Change app state and notify the linked devices."""
        self._change(collection, [Change(index, value, version)])

    def _change(self, collection: str, changes: Sequence[Change]) -> None:
        for change in changes:
            change.value.timestamp = unix_now() * 1000
        now_at = self.app_state.change(collection, changes)
        news = Node("collection", {"name": collection, "version": now_at})
        for device in self.person.linked_devices:
            attrs: Attributes = {
                "from": SERVER_JID,
                "type": "server_sync",
                "id": new_message_id(),
                "t": unix_now(),
            }
            device.deliver(Node("notification", attrs, [news]))

    def _archive(
        self, chat: Person | Group, addressing: Addressing, *, archived: bool
    ) -> None:
        action = SyncAction.ArchiveChatAction(archived=archived)
        index = ["archive", _name(chat, addressing)]
        changes = [Change(index, Value(archiveChatAction=action), 3)]
        if archived:
            changes.append(_pin(chat, addressing, pinned=False))
        self._change("regular_low", changes)

    def _mute(
        self,
        chat: Person | Group,
        action: SyncAction.MuteAction,
        addressing: Addressing,
    ) -> None:
        index = ["mute", _name(chat, addressing)]
        self.changes_setting("regular_high", index, Value(muteAction=action))


def _pin(chat: Person | Group, addressing: Addressing, *, pinned: bool) -> Change:
    value = Value(pinAction=SyncAction.PinAction(pinned=pinned))
    return Change(["pin_v1", _name(chat, addressing)], value, 5)


def _name(chat: Person | Group, addressing: Addressing) -> str:
    return str(chat.jid if isinstance(chat, Group) else address(chat, addressing))


def _contact(person: Person) -> list[str]:
    return ["contact", str(person.jid)]
