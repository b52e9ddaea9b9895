"""What an insert into wa_outbox brings about at once."""

from __future__ import annotations

import asyncio
import json

import asyncpg
import pytest

from tests.database.scene import (
    PATIENCE_SECONDS,
    Connection,
    Database,
    Session,
    exchange,
    store,
)

NOTHING_TO_SEND_TO = [
    "",
    "banana",
    "123",
    "+0 11 91234",
    "00000000-0000-0000-0000-000000000000",
    "x@example.com",
    "120363@newsletter",
    "@lid",
    "9" * 5_000,
    "'; drop table wa_outbox; --",
]
NOTHING_TO_SHOW = [
    ("text", {"text": ""}),
    ("text", {"text": "  \n"}),
    ("text", {"text": 7}),
    ("text", {"text": "x" * 70_000}),
    ("text", {}),
    ("text", []),
    ("text", "oi"),
    ("text", None),
    ("hologram", {"text": "oi"}),
]
INSERT = """insert into wa_outbox (session_id, "to", kind, payload)
    values ($1, $2, $3, $4) returning *"""


async def insert(
    connection: Connection, session: Session, to: str, text: str = "oi"
) -> asyncpg.Record:
    row = await connection.fetchrow(INSERT, session.id, to, "text", {"text": text})
    assert row is not None
    return row


@pytest.mark.parametrize(
    ("to", "address"),
    [
        ("5521987654321", "5521987654321@s.whatsapp.net"),
        ("+55 (21) 98765-4321", "5521987654321@s.whatsapp.net"),
        ("5521987654321@s.whatsapp.net", "5521987654321@s.whatsapp.net"),
        ("5521987654321:12@s.whatsapp.net", "5521987654321@s.whatsapp.net"),
        ("1234@lid", "1234@lid"),
        ("120363041234567890@g.us", "120363041234567890@g.us"),
        ("5511999-1400000000@g.us", "5511999-1400000000@g.us"),
    ],
)
async def test_the_chat_is_opened_and_shows_the_message_as_pending(
    database: Database, session: Session, to: str, address: str
) -> None:
    async with database.as_member(session.owner) as member:
        row = await insert(member, session, to)
        chat = await member.fetchrow("select * from wa_chats")
        message = await member.fetchrow("select * from wa_messages")

    assert chat is not None
    assert message is not None
    assert (row["to_jid"], chat["jid"]) == (address, address)
    assert row["chat_id"] == message["chat_id"] == chat["id"]
    assert row["message_id"] == message["id"]
    assert str(row["workspace_id"]) == session.workspace_id
    assert str(row["created_by"]) == session.owner
    assert (message["status"], message["source"], message["body"]) == (
        "pending",
        "outbox",
        "oi",
    )
    assert chat["last_message_preview"] == "oi"
    assert chat["unread_count"] == 0
    assert chat["kind"] == ("group" if address.endswith("@g.us") else "direct")
    assert (chat["contact_id"] is None) == address.endswith("@g.us")


async def test_a_chat_can_be_named_by_its_id(
    database: Database, session: Session
) -> None:
    async with database.as_member(session.owner) as member:
        first = await insert(member, session, "1234@lid")
        again = await insert(member, session, str(first["chat_id"]).upper())

        assert again["chat_id"] == first["chat_id"]
        assert again["to_jid"] == "1234@lid"


async def test_another_tenants_chat_is_nobody(
    database: Database, session: Session
) -> None:
    stranger = await database.session()
    async with database.as_member(stranger.owner) as member:
        theirs = await insert(member, stranger, "1234@lid")
    async with database.as_member(session.owner) as member:
        row = await insert(member, session, str(theirs["chat_id"]))

    assert (row["chat_id"], row["to_jid"], row["message_id"]) == (None, None, None)


async def test_a_known_number_is_written_to_under_its_lid(
    database: Database, leased: Session, service: Connection
) -> None:
    await store(
        service,
        leased,
        {"aliases": [{"lid": "1234@lid", "phone": "5521987654321@s.whatsapp.net"}]},
    )
    async with database.as_member(leased.owner) as member:
        row = await insert(member, leased, "+55 21 98765 4321")

    assert row["to_jid"] == "1234@lid"
    (claimed,) = await exchange(service, leased)
    assert claimed["chat_jid"] == "1234@lid"
    assert claimed["to"] == "+55 21 98765 4321"


@pytest.mark.parametrize("to", NOTHING_TO_SEND_TO)
async def test_a_malformed_recipient_is_queued_for_the_connector_to_refuse(
    database: Database, leased: Session, service: Connection, to: str
) -> None:
    async with database.as_member(leased.owner) as member:
        row = await insert(member, leased, to)

    assert (row["state"], row["chat_id"]) == ("queued", None)
    assert await service.fetchval("select count(*) from wa_chats") == 0
    assert await service.fetchval("select count(*) from wa_messages") == 0
    (claimed,) = await exchange(service, leased)
    assert (claimed["to"], claimed["chat_jid"]) == (to, None)


