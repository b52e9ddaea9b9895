"""How fast a session sends: the rules of docs/pacing.md, one by one."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from connector.domain.outgoing.refusals import REFUSALS, UNKNOWN_REFUSAL
from tests.database.conversation import BOB, CAROL, FAMILY
from tests.database.pacing import DAY, MINUTE, Pacing, given_back, paused, went
from tests.database.scene import (
    Connection,
    Database,
    Session,
    ask_outbox,
    claim,
    expire,
    store,
)

DAN = "5@lid"
EVE = "6@lid"


@pytest.fixture
def pacing(leased: Session, service: Connection) -> Pacing:
    return Pacing(service, leased)


# --- One at a time, and a gap ------------------------------------------------------------


async def test_a_paced_session_has_one_message_under_way(pacing: Pacing) -> None:
    await pacing.limits(send_per_day=100)
    first, second = await pacing.writes(BOB, BOB)

    assert await pacing.claims() == [first]
    assert await pacing.claims() == []
    assert await pacing.claims(went(first)) == [second]


async def test_an_unpaced_session_keeps_no_account_of_what_it_sends(
    pacing: Pacing,
) -> None:
    rows = await pacing.writes(*[BOB] * 5)

    assert await pacing.claims() == rows
    await pacing.claims(*(went(row) for row in rows))

    assert await pacing.ledger() == []


async def test_a_gap_is_kept_after_each_message_and_is_never_the_same(
    pacing: Pacing,
) -> None:
    await pacing.limits(send_gap_seconds=10)
    await pacing.writes(*[BOB] * 5)

    gaps = []
    for _ in range(4):
        await pacing.sends()
        assert await pacing.claims() == []
        assert pacing.look_again is not None
        gaps.append(pacing.look_again)
        await pacing.time_passes(pacing.look_again)

    assert all(9.5 < gap <= 20 for gap in gaps)
    assert len({round(gap) for gap in gaps}) > 1


async def test_asking_again_and_again_finds_no_shorter_gap(pacing: Pacing) -> None:
    await pacing.limits(send_gap_seconds=10)
    await pacing.writes(BOB, BOB)
    await pacing.sends()

    waits = []
    for _ in range(10):
        assert await pacing.claims() == []
        assert pacing.look_again is not None
        waits.append(pacing.look_again)

    assert max(waits) - min(waits) < 1


# --- Windows -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("limit", "window"), [("send_per_minute", MINUTE), ("send_per_day", DAY)]
)
async def test_a_window_slides(pacing: Pacing, limit: str, window: float) -> None:
    await pacing.limits(**{limit: 2})
    await pacing.writes(*[BOB] * 3)

    assert len(await pacing.sends()) == 1
    await pacing.time_passes(window / 2)
    assert len(await pacing.sends(2)) == 1
    assert await pacing.claims() == []
    assert pacing.look_again is not None
    assert pacing.look_again <= min(window / 2, 3600)

    await pacing.time_passes(window / 2)
    assert len(await pacing.sends(2)) == 1


async def test_what_is_claimed_counts_before_anything_is_said_of_it(
    pacing: Pacing,
) -> None:
    await pacing.limits(send_per_day=1)
    row, _ = await pacing.writes(BOB, BOB)
    await pacing.claims()
    # A receipt told of it, or a person: no result ever will.
    await pacing.connection.execute(
        "update wa_outbox set state = 'delivered' where id = $1", row
    )

    assert len(await pacing.ledger()) == 1
    assert await pacing.claims() == []


async def test_what_is_given_back_was_not_sent(pacing: Pacing) -> None:
    await pacing.limits(send_per_day=1)
    (row,) = await pacing.writes(BOB)

    for _ in range(3):
        assert await pacing.claims() == [row]
        await pacing.claims(given_back(row), limit=0)

    assert await pacing.ledger() == []


async def test_what_paused_the_session_was_not_sent_either(pacing: Pacing) -> None:
    await pacing.limits(send_per_day=1)
    (row,) = await pacing.writes(BOB)

    await pacing.claims()
    await pacing.claims(paused(row, "all", 600), limit=0)

    assert await pacing.ledger() == []


async def test_what_never_left_takes_nobodys_place(pacing: Pacing) -> None:
    await pacing.limits(send_per_day=1)
    bad, good = await pacing.writes(BOB, BOB)
    await pacing.claims()

    failed = {"id": bad, "outcome": "failed", "code": "not_on_whatsapp"}

    assert await pacing.claims(failed) == [good]


async def test_what_whatsapp_refused_was_at_its_door(pacing: Pacing) -> None:
    refusals = (*REFUSALS.values(), UNKNOWN_REFUSAL)
    codes = sorted({each.code for each in refusals if each.pause is None})
    await pacing.limits(send_per_day=100)
    await pacing.writes(*[BOB] * (len(codes) + 1))

    (row,) = await pacing.claims()
    for code in codes:
        (row,) = await pacing.claims({"id": row, "outcome": "failed", "code": code})
    await pacing.claims(given_back(row), limit=0)

    assert len(await pacing.ledger()) == len(codes)


async def test_a_send_counts_from_when_it_is_known_to_have_ended(
    pacing: Pacing,
) -> None:
    await pacing.limits(send_per_minute=1)
    first, second = await pacing.writes(BOB, BOB)
    await pacing.claims()
    await pacing.time_passes(50)  # a large file, a slow line

    assert await pacing.claims(went(first)) == []
    await pacing.time_passes(50)
    assert await pacing.claims() == []
    await pacing.time_passes(10)
    assert await pacing.claims() == [second]


async def test_a_try_in_doubt_counts_and_so_does_the_next(pacing: Pacing) -> None:
    await pacing.limits(send_per_day=2)
    row, _ = await pacing.writes(BOB, BOB)
    await pacing.claims()
    await pacing.claims({"id": row, "outcome": "uncertain"}, limit=0)
    await pacing.connection.execute(
        "update wa_outbox set state = 'queued' where id = $1", row
    )

    assert await pacing.sends(2) == [row]
    assert await pacing.claims() == []


async def test_what_is_a_day_old_is_forgotten(pacing: Pacing) -> None:
    await pacing.limits(send_per_day=5)
    await pacing.writes(BOB, BOB)
    await pacing.sends()
    await pacing.time_passes(DAY + 1)

    await pacing.sends()

    assert len(await pacing.ledger()) == 1


async def test_what_was_sent_counts_though_its_row_is_deleted(pacing: Pacing) -> None:
    await pacing.limits(send_per_day=1)
    await pacing.writes(BOB)
    await pacing.sends()
    await pacing.connection.execute("delete from wa_outbox")
    await pacing.writes(BOB)

    assert await pacing.claims() == []


# --- Restarts and machines ---------------------------------------------------------------


async def test_what_a_dead_connector_reserved_is_sent_by_nobody_else_unsettled(
    database: Database, pacing: Pacing
) -> None:
    await pacing.limits(send_per_minute=1)
    row, _ = await pacing.writes(BOB, BOB)
    await pacing.claims()
    await expire(database, pacing.session.id)
    await claim(pacing.connection, "connector-b")
    successor = Pacing(pacing.connection, pacing.session, term=2)
    await successor.time_passes(2 * MINUTE)

    assert await successor.claims() == []
    assert await successor.claims({"id": row, "outcome": "uncertain"}) == []
    await successor.time_passes(MINUTE)
    assert len(await successor.claims()) == 1


async def test_of_two_claims_at_once_one_gets_a_message(
    database: Database, pacing: Pacing
) -> None:
    await pacing.limits(send_per_day=10)
    await pacing.writes(*[BOB] * 10)

    async def claims() -> int:
        async with database.as_service() as connection:
            answer = await ask_outbox(connection, pacing.session, limit=16)
            return len(answer["rows"])

    claimed = await asyncio.gather(*(claims() for _ in range(4)))

    assert sorted(claimed) == [0, 0, 0, 1]


@pytest.mark.parametrize("skew", [-20, 20])
async def test_the_clock_of_a_connector_cannot_matter(
    pacing: Pacing, skew: int
) -> None:
    await pacing.limits(send_gap_seconds=10)
    row, _ = await pacing.writes(BOB, BOB)
    await pacing.claims()
    by_its_clock = (await pacing.row())["now"] + timedelta(seconds=skew)

    # All it says of time; what it gets back is a duration.
    await pacing.claims(went(row, sent_at=by_its_clock.isoformat()))

    (reserved,) = await pacing.ledger()
    assert timedelta(0) <= reserved["ago"] < timedelta(seconds=5)
    assert pacing.look_again is not None
    assert 9 < pacing.look_again <= 20


# --- People who never wrote --------------------------------------------------------------


async def test_first_messages_to_strangers_wait_alone(pacing: Pacing) -> None:
    await pacing.limits(send_new_per_day=1)
    await pacing.hears(CAROL)
    to_bob, to_dan, to_carol = await pacing.writes(BOB, DAN, CAROL)

    assert await pacing.sends(3) == [to_bob, to_carol]
    await pacing.time_passes(DAY)
    assert await pacing.sends() == [to_dan]


async def test_a_stranger_counts_once_however_much_they_are_told(
    pacing: Pacing,
) -> None:
    await pacing.limits(send_new_per_day=1)
    rows = await pacing.writes(BOB, DAN, BOB, BOB)

    assert await pacing.sends(4) == [rows[0], rows[2], rows[3]]


async def test_whoever_answers_is_no_stranger(pacing: Pacing) -> None:
    await pacing.limits(send_new_per_day=0)
    (row,) = await pacing.writes(BOB)
    assert await pacing.claims() == []

    await pacing.hears(BOB)

    assert await pacing.claims() == [row]


async def test_a_group_is_nobody_who_never_wrote(pacing: Pacing) -> None:
    await pacing.limits(send_new_per_day=0)
    batch = {"chats": [{"jid": FAMILY, "kind": "group"}]}
    await store(pacing.connection, pacing.session, batch)

    rows = await pacing.writes(FAMILY)

    assert await pacing.sends() == rows


# --- Warm-up -----------------------------------------------------------------------------


async def test_a_number_just_linked_may_do_a_fifth_and_more_each_day(
    pacing: Pacing,
) -> None:
    share = """select wa_private.warm_up_share(now() - make_interval(days => $1), 4, now())"""

    shares = [
        float(await pacing.connection.fetchval(share, day))
        for day in (0, 1, 2, 3, 4, 400)
    ]

    assert shares == pytest.approx([0.2, 0.4, 0.6, 0.8, 1, 1])


async def test_each_day_of_warm_up_lets_more_go(pacing: Pacing) -> None:
    await pacing.limits(send_per_day=10)
    await pacing.connection.execute(
        "update wa_sessions set linked_at = now(), warm_up_days = 4"
    )
    await pacing.writes(*[BOB] * 9)

    assert len(await pacing.sends(9)) == 2
    await pacing.time_passes(DAY)
    assert len(await pacing.sends(9)) == 4


async def test_a_limit_warms_up_from_one(pacing: Pacing) -> None:
    await pacing.limits(send_per_minute=1, send_new_per_day=1)
    await pacing.connection.execute("update wa_sessions set linked_at = now()")
    await pacing.writes(BOB)

    assert len(await pacing.sends()) == 1


async def test_without_warm_up_days_all_is_allowed_at_once(pacing: Pacing) -> None:
    await pacing.limits(send_per_day=3)
    await pacing.connection.execute(
        "update wa_sessions set linked_at = now(), warm_up_days = 0"
    )
    await pacing.writes(*[BOB] * 3)

    assert len(await pacing.sends(3)) == 3


# --- What an app sees --------------------------------------------------------------------


async def test_when_the_next_may_go_is_shown_and_not_written_without_news(
    pacing: Pacing,
) -> None:
    await pacing.limits(send_per_day=1)
    await pacing.writes(BOB, BOB)
    await pacing.sends()

    await pacing.claims()
    shown = await pacing.row()
    for _ in range(3):
        await pacing.claims()

    assert shown["next_send_at"] - shown["now"] > timedelta(hours=23)
    assert (await pacing.row())["version"] == shown["version"]


async def test_a_higher_limit_is_seen_at_once(
    database: Database, pacing: Pacing
) -> None:
    await pacing.limits(send_per_day=1)
    await pacing.writes(BOB, BOB)
    await pacing.sends()
    await pacing.claims()
    rung = "select count(*) from realtime.messages where event = 'outbox_queued'"
    async with database.as_postgres() as looking:
        before = await looking.fetchval(rung)
        await pacing.limits(send_per_day=2)
        after = await looking.fetchval(rung)

    assert after == before + 1
    assert len(await pacing.sends()) == 1
    await pacing.claims()
    assert (await pacing.row())["next_send_at"] is None
