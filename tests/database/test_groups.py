"""Who is in a group: news of single people and whole rosters, in whatever order."""

from __future__ import annotations

from tests.database.circumstances import ANA, US, chat, member, members, roster, tell
from tests.database.conversation import ALIAS, BOB, BOBS_PHONE, FAMILY
from tests.database.scene import Connection, Database, Session, store


async def test_a_roster_says_who_is_in_a_group_and_when_it_was_asked(
    leased: Session, service: Connection
) -> None:
    await tell(
        service, leased, rosters=[roster(1, ana="superadmin", bob="member", us="admin")]
    )

    assert await members(service) == {ANA: "superadmin", BOB: "member", US: "admin"}
    assert (await chat(service))["refreshed_at"] is not None


async def test_people_join_leave_and_rise(leased: Session, service: Connection) -> None:
    await tell(
        service, leased, members=[member(ANA, "member", 1), member(BOB, "member", 1)]
    )
    await tell(service, leased, members=[member(ANA, "admin", 2), member(BOB, None, 2)])

    assert await members(service) == {ANA: "admin"}


async def test_older_news_brings_nobody_back(
    leased: Session, service: Connection
) -> None:
    await tell(service, leased, members=[member(BOB, None, 2)])
    await tell(service, leased, members=[member(BOB, "member", 1)])
    await tell(service, leased, rosters=[roster(3, ana="member")])
    await tell(service, leased, members=[member(BOB, "member", 2)])
    await tell(service, leased, rosters=[roster(1, bob="member")])

    assert await members(service) == {ANA: "member"}


async def test_a_roster_removes_whoever_it_does_not_list_unless_they_joined_since(
    leased: Session, service: Connection
) -> None:
    await tell(
        service, leased, members=[member(ANA, "member", 1), member(BOB, "member", 5)]
    )
    await tell(service, leased, rosters=[roster(3, us="member")])

    assert await members(service) == {US: "member", BOB: "member"}


async def test_a_roster_that_lists_nobody_says_nothing(
    leased: Session, service: Connection
) -> None:
    await tell(service, leased, rosters=[roster(1, ana="admin")])
    await tell(service, leased, rosters=[roster(2)])

    assert await members(service) == {ANA: "admin"}


async def test_two_rosters_in_one_batch_the_newest_counts(
    leased: Session, service: Connection
) -> None:
    await tell(
        service, leased, rosters=[roster(2, bob="member"), roster(1, ana="member")]
    )

    assert await members(service) == {BOB: "member"}


async def test_membership_follows_a_person_to_their_lid(
    leased: Session, service: Connection
) -> None:
    await tell(service, leased, members=[member(BOBS_PHONE, "admin", 2)])
    await tell(service, leased, members=[member(BOB, "member", 1)])
    await store(service, leased, ALIAS)

    assert await members(service) == {BOB: "admin"}

    await tell(service, leased, members=[member(BOBS_PHONE, None, 3)])

    assert await members(service) == {}


async def test_direct_chats_have_no_members(
    leased: Session, service: Connection
) -> None:
    await tell(service, leased, members=[member(ANA, "admin", 1) | {"chat_jid": BOB}])

    assert await members(service) == {}


async def test_members_of_the_workspace_see_who_is_in_a_group_now(
    database: Database, leased: Session, service: Connection
) -> None:
    await tell(service, leased, members=[member(ANA, "admin", 1), member(BOB, None, 1)])

    async with database.as_member(leased.owner) as owner:
        assert await members(owner) == {ANA: "admin"}
    stranger = await database.session()
    async with database.as_member(stranger.owner) as somebody_else:
        assert await members(somebody_else) == {}


async def test_a_group_of_a_thousand_is_stored_at_once(
    leased: Session, service: Connection
) -> None:
    crowd = [{"jid": f"{n}@lid", "role": "member"} for n in range(100, 1124)]
    for second in (1, 2):
        listed = roster(second) | {"members": crowd}
        await tell(service, leased, rosters=[listed])

    assert len(await members(service)) == 1024
    assert (await chat(service, FAMILY))["kind"] == "group"