@pytest.mark.parametrize(("kind", "payload"), NOTHING_TO_SHOW)
async def test_a_malformed_payload_is_queued_and_shows_no_message(
    database: Database, leased: Session, service: Connection, kind: str, payload: object
) -> None:
    async with database.as_member(leased.owner) as member:
        await member.execute(INSERT, leased.id, "1234@lid", kind, payload)

    assert await service.fetchval("select count(*) from wa_messages") == 0
    (claimed,) = await exchange(service, leased)
    assert (claimed["kind"], claimed["payload"]) == (kind, payload)


async def test_what_is_missing_is_queued_for_the_connector_to_refuse(
    database: Database, leased: Session, service: Connection
) -> None:
    async with database.as_member(leased.owner) as member:
        await member.execute(INSERT, leased.id, None, None, None)

    (claimed,) = await exchange(service, leased)
    assert (claimed["to"], claimed["kind"], claimed["payload"]) == ("", "", None)


async def test_another_tenants_session_is_refused_and_leaves_nothing_behind(
    database: Database, session: Session, service: Connection
) -> None:
    stranger = await database.session()
    async with database.as_member(stranger.owner) as member:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await insert(member, session, "1234@lid")

    assert await service.fetchval("select count(*) from wa_chats") == 0
    assert await service.fetchval("select count(*) from wa_outbox") == 0


async def test_a_session_that_does_not_exist_is_refused(
    database: Database, session: Session
) -> None:
    nowhere = Session(
        id="00000000-0000-0000-0000-000000000000",
        workspace_id=session.workspace_id,
        owner=session.owner,
    )
    async with database.as_member(session.owner) as member:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await insert(member, nowhere, "1234@lid")


async def test_one_statement_rings_the_doorbell_once_with_an_id_only(
    database: Database, session: Session
) -> None:
    async with database.as_member(session.owner) as member:
        await member.execute(
            """insert into wa_outbox (session_id, "to", payload)
            select $1, '1234@lid', '{"text": "secret"}' from generate_series(1, 50)""",
            session.id,
        )
    async with database.as_postgres() as connection:
        rung = await connection.fetch(
            "select event, payload - 'id' as payload, private from realtime.messages"
            " where topic = 'wa:connectors' and event = 'outbox_queued'"
        )
        everything = await connection.fetch("select payload from realtime.messages")

    assert [tuple(row.values()) for row in rung] == [
        ("outbox_queued", {"session_id": session.id}, True)
    ]
    assert "secret" not in json.dumps([row["payload"] for row in everything])


async def test_a_scheduled_row_whose_chat_is_merged_away_still_goes_out(
    database: Database, leased: Session, service: Connection
) -> None:
    async with database.as_member(leased.owner) as member:
        await insert(member, leased, "5521987654321")
    await store(service, leased, {"chats": [{"jid": "1234@lid", "kind": "direct"}]})
    await store(
        service,
        leased,
        {"aliases": [{"lid": "1234@lid", "phone": "5521987654321@s.whatsapp.net"}]},
    )

    (claimed,) = await exchange(service, leased)
    assert claimed["chat_jid"] == "1234@lid"
    assert await service.fetchval("select count(*) from wa_chats") == 1


async def test_an_insert_waits_for_the_batch_that_is_learning_whose_number_it_is(
    database: Database, leased: Session, service: Connection
) -> None:
    async with database.as_member(leased.owner) as member:
        learning = service.transaction()
        await learning.start()
        await store(
            service,
            leased,
            {"aliases": [{"lid": "1234@lid", "phone": "5521987654321@s.whatsapp.net"}]},
        )
        inserted = asyncio.create_task(insert(member, leased, "5521987654321"))
        await waiting_for_a_lock(database)
        await learning.commit()

        assert (await inserted)["to_jid"] == "1234@lid"


async def test_inserts_and_batches_lock_chats_in_one_order(
    database: Database, leased: Session, service: Connection
) -> None:
    for jid in ("2@lid", "1@lid"):  # not the order on disk
        await insert(service, leased, jid)
    lock = "select from wa_chats where jid = $1 for no key update nowait"

    async with database.as_postgres() as first, database.as_postgres() as second:
        holding = first.transaction()
        await holding.start()
        await first.execute(lock, "1@lid")
        inserted = asyncio.create_task(
            service.execute(
                'insert into wa_outbox (session_id, "to", payload)'
                """ select $1, jid, '{"text": "oi"}' from unnest($2::text[]) as jid""",
                leased.id,
                ["2@lid", "1@lid"],
            )
        )
        await waiting_for_a_lock(database)

        await second.execute(lock, "2@lid")  # free: the insert stands in line at 1@lid

        await holding.commit()
        await inserted


async def waiting_for_a_lock(database: Database) -> None:
    """Return once some other connection to the database waits for a lock."""
    async with asyncio.timeout(PATIENCE_SECONDS), database.as_postgres() as connection:
        # Postgres tells nobody when somebody begins to wait.
        while not await connection.fetchval(  # noqa: ASYNC110
            "select exists (select from pg_stat_activity"
            " where wait_event_type = 'Lock' and datname = $1)",
            database.name,
        ):
            await asyncio.sleep(0)
