"""What to ask WhatsApp about people and groups: what is due, once, the liveliest first."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from tests.database.circumstances import ANA, chat, roster, stale, tell, update
from tests.database.conversation import ALIAS, BOB, BOBS_PHONE, FAMILY, message
from tests.database.scene import Connection, Session, store

GROUP = ("group", FAMILY)
PICTURES = {("picture", BOB), ("picture", FAMILY)}


def ago(**passed: float) -> str:
    return (datetime.now(UTC) - timedelta(**passed)).isoformat()


async def next_look_ups(
    connection: Connection, session: Session, limit: int = 10
) -> list[tuple[str, str]]:
    rows = await connection.fetch(
        "select * from wa_next_lookups($1, 1, $2)", session.id, limit
    )
    return [(row["aspect"], row["jid"]) for row in rows]


async def record_picture(
    connection: Connection,
    session: Session,
    picture_id: str | None,
    path: str | None,
    *,
    jid: str = BOB,
) -> Any:
    """The path of a file that nobody needs any more."""
    return await connection.fetchval(
        "select wa_record_picture($1, 1, $2, $3, $4)", session.id, jid, picture_id, path
    )


async def let_questions_be_forgotten(connection: Connection) -> None:
    await connection.execute(
        "update wa_private.look_ups set asked_at = asked_at - interval '1 day'"
    )


async def bob(connection: Connection) -> dict[str, Any]:
    row = await connection.fetchrow("select * from wa_contacts where jid = $1", BOB)
    assert row is not None
    return dict(row)


async def said_in_both_chats(connection: Connection, session: Session) -> None:
    in_family = message("F", chat_jid=FAMILY, sent_at=ago(hours=1))
    directly = message("D", sent_at=ago(minutes=1))
    await store(connection, session, {"messages": [in_family, directly]})


async def test_what_is_not_known_is_asked_the_liveliest_first(
    leased: Session, service: Connection
) -> None:
    await said_in_both_chats(service, leased)

    assert await next_look_ups(service, leased) == [
        ("picture", BOB),
        ("group", FAMILY),
        ("picture", FAMILY),
    ]


async def test_a_question_on_its_way_is_not_asked_again_soon(
    leased: Session, service: Connection
) -> None:
    await said_in_both_chats(service, leased)

    assert len(await next_look_ups(service, leased, limit=2)) == 2
    assert len(await next_look_ups(service, leased)) == 1
    assert await next_look_ups(service, leased) == []

    await let_questions_be_forgotten(service)

    assert len(await next_look_ups(service, leased)) == 3


async def test_a_question_says_all_it_takes_to_keep_the_answer(
    leased: Session, service: Connection
) -> None:
    await said_in_both_chats(service, leased)
    await record_picture(service, leased, "17", "w/s/avatars/17.jpg")
    await tell(service, leased, stale=[stale(BOB, "picture", ago(seconds=-5))])

    rows = await service.fetch("select * from wa_next_lookups($1, 1, 9)", leased.id)

    by_jid = {(row["aspect"], row["jid"]): row for row in rows}
    person, group = by_jid["picture", BOB], by_jid["picture", FAMILY]
    assert person["known_picture_id"] == "17"
    assert person["contact_id"] == (await bob(service))["id"]
    assert person["chat_id"] is None
    assert group["chat_id"] == (await chat(service))["id"]
    assert group["contact_id"] is None
    assert {str(row["workspace_id"]) for row in rows} == {leased.workspace_id}


async def test_people_who_only_are_in_a_group_are_not_asked_about(
    leased: Session, service: Connection
) -> None:
    await tell(service, leased, rosters=[roster(1, ana="member")])

    assert ("picture", ANA) not in await next_look_ups(service, leased)


async def test_a_group_is_asked_about_again_when_it_changed_or_a_day_has_passed(
    leased: Session, service: Connection
) -> None:
    await said_in_both_chats(service, leased)
    assert GROUP in await next_look_ups(service, leased)
    await tell(
        service, leased, rosters=[roster(1, ana="member") | {"as_of": ago(seconds=9)}]
    )

    assert GROUP not in await next_look_ups(service, leased)

    await tell(service, leased, stale=[stale(FAMILY, "group", ago(hours=1))])
    assert GROUP not in await next_look_ups(service, leased)

    await tell(service, leased, stale=[stale(FAMILY, "group", ago(seconds=0))])
    assert GROUP in await next_look_ups(service, leased)

    await tell(service, leased, rosters=[roster(1, ana="member") | {"as_of": ago()}])
    await service.execute(
        "update wa_chats set refreshed_at = now() - interval '25 hours'"
    )
    assert GROUP in await next_look_ups(service, leased)


async def test_a_group_that_is_quiet_or_left_is_let_be(
    leased: Session, service: Connection
) -> None:
    await said_in_both_chats(service, leased)
    await tell(service, leased, rosters=[roster(1, ana="member")])
    await service.execute(
        "update wa_chats set last_message_at = now() - interval '8 days' where kind = 'group'"
    )
    assert GROUP not in await next_look_ups(service, leased)

    await tell(service, leased, stale=[stale(FAMILY, "group", ago(seconds=0))])
    await tell(service, leased, chat_updates=[update(1, left=True)])
    await let_questions_be_forgotten(service)

    assert await next_look_ups(service, leased) == [("picture", BOB)]


async def test_an_answer_from_before_a_change_does_not_count(
    leased: Session, service: Connection
) -> None:
    await said_in_both_chats(service, leased)
    await tell(service, leased, stale=[stale(FAMILY, "group", ago(seconds=5))])
    old = roster(1, ana="member") | {"as_of": ago(seconds=8)}
    await tell(service, leased, rosters=[old])

    assert GROUP in await next_look_ups(service, leased)


async def test_a_picture_is_kept_replaced_and_taken_away(
    leased: Session, service: Connection
) -> None:
    await said_in_both_chats(service, leased)

    assert await record_picture(service, leased, "1", "one.jpg") is None
    assert await record_picture(service, leased, "1", "one.jpg") is None
    assert await record_picture(service, leased, "2", "two.jpg") == "one.jpg"
    assert (await bob(service))["avatar_path"] == "two.jpg"
    assert await record_picture(service, leased, "2", None) is None
    assert await record_picture(service, leased, "", None) == "two.jpg"

    person = await bob(service)
    assert (person["avatar_id"], person["avatar_path"]) == ("", None)
    assert ("picture", BOB) not in await next_look_ups(service, leased)


async def test_a_hidden_picture_is_asked_for_again_after_a_week(
    leased: Session, service: Connection
) -> None:
    await said_in_both_chats(service, leased)
    await record_picture(service, leased, "1", "one.jpg")

    assert await record_picture(service, leased, None, None) is None

    person = await bob(service)
    assert (person["avatar_id"], person["avatar_path"]) == ("1", "one.jpg")
    assert ("picture", BOB) not in await next_look_ups(service, leased)
    await service.execute(
        "update wa_contacts set avatar_checked_at = now() - interval '8 days'"
    )
    assert ("picture", BOB) in await next_look_ups(service, leased)


async def test_a_picture_that_changed_while_it_was_asked_for_is_asked_for_again(
    leased: Session, service: Connection
) -> None:
    await said_in_both_chats(service, leased)
    assert ("picture", BOB) in await next_look_ups(service, leased)
    await tell(service, leased, stale=[stale(BOB, "picture", ago(seconds=0))])
    await record_picture(service, leased, "1", "one.jpg")

    assert (await bob(service))["avatar_path"] == "one.jpg"
    assert ("picture", BOB) in await next_look_ups(service, leased)


async def test_a_picture_of_nobody_is_to_be_deleted(
    leased: Session, service: Connection
) -> None:
    assert (
        await record_picture(service, leased, "1", "one.jpg", jid="7@lid") == "one.jpg"
    )


async def test_a_person_may_be_named_by_either_address(
    leased: Session, service: Connection
) -> None:
    await said_in_both_chats(service, leased)
    await store(service, leased, ALIAS)
    await record_picture(service, leased, "1", "one.jpg", jid=BOBS_PHONE)
    assert (await bob(service))["avatar_id"] == "1"

    await tell(service, leased, stale=[stale(BOBS_PHONE, "picture", ago(seconds=-5))])

    assert ("picture", BOB) in await next_look_ups(service, leased)


async def test_a_groups_picture_is_the_groups(
    leased: Session, service: Connection
) -> None:
    await said_in_both_chats(service, leased)
    await record_picture(service, leased, "5", "five.jpg", jid=FAMILY)

    family = await chat(service)
    assert (family["avatar_id"], family["avatar_path"]) == ("5", "five.jpg")
    assert PICTURES & set(await next_look_ups(service, leased)) == {("picture", BOB)}


async def test_a_change_from_the_future_and_a_clock_that_lags_ask_no_more_than_once(
    leased: Session, service: Connection
) -> None:
    await said_in_both_chats(service, leased)
    changed = [
        stale(FAMILY, "group", ago(days=-365)),
        stale(BOB, "picture", ago(days=-365)),
    ]
    await tell(service, leased, stale=changed)
    assert len(await next_look_ups(service, leased)) == 3

    answer = roster(1, ana="member") | {"as_of": ago(hours=1)}
    await tell(service, leased, rosters=[answer])
    for jid in (BOB, FAMILY):
        await record_picture(service, leased, "1", "one.jpg", jid=jid)

    assert await next_look_ups(service, leased) == []
