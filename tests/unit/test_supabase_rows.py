"""How the domain's words become `p_batch`, and PostgREST's failures our errors."""

from __future__ import annotations

from datetime import UTC, datetime

import httpx
import pytest
from postgrest.exceptions import APIError

from connector.adapters.supabase import rows
from connector.adapters.supabase.client import SupabaseClient, _translated
from connector.domain.addresses import Jid
from connector.domain.chats import Profile
from connector.domain.messages import (
    Chat,
    ChatKind,
    Message,
    Person,
    Receipt,
    Source,
    Status,
)
from connector.errors import (
    InputRefused,
    LeaseLost,
    SupabaseRefused,
    SupabaseUnavailable,
)

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)
BOB = Person(lid=Jid("1", "lid"), phone=Jid("5521987654321", "s.whatsapp.net"))
BOBS_CHAT = Chat(jid=Jid("1", "lid"), kind=ChatKind.DIRECT, alias=BOB.phone)
FAMILY = Chat(jid=Jid("120363", "g.us"), kind=ChatKind.GROUP)


def message(*, chat: Chat = BOBS_CHAT, from_me: bool = False) -> Message:
    return Message(
        whatsapp_id="3EB0",
        chat=chat,
        from_me=from_me,
        sender=BOB,
        sender_name="Bob",
        kind="text",
        body="oi",
        sent_at=NOON,
        source=Source.LIVE,
        status=Status.DELIVERED,
    )


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
    assert batch["chats"] == []


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("ZB001", LeaseLost),
        ("503", SupabaseUnavailable),
        ("502", SupabaseUnavailable),
        ("429", SupabaseUnavailable),
        ("57P01", SupabaseUnavailable),
        ("08006", SupabaseUnavailable),
        ("40001", SupabaseUnavailable),
        ("PGRST001", SupabaseUnavailable),
        ("401", SupabaseRefused),
        ("413", InputRefused),
        ("22P02", InputRefused),
        ("23514", InputRefused),
        ("25006", SupabaseRefused),  # read-only: the disk of the database is full
        ("PGRST202", SupabaseRefused),  # no such function: a schema not reloaded yet
        ("42501", SupabaseRefused),
        ("PGRST301", SupabaseRefused),
        (None, SupabaseRefused),
    ],
)
def test_every_failure_says_whether_waiting_helps(
    code: str | None, error: type[Exception]
) -> None:
    refusal = APIError({"code": code, "message": "5511912345678 says oi"})

    translated = _translated(refusal)

    assert type(translated) is error
    assert "5511912345678" not in str(translated)


@pytest.mark.parametrize(
    "answer", [{"value": "<html>5511912345678</html>"}, {"session_id": 5511912345678}]
)
def test_an_answer_of_somebody_else_is_refused_and_not_quoted(
    answer: dict[str, object],
) -> None:
    with pytest.raises(SupabaseRefused) as refusal:
        rows.LeaseRow.read(answer)

    assert "5511912345678" not in str(refusal.value)


@pytest.mark.parametrize("status", [408, 429, 502, 503, 504, 520])
async def test_a_gateway_that_answers_in_words_of_its_own_is_away(status: int) -> None:
    answers = httpx.MockTransport(
        lambda _: httpx.Response(status, json={"message": "name resolution failed"})
    )
    client = SupabaseClient("http://127.0.0.1:1", "sb_secret_x", answers)

    with pytest.raises(SupabaseUnavailable):
        await client.call("wa_claim_sessions", {})

    await client.aclose()
