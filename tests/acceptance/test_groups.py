"""Groups have a name, members and roles, which follow what happens in them."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from devstack.app import Row
from devstack.whatsapp import Group
from tests.acceptance.world import Linked


@pytest.fixture
def linked(number: Linked) -> Linked:
    return number


async def chat_of(
    linked: Linked, group: Group, true_of: Callable[[Row], object] = bool
) -> Row:
    """A group's chat, once something holds of it."""

    async def look() -> Row | None:
        for chat in await linked.app.chats(linked.session_id):
            if chat["jid"] == str(group.jid) and true_of(chat):
                return chat
        return None

    return await linked.app.until(look)


async def roles_are(linked: Linked, chat_id: str, expected: dict[str, str]) -> None:
    inbox = await linked.world.inbox()

    async def look() -> bool:
        found = await inbox.rows(
            linked.app,
            "wa_group_members",
            "role, contact:wa_contacts(jid)",
            {"chat_id": chat_id},
        )
        return {row["contact"]["jid"]: row["role"] for row in found} == expected

    await linked.app.until(look)


async def test_a_groups_members_and_roles_are_known(linked: Linked) -> None:
    world = linked.world
    bob, carla = world.somebody("Bob"), world.somebody("Carla")
    family = world.stage.whatsapp.group("Família", bob, [linked.owner, carla])

    await carla.says(family, "oi")
    chat = await chat_of(linked, family, lambda one: one["name"] == "Família")

    mine, bobs, carlas = str(linked.owner.lid), str(bob.lid), str(carla.lid)
    everybody = {mine: "member", bobs: "superadmin", carlas: "member"}
    await roles_are(linked, chat["id"], everybody)
    inbox = await world.inbox()
    members = {"chat_id": chat["id"]}
    stranger = await world.stranger()
    assert await inbox.rows(stranger, "wa_group_members", "*", members) == []

    family.promotes(carla, by=bob)
    await roles_are(linked, chat["id"], {**everybody, carlas: "admin"})
    family.removes(carla, by=bob)
    await roles_are(linked, chat["id"], {mine: "member", bobs: "superadmin"})


async def test_what_happens_in_a_group_is_told_in_its_chat(linked: Linked) -> None:
    world = linked.world
    bob, carla = world.somebody("Bob"), world.somebody("Carla")
    team = world.stage.whatsapp.group("Time", bob, [linked.owner])

    await bob.says(team, "oi")
    chat = await chat_of(linked, team)
    team.renames("Time A", by=bob)
    team.adds(carla, by=bob)
    team.describes("Só assuntos de trabalho", by=bob)
    chat = await chat_of(linked, team, lambda one: one["description"])

    assert (chat["name"], chat["description"]) == ("Time A", "Só assuntos de trabalho")

    async def look() -> list[str] | None:
        rows = await linked.messages(chat_id=chat["id"], kind="system")
        events = [row["content"]["event"] for row in rows]
        return events if {"name", "added", "description"} <= set(events) else None

    await linked.app.until(look)
    assert chat["unread_count"] == 1  # only what Bob said


async def test_a_number_that_was_removed_has_left(linked: Linked) -> None:
    world = linked.world
    bob = world.somebody("Bob")
    team = world.stage.whatsapp.group("Time", bob, [linked.owner])

    await bob.says(team, "tchau")
    await chat_of(linked, team)
    team.removes(linked.owner, by=bob)

    await chat_of(linked, team, lambda one: one["left_at"])


async def test_announcements_are_marked(linked: Linked) -> None:
    bob = linked.world.somebody("Bob")
    news = linked.world.stage.whatsapp.group("Avisos", bob, [linked.owner])

    await bob.says(news, "bem-vindos")
    await chat_of(linked, news)
    news.announces_only(True, by=bob)  # noqa: FBT003 - a verb

    await chat_of(linked, news, lambda one: one["announcements_only"])


async def test_a_group_is_asked_about_once_not_for_every_message(
    linked: Linked,
) -> None:
    bob = linked.world.somebody("Bob")
    team = linked.world.stage.whatsapp.group("Time", bob, [linked.owner])

    await bob.says(team, "um")
    # What came with the joining is not all: it is asked for once more.
    await chat_of(linked, team, lambda one: one["refreshed_at"] and team.asked_about)
    asked = team.asked_about
    said = [await bob.says(team, f"{number}") for number in range(20)]
    await linked.said(said[-1])

    assert team.asked_about == asked
