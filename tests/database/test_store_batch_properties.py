"""Any order, repetition and cutting into batches of what comes in ends in the same rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.database.every_event import MESSAGES, PEOPLE, TOPICS
from tests.database.scene import Connection, Row, Session, store

# All that apps see, and what decides what comes later; without what names the row itself.
QUERIES = {
    "contacts": """select jid, phone_number, push_name, saved_name, business_name, display_name
        from wa_contacts""",
    "chats": """select chat.jid, kind, name, contact.jid, unread_count, read_up_to,
        last_message_at, last_message_preview, last_message_kind, last_message_from_me,
        archived, pinned_at, left_at
        from wa_chats as chat left join wa_contacts as contact on contact.id = contact_id""",
    "messages": """select chat.jid, message.whatsapp_id, message.from_me, message.sender_jid,
        contact.jid, message.sender_name, message.kind, message.body, message.content,
        message.mentions, message.sent_at, message.status, message.source, message.edited_at,
        message.revoked_at, message.revoked_by_jid, message.quoted_whatsapp_id,
        quoted.whatsapp_id, file.state, file.file_name
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
}


@st.composite
def stories(draw: st.DrawFn) -> list[Row]:
    """Events of one or two topics in any order, some missing, some told again.

    Sooner or later it is known whose addresses they are: before, nobody can tell.
    """
    topics = draw(st.sets(st.sampled_from(sorted(TOPICS)), min_size=1, max_size=2))
    events = [
        *MESSAGES,
        *(event for topic in sorted(topics) for event in TOPICS[topic]),
    ]
    story = draw(st.permutations(events))[draw(st.integers(0, len(events) // 2)) :]
    story += draw(st.lists(st.sampled_from(events), max_size=5))
    for alias in PEOPLE:
        story.insert(draw(st.integers(0, len(story))), alias)
    return story


def each_once(story: Sequence[Row]) -> list[Row]:
    """The same events in the order they are written down."""
    everything = [
        *PEOPLE,
        *MESSAGES,
        *(event for topic in TOPICS.values() for event in topic),
    ]
    return [event for event in everything if event in story]


def batches(story: Sequence[Row], cuts: Sequence[bool]) -> list[dict[str, Any]]:
    """A new batch begins where `cuts` says so."""
    cut_up: list[dict[str, Any]] = []
    for place, event in enumerate(story):
        if not cut_up or cuts[place % len(cuts)]:
            cut_up.append({})
        for part, rows in event.items():
            cut_up[-1].setdefault(part, []).extend(rows)
    return cut_up


@settings(
    max_examples=200,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(story=stories(), cuts=st.lists(st.booleans(), min_size=1, max_size=10))
async def test_order_repetition_and_cutting_make_no_difference(
    leased: Session, service: Connection, story: list[Row], cuts: list[bool]
) -> None:
    expected = await stored(service, leased, batches(each_once(story), [False]))

    assert await stored(service, leased, batches(story, cuts)) == expected


async def stored(
    connection: Connection, session: Session, given_batches: Sequence[Row]
) -> dict[str, list[tuple[Any, ...]]]:
    """What is there after storing, which then is undone."""
    attempt = connection.transaction()
    await attempt.start()
    try:
        for batch in given_batches:
            await store(connection, session, batch)
        return {
            name: sorted(
                (tuple(row.values()) for row in await connection.fetch(query)), key=repr
            )
            for name, query in QUERIES.items()
        }
    finally:
        await attempt.rollback()
