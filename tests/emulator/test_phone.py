"""What the owner does on the phone, as the real library learns of it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from devstack.whatsapp import Group, Person, WhatsApp
from tests.emulator.client import Neonize, neonize_jid, plain
from tests.emulator.eventually import eventually
from tests.emulator.linked import Linked


def of_own(kind: int, *ids: str) -> Callable[[Neonize.Receipt], bool]:
    return lambda receipt: (
        receipt.Type == kind
        and receipt.MessageSource.IsFromMe
        and list(receipt.MessageIDs) == list(ids)
    )


@pytest.mark.parametrize("addressing", ["lid", "pn"])
async def test_reading_on_the_phone_is_a_receipt_of_ones_own(
    ana: Linked, friend: Person, addressing: str
) -> None:
    sent = [await friend.says(ana.person, text) for text in ("one", "two")]

    await ana.person.phone.reads(friend, addressing=addressing)  # type: ignore[arg-type] # a literal

    receipt = await ana.client.event(
        Neonize.Receipt, of_own(Neonize.Receipt.READ, *[one.id for one in sent])
    )
    chat = friend.lid if addressing == "lid" else friend.jid
    assert plain(receipt.MessageSource.Chat) == chat


async def test_only_what_was_not_read_before_is_read(
    ana: Linked, friend: Person
) -> None:
    first = await friend.says(ana.person, "one")
    second = await friend.says(ana.person, "two")
    phone = ana.person.phone

    await phone.reads(friend, up_to=first)
    await phone.reads(friend)

    for sent in (first, second):
        await ana.client.event(Neonize.Receipt, of_own(Neonize.Receipt.READ, sent.id))


async def test_with_read_receipts_off_only_ones_own_devices_learn(
    ana: Linked, friend: Person
) -> None:
    sent = await friend.says(ana.person, "secret reader")

    await ana.person.phone.reads(friend, secretly=True)

    await ana.client.event(Neonize.Receipt, of_own(Neonize.Receipt.READ_SELF, sent.id))


async def test_reading_in_a_group_names_the_group(
    whatsapp: WhatsApp, ana: Linked, friend: Person
) -> None:
    group = whatsapp.group("Readers", friend, [ana.person])
    sent = await friend.says(group, "read me")

    await ana.person.phone.reads(group)

    receipt = await ana.client.event(
        Neonize.Receipt, of_own(Neonize.Receipt.READ, sent.id)
    )
    source = receipt.MessageSource
    assert (plain(source.Chat), plain(source.Sender)) == (group.jid, ana.person.lid)


async def test_settings_of_chats_reach_the_client(
    ana: Linked, friend: Person, family: Group
) -> None:
    phone, until = ana.person.phone, datetime.now(UTC) + timedelta(hours=8)

    async def becomes(chat: Person | Group, **expected: bool) -> None:
        jid = neonize_jid(chat.jid if isinstance(chat, Group) else chat.lid)
        await eventually(
            lambda: ana.client.call("chat_settings.get_chat_settings", jid),
            lambda settings: (
                {name: bool(getattr(settings, name)) for name in expected} == expected
            ),
        )

    phone.pins(friend)
    await becomes(friend, Pinned=True)
    phone.archives(friend)
    await becomes(friend, Archived=True, Pinned=False)
    phone.unarchives(friend)
    await becomes(friend, Archived=False)
    phone.mutes(family, until)
    await becomes(family, MutedUntil=True)
    phone.unmutes(family)
    phone.marks_chat(friend, read=False)
    phone.unpins(friend)
    phone.removes_contact(friend)
    phone.saves_contact(friend, "Somebody new")
    jid = neonize_jid(friend.jid)
    await eventually(
        lambda: ana.client.call("contact.get_contact", jid),
        lambda contact: contact.FullName == "Somebody new",
    )


async def test_a_new_name_reaches_the_client(ana: Linked) -> None:
    ana.person.phone.renames_itself("Ana the Second")

    await eventually(
        lambda: ana.client.call("get_me"), lambda me: me.PushName == "Ana the Second"
    )


async def test_listening_on_the_phone_is_told_too(ana: Linked, friend: Person) -> None:
    sent = await friend.sends_voice(ana.person, b"listen to me")
    [heard] = ana.person.heard_from(friend)

    await ana.person.phone.plays(heard)

    await ana.client.event(Neonize.Receipt, of_own(Neonize.Receipt.PLAYED, sent.id))
