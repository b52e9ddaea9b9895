"""Who writes to the same chats at the same time waits, and nobody deadlocks."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from tests.database.conversation import ALIAS, BOB, BOBS_PHONE, message, messages
from tests.database.files import claim_media, picture
from tests.database.scene import PATIENCE_SECONDS, Connection, Database, Session, store

EARLIER_CHAT = "00@lid"
BY_NUMBER = {"chat_jid": BOBS_PHONE, "sender_jid": BOBS_PHONE}
IN_EARLIER_CHAT = {"chat_jid": EARLIER_CHAT, "sender_jid": EARLIER_CHAT}


async def keeps_somebody_waiting(database: Database, connection: Connection) -> None:
    holder = connection.get_server_pid()
    async with database.as_postgres() as observer, asyncio.timeout(PATIENCE_SECONDS):
        # Postgres tells nobody when somebody begins to wait.
        while not await observer.fetchval(  # noqa: ASYNC110
            "select exists (select from pg_stat_activity"
            " where $1 = any(pg_blocking_pids(pid)))",
            holder,
        ):
            await asyncio.sleep(0)


async def send(connection: Connection, session: Session, recipient: str) -> None:
    await connection.execute(
        'insert into wa_outbox (session_id, "to", payload)'
        """ values ($1, $2, '{"text": "hi"}')""",
        session.id,
        recipient,
    )


@pytest.mark.parametrize(
    "recipients", [(BOBS_PHONE, "5521900000001"), (EARLIER_CHAT, BOB)]
)
async def test_an_app_may_write_to_chats_that_are_being_joined(
    database: Database,
    leased: Session,
    service: Connection,
    recipients: tuple[str, str],
) -> None:
    known = messages(
        message("A"), message("B", **BY_NUMBER), message("C", **IN_EARLIER_CHAT)
    )
    await store(service, leased, known)

    async with database.as_member(leased.owner) as app:
        writing = app.transaction()
        await writing.start()
        await send(app, leased, recipients[0])
        joining = asyncio.create_task(
            store(service, leased, ALIAS | messages(message("D", **IN_EARLIER_CHAT)))
        )
        await keeps_somebody_waiting(database, app)
        await send(app, leased, recipients[1])
        await writing.commit()

    await joining
    async with database.as_service() as reader:
        chats = await reader.fetch("select jid from wa_chats")
    assert {BOB, EARLIER_CHAT} <= {row["jid"] for row in chats}
    assert BOBS_PHONE not in {row["jid"] for row in chats}


async def test_files_wait_for_a_batch_that_joins_the_messages_they_belong_to(
    database: Database, leased: Session, service: Connection
) -> None:
    await store(service, leased, messages(picture("A"), picture("A") | BY_NUMBER))
    batch = service.transaction()
    await batch.start()
    await store(service, leased, ALIAS)

    async with database.as_service() as fetcher:
        claiming = asyncio.create_task(claim_media(fetcher, leased))
        await keeps_somebody_waiting(database, service)
        await batch.commit()

        assert len(await claiming) == 1


async def waits(database: Database, connection: Connection) -> None:
    waiter = connection.get_server_pid()
    async with database.as_postgres() as observer, asyncio.timeout(PATIENCE_SECONDS):
        while not await observer.fetchval(  # noqa: ASYNC110
            "select cardinality(pg_blocking_pids($1)) > 0", waiter
        ):
            await asyncio.sleep(0)


async def report(connection: Connection, session: Session) -> None:
    await connection.execute(
        "select wa_report_session($1, 1, $2)",
        session.id,
        {"state": "connected", "jid": "5521900000009@s.whatsapp.net"},
    )


async def store_two(connection: Connection, session: Session) -> None:
    await store(connection, session, messages(message("B"), message("C", **BY_NUMBER)))


async def send_to_two(connection: Connection, session: Session) -> None:
    await connection.execute(
        """insert into wa_outbox (session_id, "to", payload)
        select $1, recipient, '{"text": "hi"}' from unnest($2::text[]) as recipient""",
        session.id,
        [BOB, "5521900000001"],
    )


async def resume(connection: Connection, session: Session) -> None:
    await connection.execute("select from wa_resume_sending($1)", session.id)


TURN = "select wa_private.take_turns($1)"
ROWS = "select from wa_outbox where session_id = $1 for update"


@pytest.mark.parametrize(
    ("held", "write"),
    [(TURN, report), (TURN, store_two), (TURN, send_to_two), (ROWS, resume)],
)
async def test_whoever_deletes_a_session_waits_for_what_is_written_to_it(
    database: Database,
    leased: Session,
    service: Connection,
    held: str,
    write: Callable[[Connection, Session], Coroutine[Any, Any, None]],
) -> None:
    await store(service, leased, messages(message("A")))
    await send(service, leased, BOB)
    await service.execute(
        "update wa_outbox set retry_at = now() + interval '1 h', error_code = 'throttled'"
    )
    turn = service.transaction()
    await turn.start()
    await service.execute(held, leased.id)

    async with database.as_service() as writer, database.as_service() as remover:
        writing = asyncio.create_task(write(writer, leased))
        await waits(database, writer)
        deleting = asyncio.create_task(
            remover.execute("delete from wa_sessions where id = $1", leased.id)
        )
        await waits(database, remover)
        await turn.commit()

        await writing
        assert await deleting == "DELETE 1"
