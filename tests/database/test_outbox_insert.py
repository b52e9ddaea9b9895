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

NOBODY = [
    "",
    "banana",
    "123",
    "+0 11 91234",
    "00000000-0000-0000-0000-000000000000",
    "x@example.com",
    "120363@newsletter",
    "@lid",
    "0@s.whatsapp.net",
    "somebody@s.whatsapp.net",
    "9" * 5_000,
    "'; drop table wa_outbox; --",
]
INSERT = """insert into wa_outbox (session_id, "to", kind, payload)
    values ($1, $2, $3, $4) returning *"""


async def insert(
    connection: Connection, session: Session, to: str, text: str = "oi"
) -> asyncpg.Record:
    row = await connection.fetchrow(INSERT, session.id, to, "text", {"text": text})
    assert row is not None
    return row


async def refused(
    connection: Connection,
    session: Session,
    *,
    to: str | None = "1@lid",
    kind: str = "text",
    payload: object = {"text": "oi"},
) -> asyncpg.CheckViolationError:
    """What an insert is refused with."""
    with pytest.raises(asyncpg.CheckViolationError) as refusal:
        await connection.execute(INSERT, session.id, to, kind, payload)
    return refusal.value


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
        refusal = await refused(member, session, to=str(theirs["chat_id"]))

    assert str(refusal).startswith("to is not the id of a chat of this session.")


async def test_nobody_writes_to_what_is_no_conversation(
    leased: Session, service: Connection
) -> None:
    await store(
        service, leased, {"chats": [{"jid": "1@newsletter", "kind": "newsletter"}]}
    )
    chat_id = await service.fetchval("select id from wa_chats")

    assert (await refused(service, leased, to=str(chat_id))).detail == "invalid_to"


async def test_the_id_of_a_chat_that_was_merged_away_leads_to_the_one_that_is_left(
    leased: Session, service: Connection
) -> None:
    phones = ["5521900000001", "5521900000002"]
    old = [str((await insert(service, leased, to))["chat_id"]) for to in phones]
    await store(service, leased, {"chats": [{"jid": "1234@lid", "kind": "direct"}]})
    for phone in phones:
        alias = {"lid": "1234@lid", "phone": f"{phone}@s.whatsapp.net"}
        await store(service, leased, {"aliases": [alias]})
    kept = await service.fetchval("select id from wa_chats")

    for chat_id in old:
        row = await insert(service, leased, chat_id)
        assert (row["chat_id"], row["to_jid"]) == (kept, "1234@lid")


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


@pytest.mark.parametrize("to", NOBODY)
async def test_a_malformed_recipient_is_refused(
    database: Database, session: Session, service: Connection, to: str
) -> None:
    async with database.as_member(session.owner) as member:
        refusal = await refused(member, session, to=to)

    assert refusal.detail == "invalid_to"
    assert str(refusal).startswith("to ")
    assert "+55" in str(refusal.hint)
    assert await service.fetchval("select count(*) from wa_chats") == 0


async def test_a_payload_that_can_never_be_sent_is_refused_with_the_field_and_an_example(
    database: Database, session: Session, service: Connection
) -> None:
    async with database.as_member(session.owner) as member:
        refusal = await refused(
            member, session, payload={"text": "oi", "captoin": "secret"}
        )

    assert str(refusal).splitlines()[0].startswith("payload has captoin: it can have")
    assert (refusal.detail, refusal.hint) == (
        "invalid_payload",
        'For example: {"text": "Olá!"}',
    )
    assert "secret" not in f"{refusal.as_dict()}"
    assert await service.fetchval("select count(*) from wa_chats") == 0


async def test_a_kind_that_is_none_is_refused(
    session: Session, service: Connection
) -> None:
    refusal = await refused(service, session, kind="hologram")

    assert refusal.detail == "unknown_kind"


async def test_one_bad_row_refuses_its_whole_statement(
    session: Session, service: Connection
) -> None:
    with pytest.raises(asyncpg.CheckViolationError):
        await service.execute(
            """insert into wa_outbox (session_id, "to", payload)
            select $1, '1@lid', jsonb_build_object('text', text)
            from unnest('{good,""}'::text[]) as text""",
            session.id,
        )

    assert await service.fetchval("select count(*) from wa_outbox") == 0


@pytest.mark.parametrize("after", ["-1 s", "0 s"])
async def test_a_row_that_expires_before_it_may_be_sent_is_refused(
    session: Session, service: Connection, after: str
) -> None:
    with pytest.raises(asyncpg.CheckViolationError) as refusal:
        await service.execute(
            """insert into wa_outbox (session_id, "to", payload, send_after, expires_at)
            select $1, '1@lid', '{"text": "oi"}', at, at + $2::text::interval
            from (select now() + interval '1 h' as at) as one_hour""",
            session.id,
            after,
        )

    assert refusal.value.detail == "invalid_expires_at"


async def test_what_a_row_leaves_out_may_be_null(
    leased: Session, service: Connection
) -> None:
    row = await service.fetchrow(
        """insert into wa_outbox (id, session_id, "to", kind, payload, priority, send_after)
        values (null, $1, '1@lid', null, '{"text": "oi"}', null, null) returning *""",
        leased.id,
    )

    assert row is not None
    assert (row["kind"], row["priority"]) == ("text", 0)
    (claimed,) = await exchange(service, leased)
    assert claimed["id"] == str(row["id"])


async def test_what_is_typed_is_shown_now_or_never(
    session: Session, service: Connection
) -> None:
    query = """insert into wa_outbox (session_id, "to", kind, payload, send_after)
        values ($1, '1@lid', 'typing', '{}', now() + $2::text::interval)
        returning extract(epoch from expires_at - greatest(send_after, now()))::integer"""

    for later in ("0 s", "1 h", "-1 h"):
        assert await service.fetchval(query, session.id, later) == 15
    assert await service.fetchval("select count(*) from wa_messages") == 0


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
