"""A chat shows what is to be sent at once, as it would if somebody else had sent it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.database.conversation import (
    BOB,
    BOBS_PHONE,
    CAROL,
    CAROLS_PHONE,
    FAMILY,
    id_of,
    message,
    messages,
    ours,
    revoke,
)
from tests.database.outbox import pending, queue, queue_kind, refused, sent
from tests.database.scene import Connection, Row, Session, exchange, store

CARD = """BEGIN:VCARD
VERSION:3.0
N:;Carla\\, "C";;;
FN:Carla\\, "C"
ORG:Dias\\; Cia;
TEL;type=CELL;type=VOICE;waid=5511988887777:+5511988887777
TEL;type=CELL;type=VOICE;waid=14155552671:+14155552671
EMAIL;type=INTERNET:c@example.org
END:VCARD"""
CARLA: dict[str, Any] = {
    "name": 'Carla, "C"',
    "phone_numbers": ["+55 11 98888-7777", "14155552671"],
    "organization": "Dias; Cia",
    "email": "c@example.org",
}
PREVIEW = {"url": "https://example.org", "title": "A page"}
PLACE = {"latitude": -22.9519, "longitude": -43.2105, "name": "Cristo"}
FILE = {"url": "https://example.org/a"}
SHOWN: list[tuple[str, Row, tuple[str, str | None, Row]]] = [
    ("text", {"text": "*oi*"}, ("text", "*oi*", {})),
    ("text", {"text": "x", "link_preview": True}, ("text", "x", {})),
    (
        "text",
        {"text": "x", "link_preview": PREVIEW | {"description": None}},
        ("text", "x", {"link_preview": PREVIEW}),
    ),
    ("image", FILE | {"caption": "look"}, ("image", "look", {})),
    ("image", FILE | {"caption": ""}, ("image", None, {})),
    ("video", FILE, ("video", None, {})),
    ("gif", FILE | {"caption": "ha"}, ("gif", "ha", {})),
    ("audio", FILE, ("audio", None, {})),
    ("voice", FILE, ("voice", None, {})),
    ("document", FILE | {"caption": "as promised"}, ("document", "as promised", {})),
    ("location", PLACE | {"address": None}, ("location", "Cristo", PLACE)),
    (
        "contact",
        {"contacts": [CARLA]},
        (
            "contact",
            CARLA["name"],
            {
                "contacts": [
                    {
                        "name": CARLA["name"],
                        "phones": ["+5511988887777", "+14155552671"],
                        "vcard": CARD,
                    }
                ]
            },
        ),
    ),
    (
        "poll",
        {"question": "When?", "options": ["Mon", "Tue"]},
        ("poll", "When?", {"options": ["Mon", "Tue"], "selectable": 1}),
    ),
    (
        "poll",
        {"question": "When?", "options": ["Mon", "Tue"], "selectable": 0},
        ("poll", "When?", {"options": ["Mon", "Tue"], "selectable": 0}),
    ),
    (
        "image",
        FILE | {"view_once": True, "caption": "psst"},
        ("view_once", None, {"of": "image"}),
    ),
]


# --- Kinds ----------------------------------------------------------------------------


@pytest.mark.parametrize(("kind", "payload", "shown"), SHOWN)
async def test_each_kind_reads_as_it_would_if_it_had_come_in(
    leased: Session,
    service: Connection,
    kind: str,
    payload: Row,
    shown: tuple[str, str | None, Row],
) -> None:
    await queue_kind(service, leased, kind, payload)

    row = await pending(service)
    assert (row["kind"], row["body"], row["content"]) == shown
    chat = await service.fetchrow("select * from wa_chats")
    assert chat is not None
    assert (chat["last_message_kind"], chat["last_message_preview"]) == shown[:2]
    assert chat["last_message_from_me"]


async def test_several_contacts_are_counted(
    leased: Session, service: Connection
) -> None:
    await queue_kind(service, leased, "contact", {"contacts": [CARLA, CARLA]})

    assert (await pending(service))["body"] == "2 contacts"


async def test_what_is_done_to_messages_and_chats_shows_no_message(
    leased: Session, service: Connection
) -> None:
    await store(service, leased, messages(message("A"), ours("MINE")))
    bobs = {"message_id": await id_of(service, "A")}
    mine = {"message_id": await id_of(service, "MINE")}

    for kind, payload in (
        ("reaction", bobs | {"emoji": "👍"}),
        ("edit", mine | {"text": "x"}),
        ("delete", mine),
        ("read", bobs),
        ("read", {}),
        ("typing", {}),
    ):
        row_id = await queue_kind(service, leased, kind, payload)
        row = await service.fetchrow("select * from wa_outbox where id = $1", row_id)
        assert row is not None
        assert (row["message_id"], row["to_jid"]) == (None, BOB)

    assert await service.fetchval("select count(*) from wa_messages") == 2
    preview = "select last_message_preview from wa_chats"
    assert await service.fetchval(preview) == "text MINE"


async def test_of_several_rows_in_one_statement_the_last_is_the_newest(
    leased: Session, service: Connection
) -> None:
    await queue(service, leased, "one", "two", "three")

    preview = "select last_message_preview from wa_chats"
    assert await service.fetchval(preview) == "three"


# --- What goes with any message -------------------------------------------------------


async def test_mentions_are_people_each_once_by_the_address_that_lasts(
    leased: Session, service: Connection
) -> None:
    await store(service, leased, {"aliases": [{"lid": BOB, "phone": BOBS_PHONE}]})
    mentions = ["+55 21 98765-4321", CAROLS_PHONE, BOB]

    await queue_kind(service, leased, "text", {"text": "@", "mentions": mentions})

    assert (await pending(service))["mentions"] == [BOB, CAROLS_PHONE]


async def test_a_message_in_a_disappearing_chat_expires_so_long_after_it_was_sent(
    leased: Session, service: Connection
) -> None:
    (row,) = await queue(service, leased, "oi")
    await service.execute("update wa_chats set disappearing_seconds = 86400")
    assert (await pending(service))["expires_at"] is None
    await exchange(service, leased, sent(row))

    (row,) = await queue(service, leased, "gone tomorrow")
    query = """select expires_at - sent_at = interval '1 d' from wa_messages
        where body = 'gone tomorrow'"""
    assert await service.fetchval(query)
    await exchange(service, leased)
    await exchange(service, leased, sent(row, "3EB1"))
    assert await service.fetchval(query)
    assert await service.fetchval(
        "select sent_at < now() - interval '1 h' from wa_messages"
        " where body = 'gone tomorrow'"
    )


async def test_a_reply_shows_what_it_answers(
    leased: Session, service: Connection
) -> None:
    await store(service, leased, messages(message("A", body="x" * 2_000)))
    answered = await id_of(service, "A")

    await queue_kind(service, leased, "location", PLACE | {"reply_to": answered})

    row = await pending(service)
    assert (row["quoted_whatsapp_id"], str(row["quoted_message_id"])) == ("A", answered)
    quoted = {"kind": "text", "body": "x" * 1_024, "sender_jid": BOB}
    assert row["content"] == PLACE | {"quoted": quoted}


async def test_a_reply_to_what_was_deleted_does_not_bring_it_back(
    leased: Session, service: Connection
) -> None:
    await store(service, leased, messages(message("A")) | {"revokes": [revoke("A")]})

    reply = {"text": "?", "reply_to": await id_of(service, "A")}
    await queue_kind(service, leased, "text", reply)

    quoted = (await pending(service))["content"]["quoted"]
    assert quoted == {"kind": "text", "sender_jid": BOB}


async def test_a_group_is_answered_privately_and_a_person_nowhere_else(
    leased: Session, service: Connection
) -> None:
    group = message("G", chat_jid=FAMILY, sender_jid=CAROL)
    await store(service, leased, messages(group, message("A")))

    private = {"text": "only you", "reply_to": await id_of(service, "G")}
    await queue_kind(service, leased, "text", private, to=CAROL)

    assert (await pending(service))["quoted_whatsapp_id"] == "G"
    code, sentence = await refused(
        service, leased, "text", to=FAMILY, text="x", reply_to=await id_of(service, "A")
    )
    assert (code, sentence.partition(" ")[0]) == ("invalid_payload", "payload.reply_to")


# --- Forwards -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "score"),
    [
        (message("A", content={"quoted": {"kind": "text"}}), 1),
        (message("A", content={"forwarded": True, "forwarding_score": 4}), 5),
        (message("A", content={"forwarded": True}), 2),
        (ours("A"), None),
        (ours("A", content={"forwarded": True, "forwarding_score": 4}), 4),
    ],
)
async def test_a_forward_says_the_same_and_how_often_it_was_passed_on(
    leased: Session, service: Connection, said: Row, score: int | None
) -> None:
    await store(service, leased, messages(said))
    original = await id_of(service, "A")

    await queue_kind(service, leased, "forward", {"message_id": original}, to=CAROL)

    row = await pending(service)
    assert (row["kind"], row["body"]) == ("text", "text A")
    mark = {"forwarded": True, "forwarding_score": score}
    assert row["content"] == ({} if score is None else mark)
