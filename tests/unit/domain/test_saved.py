"""What is told of the phone's address book and settings, and what is not told twice."""

from __future__ import annotations

from dataclasses import replace

from connector.domain.addresses import Jid
from connector.domain.chats import ChatColumn, ChatUpdate, Profile
from connector.domain.messages import Chat, ChatKind, Person
from connector.domain.saved import (
    FRESH_SECONDS,
    LOOK_SECONDS,
    Saved,
    SavedContact,
    SavedSettings,
    is_worth_reading,
    news,
)
from tests.fakes.clock import NOON

BOB = Person(phone=Jid.parse("5521987654321@s.whatsapp.net"))
BOB_LID = Jid.parse("222000222000222@lid")
SAVED_BOB = SavedContact(
    key=str(BOB.phone), person=BOB, saved_name="Bob", business_name=None
)
FAMILY = SavedSettings(
    key="120363000000000001@g.us",
    chat=Chat(jid=Jid.parse("120363000000000001@g.us"), kind=ChatKind.GROUP),
    archived=True,
    pinned=False,
    muted_until="infinity",
)


class Listener:
    """Remembers what it was told, as the watcher does."""

    def __init__(self) -> None:
        self.told: dict[str, int] = {}

    def hears(
        self, *contacts: SavedContact, chats: tuple[SavedSettings, ...] = ()
    ) -> list[Profile | ChatUpdate]:
        saved = Saved(owner="ana", push_name=None, contacts=contacts, chats=chats)
        items = []
        for key, mark, item in list(news(saved, self.told, NOON)):
            items.append(item)
            if mark is None:
                del self.told[key]
            else:
                self.told[key] = mark
        return items


def test_everything_is_told_once() -> None:
    listener = Listener()

    first = listener.hears(SAVED_BOB, chats=(FAMILY,))

    assert first == [
        Profile(person=BOB, saved_name="Bob"),
        ChatUpdate(
            chat=FAMILY.chat,
            as_of=NOON,
            columns={
                ChatColumn.ARCHIVED: True,
                ChatColumn.PINNED: False,
                ChatColumn.MUTED_UNTIL: "infinity",
            },
        ),
    ]
    assert listener.hears(SAVED_BOB, chats=(FAMILY,)) == []


def test_only_what_changed_is_told() -> None:
    listener = Listener()
    listener.hears(SAVED_BOB, chats=(FAMILY,))

    renamed = replace(SAVED_BOB, saved_name="Bob from work")
    loud = replace(FAMILY, muted_until=None)

    assert listener.hears(renamed, chats=(FAMILY,)) == [
        Profile(person=BOB, saved_name="Bob from work")
    ]
    [update] = listener.hears(renamed, chats=(loud,))
    assert isinstance(update, ChatUpdate)
    assert update.columns[ChatColumn.MUTED_UNTIL] is None


def test_a_removed_contact_loses_its_saved_name() -> None:
    listener = Listener()
    listener.hears(SAVED_BOB)

    assert listener.hears() == [Profile(person=BOB, saved_name="")]
    assert listener.hears() == []


def test_a_contact_removed_while_nobody_listened_loses_it_too() -> None:
    gone = replace(SAVED_BOB, saved_name=None, is_removed=True)

    assert Listener().hears(gone) == [Profile(person=BOB, saved_name="")]


def test_a_row_without_a_saved_name_takes_nobodys_away() -> None:
    """One person may have two rows: the name by phone, the business by LID."""
    business = SavedContact(
        key=str(BOB_LID),
        person=Person(lid=BOB_LID),
        saved_name=None,
        business_name="Bob & Sons",
    )
    listener = Listener()

    [profile] = listener.hears(business)
    listener.hears(replace(business, business_name="Bob & Daughters"))

    assert profile == Profile(person=business.person, business_name="Bob & Sons")
    assert listener.hears() == [Profile(person=business.person)]


def test_a_learned_lid_is_told() -> None:
    listener = Listener()
    listener.hears(SAVED_BOB)
    both = Person(lid=BOB_LID, phone=BOB.phone)

    assert listener.hears(replace(SAVED_BOB, person=both)) == [
        Profile(person=both, saved_name="Bob")
    ]


def test_the_store_is_read_while_settings_come_and_now_and_then() -> None:
    assert is_worth_reading(FRESH_SECONDS, changed_at=0.0, read_at=FRESH_SECONDS - 1)
    quiet = LOOK_SECONDS * 10
    assert not is_worth_reading(quiet, changed_at=0.0, read_at=quiet - 1)
    assert is_worth_reading(quiet, changed_at=0.0, read_at=quiet - LOOK_SECONDS)
