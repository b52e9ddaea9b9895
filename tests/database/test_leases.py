"""Who may run a session: races need two connections, and here they have them."""

from __future__ import annotations

import asyncio

import asyncpg
import pytest

from tests.database.scene import (
    PATIENCE_SECONDS,
    Connection,
    Database,
    Session,
    claim,
    expire,
    look,
    release,
    renew,
)


async def test_two_claimers_at_once_get_every_session_once(database: Database) -> None:
    sessions = {(await database.session()).id for _ in range(12)}

    async def claims(holder: str) -> set[str]:
        taken: set[str] = set()
        async with database.as_service() as connection:
            while more := await claim(
                connection, holder, capacity=len(taken) + 2, held=list(taken)
            ):
                assert set(more.values()) == {1}
                taken |= more.keys()
        return taken

    a, b = await asyncio.gather(claims("a"), claims("b"))

    # What one held while the other looked is found by asking once more.
    rest = await claims("c")
    assert len(a) + len(b) + len(rest) == len(sessions)
    assert a | b | rest == sessions


async def test_a_claim_in_progress_is_skipped_not_waited_for(
    database: Database, session: Session
) -> None:
    async with database.as_service() as a, database.as_service() as b:
        async with a.transaction():
            assert await claim(a, "connector-a") == {session.id: 1}
            assert await claim(b, "connector-b") == {}

        assert await claim(b, "connector-b") == {}


async def test_a_held_lease_is_not_given_away_before_it_expires(
    database: Database, leased: Session, service: Connection
) -> None:
    assert await claim(service, "connector-b") == {}

    await expire(database, leased.id)

    assert await claim(service, "connector-b") == {leased.id: 2}


async def test_a_restarted_holder_resumes_at_once_under_a_new_term(
    leased: Session, service: Connection
) -> None:
    assert await claim(service, "connector-a", held=[leased.id]) == {}
    assert await claim(service, "connector-a") == {leased.id: 2}
    assert await renew(service, "connector-a", {leased.id: 1}) == set()
    assert await renew(service, "connector-a", {leased.id: 2}) == {leased.id}


async def test_a_late_renewal_cannot_revive_an_expired_lease(
    database: Database, leased: Session, service: Connection
) -> None:
    await expire(database, leased.id)

    assert await renew(service, "connector-a", {leased.id: 1}) == set()
    assert await claim(service, "connector-a", held=[leased.id]) == {leased.id: 2}


async def test_a_renewal_that_waits_for_a_takeover_finds_its_lease_gone(
    database: Database, leased: Session
) -> None:
    await expire(database, leased.id)
    async with database.as_service() as a, database.as_service() as b:
        takeover = b.transaction()
        await takeover.start()
        assert await claim(b, "connector-b") == {leased.id: 2}
        renewal = asyncio.create_task(renew(a, "connector-a", {leased.id: 1}))
        await takeover.commit()

        assert await asyncio.wait_for(renewal, PATIENCE_SECONDS) == set()


async def test_only_the_holder_renews_and_releases(
    leased: Session, service: Connection
) -> None:
    assert await renew(service, "connector-b", {leased.id: 1}) == set()
    assert await release(service, "connector-b", {leased.id: 1}) == set()
    assert await release(service, "connector-a", {leased.id: 7}) == set()
    assert await renew(service, "connector-a", {leased.id: 1}) == {leased.id}


async def test_releasing_is_expiring_so_the_term_goes_on_rising(
    leased: Session, service: Connection
) -> None:
    assert await release(service, "connector-a", {leased.id: 1}) == {leased.id}

    assert await renew(service, "connector-a", {leased.id: 1}) == set()
    assert await claim(service, "connector-b") == {leased.id: 2}


async def test_a_stale_term_writes_nothing(
    leased: Session, service: Connection
) -> None:
    assert await claim(service, "connector-a") == {leased.id: 2}

    for term in (0, 1, 3):
        with pytest.raises(asyncpg.PostgresError, match="lease lost") as refusal:
            await service.execute(
                "select wa_report_session($1, $2, $3)",
                leased.id,
                term,
                {"state": "banned"},
            )
        assert refusal.value.sqlstate == "ZB001"

    state = await service.fetchval("select state from wa_sessions")
    assert state == "disconnected"


async def test_a_takeover_waits_its_turn_behind_a_write_in_flight(
    database: Database, leased: Session
) -> None:
    await expire(database, leased.id)
    async with database.as_service() as a, database.as_service() as b:
        async with a.transaction():
            await a.execute(
                "select wa_report_session($1, 1, $2)", leased.id, {"state": "connected"}
            )
            assert await claim(b, "connector-b") == {}

        assert await claim(b, "connector-b") == {leased.id: 2}
        assert await b.fetchval("select state from wa_sessions") == "connected"


async def test_a_renewal_does_not_wait_for_a_write_in_flight(
    database: Database, leased: Session
) -> None:
    async with database.as_service() as a, database.as_service() as b, a.transaction():
        await a.execute("select wa_report_session($1, 1, '{}')", leased.id)

        assert await renew(b, "connector-a", {leased.id: 1}) == {leased.id}


