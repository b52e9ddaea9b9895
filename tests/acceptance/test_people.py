"""One person is one contact, with the names, the picture and the number there are."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from devstack.app import PATIENCE, Row
from devstack.whatsapp import Person
from tests.acceptance.world import Linked

JPEG = (
    bytes.fromhex("ffd8ffe000104a46494600010100000100010000")
    + b"\0" * 400
    + b"\xff\xd9"
)


async def contact(
    linked: Linked, person: Person, true_of: Callable[[Row], object] = bool
) -> Row:
    """The row of one person, once something holds of it."""
    inbox = await linked.world.inbox()
    about = {"session_id": linked.session_id, "jid": str(person.lid)}

    async def look() -> Row | None:
        found = await inbox.rows(linked.app, "wa_contacts", "*", about)
        assert len(found) <= 1
        return found[0] if found and true_of(found[0]) else None

    return await linked.app.until(look)


async def test_the_name_in_the_phones_address_book_comes_first(linked: Linked) -> None:
    bob = linked.world.somebody("Bobby")
    await bob.says(linked.owner, "oi")
    row = await contact(linked, bob)
    assert row["display_name"] == "Bobby"

    linked.owner.phone.saves_contact(bob, "Roberto da padaria")
    row = await contact(linked, bob, lambda one: one["saved_name"])
    assert row["display_name"] == "Roberto da padaria"
    assert row["push_name"] == "Bobby"


async def test_an_inbox_names_a_chat_by_its_contact(linked: Linked) -> None:
    bob = linked.world.somebody("Bob")
    await bob.says(linked.owner, "oi")

    # As docs/chats.md has it: `wa_contacts(...)` would be ambiguous.
    chat = await linked.shown("wa_chats", "*, contact:contact_id(display_name)")

    assert chat["contact"] == {"display_name": "Bob"}
    assert chat["last_message_preview"] == "oi"


async def test_chats_are_archived_muted_and_pinned_as_on_the_phone(
    linked: Linked,
) -> None:
    bob = linked.world.somebody("Bob")
    await bob.says(linked.owner, "oi")
    await contact(linked, bob)
    phone = linked.owner.phone

    async def chat_is(true_of: Callable[[Row], object]) -> None:
        async def look() -> bool:
            [chat] = await linked.app.chats(linked.session_id)
            return bool(true_of(chat))

        await linked.app.until(look)

    phone.archives(bob)
    await chat_is(lambda chat: chat["archived"])
    phone.mutes(bob)
    await chat_is(lambda chat: chat["muted_until"])
    phone.unarchives(bob)
    await chat_is(lambda chat: not chat["archived"])
    phone.pins(bob)
    await chat_is(lambda chat: chat["pinned_at"])


async def test_a_profile_picture_is_kept_and_follows_changes(linked: Linked) -> None:
    bob = linked.world.somebody("Bob")
    bob.shows_picture(JPEG + b"one")

    await bob.says(linked.owner, "oi")
    row = await contact(linked, bob, lambda one: one["avatar_path"])
    inbox = await linked.world.inbox()
    opened = await inbox.file(linked.app, row["avatar_path"])
    assert (opened["status"], opened["type"]) == (200, "image/jpeg")
    assert "refused" in await inbox.file(
        await linked.world.stranger(), row["avatar_path"]
    )

    before = row["avatar_path"]
    bob.shows_picture(JPEG + b"two")
    row = await contact(linked, bob, lambda one: one["avatar_path"] != before)
    assert row["avatar_path"] is not None


async def test_having_no_picture_is_remembered(linked: Linked) -> None:
    bob = linked.world.somebody("Bob")

    await bob.says(linked.owner, "oi")
    row = await contact(linked, bob, lambda one: one["avatar_checked_at"])

    assert (row["avatar_path"], row["avatar_id"]) == (None, "")


async def test_a_number_written_either_way_is_one_person(linked: Linked) -> None:
    """Brazil's ninth digit: WhatsApp knows which form it registered; we ask."""
    number = next(linked.world.numbers)
    without_nine = number[:4] + number[5:]
    bob = linked.world.stage.whatsapp.person(
        number, "Bob", also_written=(without_nine,)
    )

    first = await linked.sends(f"+{without_nine}", "sem o nove")
    # Until WhatsApp has told, the spellings are two chats, and neither waits for the other.
    await linked.app.outbox_is(first, "delivered", "sent")
    second = await linked.sends(f"+{number}", "com o nove")
    await linked.app.outbox_is(second, "delivered", "sent")

    assert [heard.text for heard in bob.heard] == ["sem o nove", "com o nove"]
    row = await contact(linked, bob)
    assert row["phone_number"] == number
    [chat] = await linked.app.chats(linked.session_id)
    assert chat["contact_id"] == row["id"]


async def test_typing_is_told_while_it_lasts_and_never_kept(linked: Linked) -> None:
    bob = linked.world.somebody("Bob")
    await bob.says(linked.owner, "oi")
    row = await contact(linked, bob)
    heard = await linked.app.hears("chat_presence")
    await (
        linked.app.client.table("wa_sessions")
        .update({"appear_online": True})
        .eq("id", linked.session_id)
        .execute()
    )
    await linked.device.appears_online()

    await bob.types(linked.owner)
    async with asyncio.timeout(PATIENCE):
        event = await heard.get()

    assert event["state"] == "composing"
    assert event["contact_id"] == row["id"]
    assert len(await linked.messages()) == 1
