"""All that apps see of what came in, and what decides what comes later."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tests.database.scene import Connection, Row, Session, store

# Without what names a row itself, and without when it was written.
QUERIES = {
    "contacts": """select jid, phone_number, push_name, saved_name, business_name, display_name,
        on_whatsapp from wa_contacts""",
    "chats": """select chat.jid, kind, name, description, contact.jid, unread_count, read_up_to,
        ticked_up_to, last_message_at, last_message_preview, last_message_kind,
        last_message_from_me, archived, pinned_at, muted_until, disappearing_seconds,
        announcements_only, left_at, refreshed_at
        from wa_chats as chat left join wa_contacts as contact on contact.id = contact_id""",
    "messages": """select chat.jid, message.whatsapp_id, message.from_me, message.sender_jid,
        contact.jid, message.sender_name, message.kind, message.body, message.content,
        message.mentions, message.sent_at, message.status, message.source, message.edited_at,
        message.revoked_at, message.revoked_by_jid, message.quoted_whatsapp_id,
        message.expires_at, quoted.whatsapp_id, quoted.from_me, file.state, file.file_name
        from wa_messages as message inner join wa_chats as chat on chat.id = message.chat_id
        left join wa_contacts as contact on contact.id = message.sender_contact_id
        left join wa_messages as quoted on quoted.id = message.quoted_message_id
        left join wa_attachments as file on file.message_id = message.id""",
    "edits": """select message.whatsapp_id, message.from_me, version, edit.body, edit.content,
        edit.edited_at from wa_message_edits as edit
        inner join wa_messages as message on message.id = message_id""",
    "receipts": """select chat.jid, whatsapp_id, participant_jid, status, delivered_at, read_at,
        played_at from wa_receipts inner join wa_chats as chat on chat.id = chat_id""",
    "reactions": """select chat.jid, whatsapp_id, sender_jid, contact.jid, from_me, emoji,
        reacted_at from wa_reactions inner join wa_chats as chat on chat.id = chat_id
        left join wa_contacts as contact on contact.id = sender_contact_id""",
    "votes": """select chat.jid, whatsapp_id, voter_jid, contact.jid, from_me, options, voted_at
        from wa_poll_votes inner join wa_chats as chat on chat.id = chat_id
        left join wa_contacts as contact on contact.id = voter_contact_id""",
    "results": "select place, option, votes, voters from wa_poll_results",
    "members": """select chat.jid, contact.jid, role from wa_group_members as member
        inner join wa_chats as chat on chat.id = chat_id
        inner join wa_contacts as contact on contact.id = member.contact_id""",
    "changes": """select chat.jid, whatsapp_id, change, change_id, from_me, done_by_jid, body
        from wa_private.message_changes inner join wa_chats as chat on chat.id = chat_id""",
    "facts": """select chat.jid, fact.name, value, from_history,
        case when fact.name <> 'unread_count' then as_of end
        from wa_private.chat_facts as fact inner join wa_chats as chat on chat.id = chat_id""",
    "due": """select due.aspect, due.jid from wa_sessions as session
        cross join lateral wa_private.due_look_ups(session.id) as due""",
    "history": "select sync_state, sync_progress from wa_sessions",
}


async def contents(connection: Connection) -> dict[str, list[tuple[Any, ...]]]:
    """The rows of each, in no order of their own."""
    return {
        name: sorted(
            (tuple(row.values()) for row in await connection.fetch(query)), key=repr
        )
        for name, query in QUERIES.items()
    }


async def stored(
    connection: Connection, session: Session, batches: Iterable[Row]
) -> dict[str, list[tuple[Any, ...]]]:
    """What is there after storing, which then is undone."""
    attempt = connection.transaction()
    await attempt.start()
    try:
        for batch in batches:
            await store(connection, session, batch)
        return await contents(connection)
    finally:
        await attempt.rollback()