async def test_only_sessions_with_work_are_claimed(
    database: Database, service: Connection
) -> None:
    idle = await database.session(desired_state="disconnected")
    assert await claim(service, "connector-a") == {}

    await service.execute("update wa_sessions set desired_state = 'connected'")
    assert await claim(service, "connector-a") == {idle.id: 1}
    await service.execute(
        "select wa_report_session($1, 1, $2)",
        idle.id,
        {"state": "connected", "jid": "5511912345678@s.whatsapp.net"},
    )
    await release(service, "connector-a", {idle.id: 1})

    # Wants to be disconnected, and is not: somebody must see to it.
    await service.execute("update wa_sessions set desired_state = 'disconnected'")
    assert await claim(service, "connector-a") == {idle.id: 2}
    await service.execute(
        "select wa_report_session($1, 2, $2)", idle.id, {"state": "disconnected"}
    )
    await release(service, "connector-a", {idle.id: 2})
    assert await claim(service, "connector-a") == {}

    # A number still linked at WhatsApp has to be unlinked there.
    await service.execute("update wa_sessions set desired_state = 'logged_out'")
    assert await claim(service, "connector-a") == {idle.id: 3}


async def test_asking_again_with_the_same_value_is_noticed(
    database: Database, session: Session, service: Connection
) -> None:
    [row] = (await look(service, "a"))["leases"]
    async with database.as_member(session.owner) as member:
        await member.execute("update wa_sessions set desired_state = 'connected'")
        await member.execute("update wa_sessions set name = 'Sales'")

    renewed = await service.fetchrow(
        "select * from wa_renew_leases('a', $1, '30 s')",
        [{"session_id": session.id, "term": 1}],
    )

    assert renewed is not None
    assert renewed["desired_revision"] == row["desired_revision"] + 1


async def test_a_report_writes_the_given_columns_and_no_others(
    leased: Session, service: Connection
) -> None:
    await service.execute(
        "select wa_report_session($1, 1, $2)",
        leased.id,
        {"state": "pairing", "qr_code": "2@abc", "qr_expires_at": "2026-01-01T00:00Z"},
    )
    await service.execute(
        "select wa_report_session($1, 1, $2)", leased.id, {"qr_code": None}
    )

    row = await service.fetchrow("select * from wa_sessions")
    assert row is not None
    assert (row["state"], row["qr_code"]) == ("pairing", None)
    assert row["qr_expires_at"] is not None
    with pytest.raises(asyncpg.PostgresError, match="desired_state"):
        await service.execute(
            "select wa_report_session($1, 1, $2)",
            leased.id,
            {"desired_state": "disconnected"},
        )


async def test_a_deleted_session_takes_its_lease_along(
    leased: Session, service: Connection
) -> None:
    await service.execute("delete from wa_sessions where id = $1", leased.id)

    assert await renew(service, "connector-a", {leased.id: 1}) == set()


async def test_nobody_logs_in_during_a_ban_whatever_is_asked(
    database: Database, session: Session, service: Connection
) -> None:
    async with database.as_postgres() as admin:
        await admin.execute(
            "update wa_sessions set state = 'banned', jid = 'x', settled_revision = 1,"
            " retry_at = now() + interval '1 hour'"
        )
    async with database.as_member(session.owner) as member:
        for wish in ("connected", "logged_out"):
            await member.execute("update wa_sessions set desired_state = $1", wish)
            assert await claim(service, "connector-a") == {}

    async with database.as_postgres() as admin:
        await admin.execute("update wa_sessions set retry_at = now()")
    assert await claim(service, "connector-a") == {session.id: 1}


async def test_an_events_thirty_days_end_with_the_next_event(
    database: Database, leased: Session, service: Connection
) -> None:
    another = "select wa_record_event($1, 1, 'info', $2, 'x', '{}')"
    for code in ("old", "recent"):
        await service.execute(another, leased.id, code)
    async with database.as_postgres() as admin:
        await admin.execute(
            "update wa_events set created_at = now() - case code"
            " when 'old' then interval '31 days' else interval '29 days' end"
        )

    await service.execute(another, leased.id, "new")

    codes = await service.fetch("select code from wa_events order by created_at")
    assert [row["code"] for row in codes] == ["recent", "new"]


async def test_what_members_switch_reaches_the_connector_with_the_next_renewal(
    database: Database, leased: Session, service: Connection
) -> None:
    query = (
        "select ignore_status, ignore_newsletters, ignore_calls, appear_online"
        " from wa_renew_leases('connector-a', $1, interval '30 s')"
    )
    held = [{"session_id": leased.id, "term": 1}]
    before = await service.fetchrow(query, held)

    async with database.as_member(leased.owner) as owner:
        await owner.execute(
            "update wa_sessions set ignore_status = false, ignore_newsletters = false,"
            " ignore_calls = false, appear_online = true"
        )

    after = await service.fetchrow(query, held)
    assert before is not None
    assert after is not None
    assert tuple(before) == (True, True, True, False)
    assert tuple(after) == (False, False, False, True)
