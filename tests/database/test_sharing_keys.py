"""Numbers go to connectors that can open their saved keys, as long as one of those lives."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from tests.database.fleet import Fleet, in_state, sessions, silent
from tests.database.scene import (
    Connection,
    Database,
    Session,
    claim,
    expire,
    look,
    release,
)

RIGHT, WRONG, OTHER = "0a0a0a0a", "0b0b0b0b", "0c0c0c0c"


def come(fleet: Fleet, **keys: Sequence[str]) -> None:
    """From now on these machines look, with room for all and keys of these ids."""
    fleet.keys, fleet.room = keys, dict.fromkeys(keys, 50)


def fleet_of(service: Connection, **keys: Sequence[str]) -> Fleet:
    fleet = Fleet(service, {})
    come(fleet, **keys)
    return fleet


async def sealed(database: Database, ids: Sequence[str], key: str = RIGHT) -> None:
    """Their saved states are sealed with the key of this id."""
    async with database.as_postgres() as admin:
        await admin.execute(
            "insert into wa_private.device_states (session_id, generation, manifest)"
            " select unnest($1::uuid[]), 1, decode('01' || $2, 'hex')",
            list(ids),
            key,
        )


async def test_a_machine_with_the_wrong_key_gets_none_and_is_told_how_many_it_leaves(
    database: Database, session: Session, service: Connection
) -> None:
    await sealed(database, await sessions(database, session, 6))
    fleet = fleet_of(service, a=[RIGHT], wrong=[WRONG], b=[WRONG, RIGHT])

    await fleet.settle()

    assert fleet.counts() == [3, 0, 3]
    answer = await look(service, "wrong", capacity=50, keys=[WRONG])
    assert (answer["leases"], answer["left_to_others"]) == ([], 6)
    answer = await look(service, "b", capacity=50, keys=[WRONG, RIGHT])
    assert answer["left_to_others"] == 0


async def test_it_leaves_alone_what_is_free_and_what_it_held_before_it_was_restarted(
    database: Database, session: Session, service: Connection
) -> None:
    ids = await sessions(database, session, 4)
    await sealed(database, ids)
    fleet = fleet_of(service, a=[RIGHT], b=[RIGHT])
    await fleet.settle()
    [free, *_] = fleet.held["a"]
    await expire(database, free)
    async with database.as_postgres() as admin:
        await admin.execute(
            "alter table wa_sessions disable trigger before_update_stamp_updated_at"
        )
        await admin.execute(
            "update wa_sessions set updated_at = now() - interval '1 hour'"
        )
        await admin.execute(
            "update wa_private.session_leases set expires_at = now() - interval '1 hour'"
            " where session_id = $1",
            free,
        )

    # Even what nobody took in time.
    assert await claim(service, "b", capacity=50, keys=[WRONG]) == {}
    assert list(await claim(service, "a", held=ids, keys=[RIGHT])) == [free]


async def test_alone_it_takes_all_so_that_somebody_hears_of_it_and_gives_them_back(
    database: Database, session: Session, service: Connection
) -> None:
    await sealed(database, await sessions(database, session, 5))
    fleet = fleet_of(service, wrong=[WRONG])
    await fleet.settle()
    assert fleet.counts() == [5]
    await in_state(database, state="failed")

    come(fleet, wrong=[WRONG], a=[RIGHT])
    await fleet.settle()

    assert fleet.counts() == [0, 5]
    # Dead or stopping, the other one is no reason to leave them.
    await release(service, "a", fleet.held["a"])
    await silent(database, "a")
    assert len(await claim(service, "wrong", capacity=50, keys=[WRONG])) == 5


async def test_what_it_cannot_open_is_handed_over_however_few_numbers_it_has(
    database: Database, session: Session, service: Connection
) -> None:
    ids = sorted(await sessions(database, session, 6))
    await sealed(database, ids[-1:])
    fleet = fleet_of(service, wrong=[WRONG])
    await fleet.settle()

    come(fleet, wrong=[WRONG], a=[RIGHT], b=[RIGHT])
    await fleet.settle()

    assert ids[-1] not in fleet.held["wrong"]
    assert sorted(fleet.counts()) == [2, 2, 2]


async def test_numbers_without_saved_keys_are_for_everybody(
    database: Database, session: Session, service: Connection
) -> None:
    ids = await sessions(database, session, 8)
    await sealed(database, ids[:5])
    fleet = fleet_of(service, a=[RIGHT], wrong=[WRONG])

    await fleet.settle()

    assert fleet.counts() == [5, 3]
    assert set(fleet.held["a"]) == set(ids[:5])


@pytest.mark.parametrize("unsealed", [0, 2, 5])
async def test_nobody_is_handed_what_only_others_can_open(
    database: Database, session: Session, service: Connection, unsealed: int
) -> None:
    ids = await sessions(database, session, 10)
    await sealed(database, ids[unsealed:])
    fleet = fleet_of(service, a=[RIGHT])
    await fleet.settle()
    # Those that link stay where they are, and still count as openable by all.
    async with database.as_postgres() as admin:
        await admin.execute(
            "update wa_sessions set state = 'pairing' where id = any($1::uuid[])",
            ids[:unsealed],
        )
    fleet.moves.clear()

    come(fleet, a=[RIGHT], wrong=[WRONG], b=[RIGHT])
    await fleet.settle()

    assert fleet.held["wrong"] == {}
    assert set(fleet.held["a"]) | set(fleet.held["b"]) == set(ids)
    assert len(fleet.held["b"]) >= 3
    assert set(fleet.moves.values()) <= {1}, "each moves at most once"


async def test_while_keys_are_exchanged_machine_by_machine_nothing_is_unreadable(
    database: Database, session: Session, service: Connection
) -> None:
    old, new = await sessions(database, session, 8), WRONG
    await sealed(database, old)
    fleet = fleet_of(service, a=[RIGHT], b=[RIGHT])
    await fleet.settle()
    async with database.as_postgres() as admin:
        await admin.execute(
            "update wa_private.device_states set manifest = decode('01' || $1, 'hex')"
            " where session_id = any($2::uuid[])",
            new,
            list(fleet.held["a"]),
        )

    # "a" was restarted with both, and what it runs has the new one.
    come(fleet, a=[new, RIGHT], b=[RIGHT], late=[OTHER])
    fleet.held["a"] = {}
    await fleet.settle()

    assert fleet.counts() == [4, 4, 0]
