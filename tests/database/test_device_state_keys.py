"""Keys are exchanged below a saved device state, by whoever holds the lease, and nothing else changes."""

from __future__ import annotations

from typing import Any

import asyncpg
import pytest

from tests.database.scene import (
    Connection,
    Database,
    Session,
    claim,
    expire,
    look,
    release,
)
from tests.database.test_device_state import head, loaded, save, sealed_text, stage

OLD, NEW = "\x01old.", "\x01new."


async def borrow(connection: Connection, session_id: str) -> dict[str, Any] | None:
    found: dict[str, Any] | None = await connection.fetchval(
        "select wa_borrow_lease($1, 'a command', '30 s')", session_id
    )
    return found


async def reseal(
    connection: Connection,
    session: Session,
    generation: int,
    pages: dict[int, tuple[int, str]],
    manifest: str | None = None,
    term: int = 1,
) -> None:
    await connection.execute(
        "select wa_reseal_device_pages($1, $2, $3, $4, $5)",
        session.id,
        term,
        generation,
        [
            {"page": page, "generation": brought, "sealed": sealed_text(content)}
            for page, (brought, content) in pages.items()
        ],
        manifest and sealed_text(manifest),
    )


async def keys(connection: Connection) -> list[tuple[list[str], list[str], bool]]:
    rows = await connection.fetch("select * from wa_device_state_keys(null, 10)")
    return [
        (_plain(row["state_keys"]), row["claim_keys"], row["is_held"]) for row in rows
    ]


def _plain(key_ids: list[str]) -> list[str]:
    return [bytes.fromhex(each).decode() for each in key_ids]


async def test_a_lease_is_borrowed_only_while_nobody_runs_the_session(
    leased: Session, service: Connection
) -> None:
    held = await borrow(service, leased.id)
    await release(service, "connector-a", {leased.id: 1})
    borrowed = await borrow(service, leased.id)

    assert held is not None
    assert held["term"] is None
    assert borrowed == {
        "term": 2,
        "desired_state": "connected",
        "state": "disconnected",
    }
    assert await claim(service, "connector-a") == {}
    await release(service, "a command", {leased.id: 2})
    assert await claim(service, "connector-a") == {leased.id: 3}
    assert await borrow(service, leased.workspace_id) is None


async def test_who_borrows_a_lease_is_no_other_connector(
    leased: Session, service: Connection
) -> None:
    """Which would excuse a foreign login with the number's keys for a minute."""
    terms = [1]
    for name in ("connector-a", "connector-b"):
        await release(service, "connector-a", {leased.id: terms[-1]})
        borrowed = await borrow(service, leased.id)
        assert borrowed is not None
        await release(service, "a command", {leased.id: borrowed["term"]})
        [taken] = (await look(service, name))["leases"]
        terms.append(taken["term"])

        assert taken["other_held_ago"] == (None if name == "connector-a" else 0)


async def test_seals_are_exchanged_and_what_they_hold_stays_in_its_generation(
    leased: Session, service: Connection
) -> None:
    await save(service, leased, 1, {0: OLD + "a", 1: OLD + "b"}, count=2)
    await save(service, leased, 2, {1: OLD + "B"}, count=2)
    await reseal(service, leased, 2, {0: (1, NEW + "a")})
    half = await keys(service)
    await reseal(service, leased, 2, {1: (2, NEW + "B")}, NEW + "manifest")

    assert half == [(["keys", "new.", "old."], [], True)]
    assert await keys(service) == [(["new."], [], True)]
    assert await loaded(service, leased) == [(0, 1, NEW + "a"), (1, 2, NEW + "B")]
    newest = await head(service, leased)
    assert newest is not None
    assert newest["generation"] == 2


@pytest.mark.parametrize(
    ("generation", "pages", "refused"),
    [
        (1, {0: (1, NEW)}, "ZB002"),
        (2, {0: (2, NEW)}, "22023"),
        (2, {5: (1, NEW)}, "22023"),
    ],
)
async def test_what_was_saved_meanwhile_is_not_touched(
    leased: Session,
    service: Connection,
    generation: int,
    pages: dict[int, tuple[int, str]],
    refused: str,
) -> None:
    await save(service, leased, 1, {0: OLD, 1: OLD}, count=2)
    await save(service, leased, 2, {1: OLD + "B"}, count=2)

    with pytest.raises(asyncpg.PostgresError) as found:
        await reseal(service, leased, generation, pages)

    assert found.value.sqlstate == refused
    assert await loaded(service, leased) == [(0, 1, OLD), (1, 2, OLD + "B")]


async def test_a_stale_term_exchanges_nothing(
    leased: Session, service: Connection, database: Database
) -> None:
    await save(service, leased, 1, {0: OLD}, count=1)
    await expire(database, leased.id)
    await claim(service, "connector-b")

    with pytest.raises(asyncpg.PostgresError, match="lease lost"):
        await reseal(service, leased, 1, {0: (1, NEW)})


async def test_what_is_forgotten_or_staged_names_no_key(
    leased: Session, service: Connection
) -> None:
    await save(service, leased, 1, {0: OLD}, count=1)
    await stage(service, leased, 2, {0: "\x01half"}, fresh=True)
    before = await keys(service)
    await service.execute("select wa_forget_device_state($1, 1)", leased.id)

    assert before == [(["keys", "old."], [], True)]
    assert await keys(service) == []
