"""Status updates, newsletters and calls are left out, unless a session asks for them."""

from __future__ import annotations

from tests.acceptance.world import Linked, World

SWITCHES = ("ignore_status", "ignore_newsletters", "ignore_calls")


async def make_noise(linked: Linked) -> None:
    """One of each, and then a message: what comes before it has been read."""
    bob = linked.world.somebody("Bob")
    linked.owner.phone.saves_contact(bob, "Bob")
    channel = linked.world.stage.whatsapp.newsletter("Notícias", [linked.owner])
    await bob.posts_status("na praia")
    await channel.posts("manchete")
    await bob.calls(linked.owner)
    await bob.says(linked.owner, "ufa")
    await linked.message("ufa")


async def test_by_default_only_what_people_say_to_us_is_kept(linked: Linked) -> None:
    await make_noise(linked)

    assert [row["body"] for row in await linked.messages()] == ["ufa"]
    assert len(await linked.app.chats(linked.session_id)) == 1


async def test_each_can_be_switched_on(world: World) -> None:
    linked = await world.linked(None, **dict.fromkeys(SWITCHES, False))

    await make_noise(linked)

    rows = await linked.messages()
    assert {row["body"] for row in rows if row["kind"] == "text"} == {
        "na praia",
        "manchete",
        "ufa",
    }
    assert "call" in {row["kind"] for row in rows}
    kinds = {chat["kind"] for chat in await linked.app.chats(linked.session_id)}
    assert kinds == {"direct", "status", "newsletter"}
    await linked.wants("disconnected")
