"""What the connector writes into a batch is what Postgres reads: every word of it."""

from __future__ import annotations

import asyncpg

from connector.adapters.supabase import rows
from connector.domain.addresses import Jid
from connector.domain.changes import Edit, Reaction, Revocation, Vote
from connector.domain.chats import (
    Aspect,
    ChatColumn,
    ChatUpdate,
    Member,
    MemberChange,
    Profile,
    Role,
    Roster,
    Stale,
)
from connector.domain.incoming import HistoryProgress, Incoming
from connector.domain.messages import (
    Attachment,
    Chat,
    ChatKind,
    Message,
    OwnRead,
    Person,
    Receipt,
    Source,
    Status,
)
from tests.database.scene import Connection, Session, store
from tests.fakes.clock import NOON

BOB = Person(lid=Jid("1", "lid"), phone=Jid("5521987654321", "s.whatsapp.net"))
EVA = Person(lid=Jid("2", "lid"), phone=Jid("5531912345678", "s.whatsapp.net"))
FAMILY = Chat(jid=Jid("120363", "g.us"), kind=ChatKind.GROUP)
FILE = Attachment(
    media_type="audio",
    direct_path="/v/t62",
    media_key=b"k" * 32,
    file_sha256=b"\x01" * 32,
    file_enc_sha256=b"\x02" * 32,
    size_bytes=123,
    mime_type="audio/ogg",
    duration_seconds=1.5,
    waveform=(0, 50, 100),
    thumbnail=b"jpeg",
)


def message(whatsapp_id: str, *, from_me: bool = False, **given: object) -> Message:
    facts: dict[str, object] = {
        "kind": "text",
        "body": whatsapp_id,
        "sent_at": NOON,
        "source": Source.PHONE if from_me else Source.LIVE,
        "status": Status.SENT if from_me else Status.DELIVERED,
        "sender_name": None,
    }
    return Message(
        whatsapp_id=whatsapp_id,
        chat=FAMILY,
        from_me=from_me,
        sender=EVA if from_me else BOB,
        **facts | given,  # type: ignore[arg-type] # the test's own words
    )


EVERYTHING: list[Incoming] = [
    message("said"),
    message("gone"),
    message("voice", kind="voice", body=None, attachment=FILE, expires_at=NOON),
    message("poll", kind="poll", content={"options": ["a", "b"]}),
    message("ours", from_me=True),
    Receipt(
        chat=FAMILY,
        whatsapp_ids=("ours",),
        participant=BOB,
        status=Status.READ,
        at=NOON,
    ),
    OwnRead(chat=FAMILY, at=NOON),
    Edit(
        chat=FAMILY,
        whatsapp_id="said",
        from_me=False,
        sender=BOB,
        edit_id="E",
        body="corrected",
        mentions=(EVA.jid,),
        edited_at=NOON,
    ),
    Revocation(
        chat=FAMILY,
        whatsapp_id="gone",
        from_me=False,
        author=BOB,
        revoked_by=BOB,
        by_admin=False,
        revoked_at=NOON,
    ),
    Reaction(
        chat=FAMILY,
        whatsapp_id="said",
        sender=BOB,
        from_me=False,
        emoji="👍",
        reacted_at=NOON,
    ),
    Vote(
        chat=FAMILY,
        whatsapp_id="poll",
        voter=BOB,
        from_me=False,
        options=(b"\xab" * 32,),
        voted_at=NOON,
    ),
    Profile(
        person=BOB,
        push_name="Bob",
        saved_name="Roberto",
        business_name="Bob & Filhos",
        on_whatsapp=True,
        spelling=Jid("552187654321", "s.whatsapp.net"),
    ),
    ChatUpdate(
        chat=FAMILY,
        as_of=NOON,
        columns={ChatColumn.NAME: "Família", ChatColumn.ARCHIVED: True},
    ),
    Roster(chat=FAMILY, members=(Member(person=BOB, role=Role.ADMIN),), as_of=NOON),
    MemberChange(chat=FAMILY, person=EVA, role=Role.MEMBER, as_of=NOON),
    Stale(jid=FAMILY.jid, aspect=Aspect.PICTURE, as_of=NOON),
    HistoryProgress(percent=40, done=False),
]


async def counted(service: Connection) -> dict[str, int]:
    tables = (
        "wa_attachments",
        "wa_group_members",
        "wa_message_edits",
        "wa_messages",
        "wa_poll_votes",
        "wa_reactions",
        "wa_receipts",
    )
    return {
        table: await service.fetchval(f"select count(*) from {table}")  # noqa: S608 - see above
        for table in tables
    }


async def test_every_word_is_stored(service: Connection, leased: Session) -> None:
    await store(service, leased, rows.batch(EVERYTHING))

    assert await counted(service) == {
        "wa_attachments": 1,
        "wa_group_members": 2,
        "wa_message_edits": 1,
        "wa_messages": 5,
        "wa_poll_votes": 1,
        "wa_reactions": 1,
        "wa_receipts": 1,
    }
    said = await _message(service, "said")
    assert (said["body"], list(said["mentions"])) == ("corrected", ["2@lid"])
    assert (await _message(service, "gone"))["revoked_at"] == NOON
    assert (await _message(service, "voice"))["expires_at"] == NOON
    chat = await service.fetchrow("select * from wa_chats")
    assert chat is not None
    assert (chat["name"], chat["archived"], chat["kind"]) == ("Família", True, "group")
    assert (chat["read_up_to"], chat["unread_count"]) == (NOON, 0)
    bob = await service.fetchrow("select * from wa_contacts where jid = '1@lid'")
    assert bob is not None
    assert bob["phone_number"] == "5521987654321"
    assert (bob["push_name"], bob["saved_name"], bob["business_name"]) == (
        "Bob",
        "Roberto",
        "Bob & Filhos",
    )
    progress = await service.fetchrow(
        "select sync_state, sync_progress from wa_sessions where id = $1", leased.id
    )
    assert progress is not None
    assert tuple(progress) == ("running", 40)


async def test_every_word_may_come_alone(service: Connection, leased: Session) -> None:
    for item in EVERYTHING:
        await store(service, leased, rows.batch([item]))

    once = await counted(service)
    await store(service, leased, rows.batch(EVERYTHING))
    assert await counted(service) == once


async def _message(service: Connection, whatsapp_id: str) -> asyncpg.Record:
    row = await service.fetchrow(
        "select * from wa_messages where whatsapp_id = $1", whatsapp_id
    )
    assert row is not None
    return row
