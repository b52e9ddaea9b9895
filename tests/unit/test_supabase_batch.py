"""How the domain's words become `p_batch`."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from typing import Any

from connector.adapters.supabase import rows
from connector.domain.addresses import Jid
from connector.domain.changes import Vote
from connector.domain.chats import (
    Aspect,
    Profile,
    Stale,
)
from connector.domain.incoming import HistoryProgress
from connector.domain.messages import (
    Attachment,
    Chat,
    ChatKind,
    Message,
    Person,
    Receipt,
    Source,
    Status,
)

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)
BOB = Person(lid=Jid("1", "lid"), phone=Jid("5521987654321", "s.whatsapp.net"))
BOBS_CHAT = Chat(jid=Jid("1", "lid"), kind=ChatKind.DIRECT, alias=BOB.phone)
FAMILY = Chat(jid=Jid("120363", "g.us"), kind=ChatKind.GROUP)
EVA = Person(lid=Jid("2", "lid"), phone=Jid("5531912345678", "s.whatsapp.net"))
AT = "2026-01-02T12:00:00+00:00"


def message(**given: Any) -> Message:
    facts: dict[str, Any] = {
        "whatsapp_id": "3EB0",
        "chat": BOBS_CHAT,
        "from_me": False,
        "sender": BOB,
        "sender_name": "Bob",
        "kind": "text",
        "body": "oi",
        "sent_at": NOON,
        "source": Source.LIVE,
        "status": Status.DELIVERED,
    }
    return Message(**facts | given)


def test_a_message_brings_its_chat_its_sender_and_both_their_addresses() -> None:
    batch = rows.batch([message()])

    assert batch["aliases"] == [
        {"lid": "1@lid", "phone": "5521987654321@s.whatsapp.net"}
    ]
    assert batch["contacts"] == [
        {"jid": "1@lid", "phone_number": "5521987654321", "push_name": "Bob"}
    ]
    assert batch["chats"] == [{"jid": "1@lid", "kind": "direct", "name": None}]


def test_many_messages_of_one_person_name_them_once() -> None:
    batch = rows.batch([message(), message(chat=FAMILY), message()])

    assert len(batch["contacts"]) == 1
    assert [chat["jid"] for chat in batch["chats"]] == ["1@lid", "120363@g.us"]
    assert len(batch["messages"]) == 3


def test_a_name_that_history_brought_survives_a_live_message() -> None:
    named = Chat(jid=Jid("120363", "g.us"), kind=ChatKind.GROUP, name="Família")

    batch = rows.batch([message(chat=named), message(chat=FAMILY)])

    assert [chat["name"] for chat in batch["chats"]] == ["Família"]


def test_our_own_message_names_whom_it_went_to_but_not_ourselves() -> None:
    me = Person(lid=Jid("99", "lid"))
    own = Message(
        whatsapp_id="3EB1",
        chat=BOBS_CHAT,
        from_me=True,
        sender=me,
        sender_name="Ana",
        kind="text",
        body="oi",
        sent_at=NOON,
        source=Source.PHONE,
        status=Status.SENT,
    )

    batch = rows.batch([own])

    assert batch["contacts"] == [{"jid": "1@lid", "phone_number": "5521987654321"}]


def test_a_receipt_for_many_messages_is_one_row_each() -> None:
    receipt = Receipt(
        chat=BOBS_CHAT,
        whatsapp_ids=("a", "b"),
        participant=BOB,
        status=Status.READ,
        at=NOON,
    )

    batch = rows.batch([receipt])

    assert batch["receipts"] == [
        {
            "chat_jid": "1@lid",
            "whatsapp_id": whatsapp_id,
            "participant_jid": "1@lid",
            "status": "read",
            "at": "2026-01-02T12:00:00+00:00",
        }
        for whatsapp_id in ("a", "b")
    ]


def test_a_profile_is_a_contact_with_a_name() -> None:
    batch = rows.batch([Profile(person=BOB, push_name="Roberto")])

    assert batch["contacts"] == [
        {"jid": "1@lid", "phone_number": "5521987654321", "push_name": "Roberto"}
    ]
    assert "chats" not in batch


def test_what_is_stale_and_how_far_history_is() -> None:
    batch = rows.batch(
        [
            HistoryProgress(percent=10, done=False),
            Stale(jid=FAMILY.jid, aspect=Aspect.PICTURE, as_of=NOON),
            HistoryProgress(percent=100, done=True),
        ]
    )

    assert batch == {
        "stale": [{"jid": "120363@g.us", "aspect": "picture", "as_of": AT}],
        "history": {"percent": 100, "done": True},
    }


def test_a_piece_that_was_fetched_late_takes_nothing_back() -> None:
    """Its number died before it had it, and the last one came first."""
    batch = rows.batch(
        [
            HistoryProgress(percent=100, done=True),
            HistoryProgress(percent=75, done=False),
        ]
    )

    assert batch == {"history": {"percent": 100, "done": True}}


def test_a_vote_that_cannot_be_read_has_no_options_and_one_taken_back_has_none() -> (
    None
):
    def vote(options: tuple[bytes, ...] | None) -> Vote:
        return Vote(
            chat=FAMILY,
            whatsapp_id="3EB0",
            voter=EVA,
            from_me=False,
            options=options,
            voted_at=NOON,
        )

    batch = rows.batch([vote(None), vote(())])

    assert [row["options"] for row in batch["votes"]] == [None, []]


def test_a_file_is_written_as_its_row_takes_it() -> None:
    file = Attachment(
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
    [row] = rows.batch([message(attachment=file)])["messages"]

    assert row["attachment"] == {
        "media_type": "audio",
        "direct_path": "/v/t62",
        "media_key": base64.b64encode(b"k" * 32).decode(),
        "file_sha256": "01" * 32,
        "file_enc_sha256": "02" * 32,
        "size_bytes": 123,
        "mime_type": "audio/ogg",
        "file_name": None,
        "width": None,
        "height": None,
        "duration_seconds": 1.5,
        "waveform": [0, 50, 100],
        "thumbnail": "data:image/jpeg;base64,anBlZw==",
    }


def test_a_disappearing_message_says_until_when() -> None:
    [row] = rows.batch([message(expires_at=NOON + timedelta(days=7))])["messages"]

    assert row["expires_at"] == "2026-01-09T12:00:00+00:00"


def test_names_that_others_give_a_person_are_kept_apart() -> None:
    batch = rows.batch(
        [
            Profile(person=BOB, saved_name="Bob do trabalho"),
            Profile(person=BOB, business_name="Bob & Filhos", on_whatsapp=True),
            Profile(person=EVA, saved_name=""),
        ]
    )

    assert batch["contacts"] == [
        {
            "jid": "1@lid",
            "phone_number": "5521987654321",
            "saved_name": "Bob do trabalho",
            "business_name": "Bob & Filhos",
            "on_whatsapp": True,
        },
        {"jid": "2@lid", "phone_number": "5531912345678", "saved_name": ""},
    ]


def test_another_spelling_of_a_number_leads_to_the_person_and_is_not_shown() -> None:
    other = Jid("552187654321", "s.whatsapp.net")
    batch = rows.batch([Profile(person=BOB, spelling=other)])

    assert {"lid": "1@lid", "phone": str(other), "spelling": True} in batch["aliases"]
    assert batch["contacts"] == [{"jid": "1@lid", "phone_number": "5521987654321"}]


def test_of_the_names_in_old_messages_the_newest_counts() -> None:
    """History brings the newest message first."""
    batch = rows.batch(
        [
            message(sender_name="Roberto", source=Source.HISTORY),
            message(sender_name="Bob", source=Source.HISTORY),
        ]
    )

    assert [row["past_name"] for row in batch["contacts"]] == ["Roberto"]


def test_an_address_learned_later_in_the_batch_is_not_lost() -> None:
    unknown = Person(lid=BOB.lid)

    batch = rows.batch([message(chat=FAMILY, sender=unknown), message(chat=FAMILY)])

    assert [row["phone_number"] for row in batch["contacts"]] == ["5521987654321"]
    assert len(batch["aliases"]) == 1
