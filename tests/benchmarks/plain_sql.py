"""The other baseline of storing: rows that are in Postgres already, into `wa_messages`."""

from __future__ import annotations

import time

import asyncpg

from tests.benchmarks.scene import Scene

PREPARE = """
insert into wa_contacts (workspace_id, session_id, jid, phone_number, push_name)
select workspace_id, $2, jid, phone_number, push_name from wa_contacts where session_id = $1;
insert into wa_chats (workspace_id, session_id, jid, kind, name)
select workspace_id, $2, jid, kind, name from wa_chats where session_id = $1;
create temporary table ready on commit drop as
select
  message.workspace_id, $2::uuid as session_id, chat.id as chat_id, person.id as person_id,
  message.whatsapp_id, message.from_me, message.sender_jid, message.sender_name, message.kind,
  message.body, message.content, message.mentions, message.sent_at, message.status, message.source
from wa_messages as message
inner join wa_chats as known_chat on known_chat.id = message.chat_id
inner join wa_chats as chat on chat.session_id = $2 and chat.jid = known_chat.jid
left join wa_contacts as known_person on known_person.id = message.sender_contact_id
left join wa_contacts as person on person.session_id = $2 and person.jid = known_person.jid
where message.session_id = $1
order by message.seq;
analyze ready
"""
INSERT = """
insert into wa_messages (
  workspace_id, session_id, chat_id, sender_contact_id, whatsapp_id, from_me, sender_jid,
  sender_name, kind, body, content, mentions, sent_at, status, source
)
select
  workspace_id, session_id, chat_id, person_id, whatsapp_id, from_me, sender_jid,
  sender_name, kind, body, content, mentions, sent_at, status, source
from ready
"""


async def rows_per_s(scene: Scene, session_id: str, *, triggers: bool) -> float:
    """`insert … select` of all that one number has, for another number of the same app."""
    copy = await scene.app.adds_number("Copy")
    connection = await asyncpg.connect(scene.stage.supabase.database_url)
    try:
        await connection.execute("begin")
        for statement in PREPARE.split(";"):
            given = [
                one for n, one in ((1, session_id), (2, copy)) if f"${n}" in statement
            ]
            await connection.execute(statement, *given)
        if not triggers:
            await connection.execute("alter table wa_messages disable trigger user")
        started = time.monotonic()
        told = await connection.execute(INSERT)
        took = time.monotonic() - started
        await connection.execute("alter table wa_messages enable trigger user")
        await connection.execute("commit")
    finally:
        await connection.close()
    return int(told.split()[-1]) / took
