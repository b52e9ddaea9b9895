"""How connectors share sessions: as evenly as their room allows, and nothing moves twice."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.database.fleet import Fleet, even, in_state, sessions, silent
from tests.database.scene import (
    Connection,
    Database,
    Session,
    claim,
    expire,
    look,
    release,
    renew,
    surplus,
)

# One database for all examples: they empty what they need empty.
REUSED = [HealthCheck.function_scoped_fixture]


@settings(max_examples=15, deadline=None, suppress_health_check=REUSED)
@given(
    rooms=st.lists(st.integers(1, 9), min_size=1, max_size=5),
    count=st.integers(0, 18),
    joining=st.integers(0, 4),
)
async def test_whoever_joins_in_whatever_order_all_end_up_with_even_shares(
    database: Database,
    session: Session,
    service: Connection,
    rooms: list[int],
    count: int,
    joining: int,
) -> None:
    await service.execute("delete from wa_private.connectors")
    await sessions(database, session, count)
    names = {f"connector-{at}": room for at, room in enumerate(rooms)}
    first = dict(list(names.items())[: max(1, len(names) - joining)])
    fleet = Fleet(service, first)
    await fleet.settle()
    assert sorted(fleet.counts()) == even(list(first.values()), count)

    running = {key for mine in fleet.held.values() for key in mine}
    fleet.moves.clear()
    fleet.room = names
    await fleet.settle()

    assert sorted(fleet.counts()) == even(rooms, count)
    fleet.assert_nobody_shares_one()
    # What waited for room is taken by whoever comes first, and may move once more.
    moved = [times for key, times in fleet.moves.items() if key in running]
    assert set(moved) <= {1}, "each number moves at most once"


async def test_a_connector_that_joins_is_given_three_at_a_time(
    database: Database, session: Session, service: Connection
) -> None:
    await sessions(database, session, 10)
    fleet = Fleet(service, {"a": 20, "b": 20})
    await fleet.look("a")
    await fleet.look("b")
    assert fleet.counts() == [10, 0]

    first = await surplus(service, "a", fleet.held["a"])
    again = await surplus(service, "a", fleet.held["a"])

    assert len(first) == 3
    assert again == first, "those on their way are named again, and no others"
    await fleet.settle()
    assert fleet.counts() == [5, 5]


async def test_those_that_say_already_that_they_are_on_their_way_are_no_fewer(
    database: Database, session: Session, service: Connection
) -> None:
    await sessions(database, session, 6)
    fleet = Fleet(service, {"a": 20, "b": 20})
    await fleet.look("a")
    await fleet.look("b")
    leaving = await surplus(service, "a", fleet.held["a"])
    assert len(leaving) == 3

    # The worker is stopped and the row says so; the lease is released a moment later.
    async with database.as_postgres() as admin:
        await admin.execute(
            "update wa_sessions set state = 'reconnecting', state_code = 'handed_over'"
            " where id = any($1)",
            leaving,
        )

    assert await surplus(service, "a", fleet.held["a"]) == leaving


async def test_what_a_dead_machine_leaves_is_taken_to_the_last_by_one_look_of_each(
    database: Database, session: Session, service: Connection
) -> None:
    await sessions(database, session, 19)
    fleet = Fleet(service, dict.fromkeys("abcd", 20))
    await fleet.settle()
    *others, dead = sorted(fleet.room, key=lambda name: len(fleet.held[name]))
    assert [len(fleet.held[name]) for name in others] == [4, 5, 5]
    for key in fleet.held.pop(dead):
        await expire(database, key)
    await silent(database, dead)

    # Who has least asks first: what does not divide was kept for those with more.
    for name in others:
        await fleet.look(name)

    assert sorted(len(mine) for mine in fleet.held.values()) == [6, 6, 7]


async def test_a_dead_connector_s_share_is_free_before_its_leases_run_out(
    database: Database, session: Session, service: Connection
) -> None:
    await sessions(database, session, 9)
    fleet = Fleet(service, {"a": 20, "b": 20, "c": 20})
    await fleet.settle()
    await silent(database, "c")

    # Nobody can have them yet, but what is theirs to take is known.
    assert await claim(service, "a", held=list(fleet.held["a"]), capacity=20) == {}
    for key in fleet.held.pop("c"):
        await expire(database, key)
    del fleet.room["c"]
    await fleet.settle()

    assert sorted(fleet.counts()) == [4, 5]


async def test_nothing_is_given_up_when_nobody_else_lives_or_has_room(
    database: Database, session: Session, service: Connection
) -> None:
    await sessions(database, session, 6)
    fleet = Fleet(service, {"a": 20, "b": 20})
    await fleet.look("a")
    assert await surplus(service, "a", fleet.held["a"]) == set()

    await fleet.look("b")
    assert len(await surplus(service, "a", fleet.held["a"])) == 3
    # It stops: a look that has no room is its last word.
    await claim(service, "b", capacity=0)
    assert await surplus(service, "a", fleet.held["a"]) == set()


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("state", "pairing"),
        ("state", "connecting"),
        ("state", "syncing"),
        ("state", "reconnecting"),
        ("sync_state", "running"),
    ],
)
async def test_a_number_in_the_middle_of_something_is_not_moved(
    database: Database, session: Session, service: Connection, column: str, value: str
) -> None:
    await sessions(database, session, 4)
    fleet = Fleet(service, {"a": 20, "b": 20})
    await fleet.look("a")
    await fleet.look("b")
    await in_state(database, **{column: value})

    assert await surplus(service, "a", fleet.held["a"]) == set()

    await in_state(database, state="connected", sync_state="done")
    assert len(await surplus(service, "a", fleet.held["a"])) == 2


async def test_claims_at_once_give_no_session_to_two_and_nobody_more_than_its_share(
    database: Database, session: Session, service: Connection
) -> None:
    count, holders = 40, [f"connector-{at}" for at in range(4)]
    await sessions(database, session, count)
    for holder in holders:  # they live, and have seen nothing yet
        await claim(service, holder, capacity=0)

    async def looks(holder: str) -> dict[str, int]:
        async with database.as_service() as connection:
            return await claim(connection, holder, capacity=count)

    # The first two to register see one another or not: that much the race allows.
    taken = await asyncio.gather(*map(looks, holders))

    keys = [key for terms in taken for key in terms]
    assert len(keys) == len(set(keys))
    fleet = Fleet(
        service,
        dict.fromkeys(holders, count),
        dict(zip(holders, map(dict, taken), strict=True)),
    )
    await fleet.settle()
    assert fleet.counts() == [10, 10, 10, 10]


async def test_of_connectors_that_know_each_other_none_takes_more_than_its_share(
    database: Database, session: Session, service: Connection
) -> None:
    holders = [f"connector-{at}" for at in range(4)]
    await sessions(database, session, 0)
    for holder in holders:
        await claim(service, holder, capacity=50)
    await sessions(database, session, 42)

    async def looks(holder: str) -> int:
        async with database.as_service() as connection:
            return len(await claim(connection, holder, capacity=50))

    taken = await asyncio.gather(*map(looks, holders))

    assert sum(taken) == 42
    assert max(taken) <= 11


async def test_a_restarted_connector_has_its_own_back_although_others_have_fewer(
    database: Database, session: Session, service: Connection
) -> None:
    await sessions(database, session, 8)
    before = await claim(service, "a", capacity=20)
    await claim(service, "b", capacity=20)

    again = await claim(service, "a", capacity=20)

    assert again == dict.fromkeys(before, 2)


async def test_what_nobody_took_in_time_is_for_whoever_has_room(
    database: Database, session: Session, service: Connection
) -> None:
    # One for each; but "a" is slow.
    await sessions(database, session, 0)
    await claim(service, "a", capacity=5)
    await claim(service, "b", capacity=5)
    async with database.as_postgres() as admin:
        mine, left = await admin.fetch(
            "insert into wa_sessions (workspace_id, desired_state)"
            " values ($1, 'connected'), ($1, 'connected') returning id::text",
            session.workspace_id,
        )

    answer = await look(service, "b", capacity=5)

    assert len(answer["leases"]) == 1
    assert 9 < answer["look_again"] <= 10
    held = [answer["leases"][0]["session_id"]]
    async with database.as_postgres() as admin:
        await admin.execute(
            "alter table wa_sessions disable trigger before_update_stamp_updated_at"
        )
        await admin.execute(
            "update wa_sessions set updated_at = now() - interval '11 s'"
        )
    taken = await claim(service, "b", capacity=5, held=held)

    assert {*held, *taken} == {mine["id"], left["id"]}


async def test_who_may_be_dead_is_waited_for_to_the_second(
    database: Database, session: Session, service: Connection
) -> None:
    await sessions(database, session, 1)
    await claim(service, "a")
    assert (await look(service, "b"))["look_again"] is None, "it looks regularly"

    await silent(database, "a")

    assert 25 < (await look(service, "b"))["look_again"] <= 30


async def test_after_an_outage_for_all_nobody_takes_what_another_still_runs(
    database: Database, session: Session, service: Connection
) -> None:
    ids = await sessions(database, session, 6)
    fleet = Fleet(service, {"a": 20, "b": 20})
    await fleet.settle()
    mine, theirs = (set(fleet.held[name]) for name in ("a", "b"))
    async with database.as_postgres() as admin:
        await admin.execute(
            "update wa_private.connectors set looked_at = now() - interval '1 hour',"
            " shares_until = now() - interval '1 hour'"
        )
    for key in ids:
        await expire(database, key)
    for key in theirs:  # nor after a command that ran before all others were back
        borrowing = "select wa_borrow_lease($1, 'a command', '30 s')"
        borrowed = await service.fetchval(borrowing, key)
        await release(service, "a command", {key: borrowed["term"]})

    back = await claim(service, "a", capacity=20)
    late = await claim(service, "b", capacity=20)

    assert (set(back), set(late)) == (mine, theirs)


async def test_an_outage_that_only_some_leases_outlive_moves_no_number(
    database: Database, session: Session, service: Connection
) -> None:
    await sessions(database, session, 6)
    fleet = Fleet(service, {"a": 20, "b": 20})
    await fleet.settle()
    # 23 seconds; "b" was about to look when it began, "a" had just done so.
    async with database.as_postgres() as admin:
        for name, ago in (("a", 23), ("b", 32)):
            await admin.execute(
                "update wa_private.connectors"
                " set looked_at = now() - $2 * interval '1 s',"
                " shares_until = now() + (25 - $2) * interval '1 s' where holder = $1",
                name,
                ago,
            )
    for key in fleet.held["b"]:
        await expire(database, key)

    back = await look(service, "a", capacity=20, held=list(fleet.held["a"]))

    assert back["leases"] == []
    assert 0 < back["look_again"] <= 20
    late = await claim(service, "b", capacity=20)
    assert late.keys() == fleet.held["b"].keys()


async def test_a_term_tells_how_long_ago_another_had_the_session(
    database: Database, leased: Session, service: Connection
) -> None:
    await release(service, "connector-a", {leased.id: 1})
    [taken] = (await look(service, "connector-b"))["leases"]
    [again] = (await look(service, "connector-b"))["leases"]
    async with database.as_postgres() as admin:
        first = await admin.fetchval(
            "select changed_hands_at from wa_private.session_leases where term = 3"
        )

    assert taken["other_held_ago"] == 0
    assert 0 < again["other_held_ago"] < 60
    assert first is not None
    await expire(database, leased.id)
    assert await claim(service, "connector-b") == {leased.id: 4}


async def test_a_release_rings_for_the_next_holder(
    database: Database, leased: Session, service: Connection
) -> None:
    rings = "select count(*) from realtime.messages where event = 'session_changed'"
    async with database.as_postgres() as admin:
        before = await admin.fetchval(rings)
        await release(service, "connector-b", {leased.id: 1})
        assert await admin.fetchval(rings) == before, "nothing was released"

        await release(service, "connector-a", {leased.id: 1})

        assert await admin.fetchval(rings) == before + 1


async def test_a_look_at_a_thousand_numbers_among_many_that_rest_reads_no_table_whole(
    database: Database, session: Session
) -> None:
    await sessions(database, session, 1_000)
    async with database.as_postgres() as admin:
        await admin.execute(
            "insert into wa_sessions (workspace_id)"
            " select $1 from generate_series(1, 20000)",
            session.workspace_id,
        )
        await admin.execute("analyze wa_sessions, wa_private.session_leases")
        mine = await claim(admin, "a", capacity=2_000)
        assert len(mine) == 1_000
    # Another connection: what the first one read is counted elsewhere.
    async with database.as_service() as connection, connection.transaction():
        assert await renew(connection, "a", mine) == mine.keys()
        assert await claim(connection, "a", capacity=2_000, held=list(mine)) == {}
        read = await connection.fetchval(
            "select sum(seq_tup_read) from pg_stat_xact_user_tables"
            " where relname in ('wa_sessions', 'session_leases')"
        )

    assert read == 0
