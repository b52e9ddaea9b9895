"""A device state is saved whole or not at all, by one writer, one generation after another."""

from __future__ import annotations

import asyncio
import base64
from typing import Any

import asyncpg
import pytest

from tests.database.scene import Connection, Database, Session, claim, expire


def sealed_text(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def _pages(pages: dict[int, str]) -> list[dict[str, Any]]:
    return [
        {"page": page, "sealed": sealed_text(content)}
        for page, content in pages.items()
    ]


async def save(
    connection: Connection,
    session: Session,
    generation: int,
    pages: dict[int, str],
    *,
    count: int,
    fresh: bool = True,
) -> None:
    await connection.execute(
        "select wa_save_device_state($1, 1, $2, $3, $4, $5, $6)",
        session.id,
        generation,
        sealed_text(f"\x01keys manifest {generation}"),
        _pages(pages),
        count,
        fresh,
    )


async def stage(
    connection: Connection,
    session: Session,
    generation: int,
    pages: dict[int, str],
    *,
    fresh: bool,
) -> None:
    await connection.execute(
        "select wa_stage_device_pages($1, 1, $2, $3, $4)",
        session.id,
        generation,
        _pages(pages),
        fresh,
    )


async def head(
    connection: Connection, session: Session, term: int = 1
) -> dict[str, Any] | None:
    found: dict[str, Any] | None = await connection.fetchval(
        "select wa_load_device_state($1, $2)", session.id, term
    )
    return found


async def loaded(
    connection: Connection, session: Session, term: int = 1
) -> list[tuple[int, int, str]]:
    """Page, generation and content, as a restore gets them: two at a time."""
    found: list[tuple[int, int, str]] = []
    while rows := await connection.fetch(
        "select * from wa_load_device_pages($1, $2, $3, 2)",
        session.id,
        term,
        len(found),
    ):
        found += [
            (row["page"], row["generation"], base64.b64decode(row["sealed"]).decode())
            for row in rows
        ]
    return found


async def test_nothing_is_saved_at_first(leased: Session, service: Connection) -> None:
    assert await head(service, leased) is None
    assert await loaded(service, leased) == []


async def test_later_saves_bring_only_what_changed(
    leased: Session, service: Connection
) -> None:
    await save(service, leased, 1, {0: "a", 1: "b", 2: "c"}, count=3)
    await save(service, leased, 2, {1: "B", 3: "d"}, count=4)

    newest = await head(service, leased)
    assert newest is not None
    assert newest["generation"] == 2
    assert base64.b64decode(newest["manifest"]) == b"\x01keys manifest 2"
    assert await loaded(service, leased) == [
        (0, 1, "a"),
        (1, 2, "B"),
        (2, 1, "c"),
        (3, 2, "d"),
    ]
    key = await service.fetchval("select key_id from wa_private.device_states")
    assert bytes.fromhex(key) == b"keys"


async def test_a_store_that_shrank_has_no_pages_beyond_its_end(
    leased: Session, service: Connection
) -> None:
    await save(service, leased, 1, {0: "a", 1: "b", 2: "c"}, count=3)
    await save(service, leased, 2, {0: "A"}, count=2)

    assert await loaded(service, leased) == [(0, 2, "A"), (1, 1, "b")]


async def test_a_save_that_would_leave_a_page_out_changes_nothing(
    leased: Session, service: Connection
) -> None:
    await save(service, leased, 1, {0: "a", 1: "b"}, count=2)

    with pytest.raises(asyncpg.InvalidParameterValueError):
        await save(service, leased, 2, {0: "A", 3: "d"}, count=4)

    assert await loaded(service, leased) == [(0, 1, "a"), (1, 1, "b")]
    newest = await head(service, leased)
    assert newest is not None
    assert newest["generation"] == 1


@pytest.mark.parametrize("generation", [1, 3, 0])
async def test_generations_have_no_gaps_and_do_not_repeat(
    leased: Session, service: Connection, generation: int
) -> None:
    await save(service, leased, 1, {0: "a"}, count=1)

    with pytest.raises(asyncpg.PostgresError, match="does not follow") as refused:
        await save(service, leased, generation, {0: "x"}, count=1)

    assert refused.value.sqlstate == "ZB002"
    assert await loaded(service, leased) == [(0, 1, "a")]


async def test_a_stale_term_saves_loads_and_forgets_nothing(
    leased: Session, service: Connection, database: Database
) -> None:
    await save(service, leased, 1, {0: "a"}, count=1)
    await expire(database, leased.id)
    await claim(service, "connector-b")

    for call in (
        save(service, leased, 2, {0: "late"}, count=1),
        stage(service, leased, 2, {0: "late"}, fresh=True),
        head(service, leased),
        loaded(service, leased),
        service.execute("select wa_forget_device_state($1, 1)", leased.id),
    ):
        with pytest.raises(asyncpg.PostgresError, match="lease lost"):
            await call

    assert await loaded(service, leased, term=2) == [(0, 1, "a")]


async def test_of_two_writers_of_one_generation_one_wins_whole(
    leased: Session, service: Connection, database: Database
) -> None:
    await save(service, leased, 1, {0: "a", 1: "b"}, count=2)
    async with database.as_service() as other:
        outcomes = await asyncio.gather(
            save(service, leased, 2, {0: "one", 1: "one"}, count=2),
            save(other, leased, 2, {0: "two", 1: "two"}, count=2),
            return_exceptions=True,
        )

    refused = [each for each in outcomes if isinstance(each, asyncpg.PostgresError)]
    assert [each.sqlstate for each in refused] == ["ZB002"]
    contents = {content for *_, content in await loaded(service, leased)}
    assert contents in ({"one"}, {"two"})


async def test_what_is_staged_counts_once_its_generation_is_saved(
    leased: Session, service: Connection
) -> None:
    await save(service, leased, 1, {0: "a"}, count=1)
    await stage(service, leased, 2, {0: "A", 1: "B"}, fresh=True)
    before = await loaded(service, leased)
    await save(service, leased, 2, {2: "C"}, count=3, fresh=False)

    assert before == [(0, 1, "a")]
    assert await loaded(service, leased) == [(0, 2, "A"), (1, 2, "B"), (2, 2, "C")]


async def test_what_a_save_that_was_given_up_had_staged_never_counts(
    leased: Session, service: Connection
) -> None:
    await save(service, leased, 1, {0: "a", 1: "b"}, count=2)
    await stage(service, leased, 2, {0: "half", 1: "half"}, fresh=True)
    await save(service, leased, 2, {1: "B"}, count=2)

    assert await loaded(service, leased) == [(0, 1, "a"), (1, 2, "B")]


async def test_what_was_forgotten_is_gone_and_generations_go_on(
    leased: Session, service: Connection
) -> None:
    await save(service, leased, 1, {0: "a"}, count=1)
    forgotten = await service.fetchval(
        "select wa_forget_device_state($1, 1)", leased.id
    )

    assert forgotten == 2
    assert await head(service, leased) == {"generation": 2, "manifest": None}
    assert await service.fetchval("select count(*) from wa_private.device_pages") == 0
    await save(service, leased, 3, {0: "new"}, count=1)
    assert await loaded(service, leased) == [(0, 3, "new")]


async def test_a_deleted_session_leaves_no_keys(
    leased: Session, service: Connection, database: Database
) -> None:
    await save(service, leased, 1, {0: "a"}, count=1)

    async with database.as_postgres() as postgres:
        await postgres.execute("delete from wa_sessions where id = $1", leased.id)

    for table in ("device_states", "device_pages"):
        assert await service.fetchval(f"select count(*) from wa_private.{table}") == 0  # noqa: S608 - two names of ours
