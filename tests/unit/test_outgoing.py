"""What an outbox row may say, and what each way of failing leads to."""

from __future__ import annotations

import pytest

from connector.domain import outgoing
from connector.domain.addresses import Jid
from connector.domain.messages import Json
from connector.domain.outgoing import Outcome, OutgoingText
from connector.errors import InvalidAddress, InvalidPayload


@pytest.mark.parametrize(
    ("to", "jid"),
    [
        ("+55 (11) 91234-5678", "5511912345678@s.whatsapp.net"),
        ("5511912345678", "5511912345678@s.whatsapp.net"),
        ("123456789012345@lid", "123456789012345@lid"),
        ("120363012345678901@g.us", "120363012345678901@g.us"),
        (" 5511912345678:7@s.whatsapp.net ", "5511912345678@s.whatsapp.net"),
    ],
)
def test_to_may_be_a_number_as_people_write_it_or_an_address(to: str, jid: str) -> None:
    assert str(outgoing.recipient(to, None)) == jid


@pytest.mark.parametrize(
    "to",
    [
        "",
        "abc",
        "0551191234",
        "12345",
        "5" * 16,
        "bob@",
        "@lid",
        "a b@lid",
        "+",
        "status@broadcast",
        "120363012345678901@newsletter",
        "5511912345678@example.org",
        "5511912345678" + " " * 100,
        "5\uff11\uff12\uff13\uff14\uff15\uff16\uff17",
    ],
)
def test_anything_else_is_refused_with_the_field_named(to: str) -> None:
    with pytest.raises(InvalidAddress, match=r"^to must be"):
        outgoing.recipient(to, None)


def test_a_chat_that_nobody_may_write_to_is_refused() -> None:
    with pytest.raises(InvalidAddress):
        outgoing.recipient("00000000-0000-0000-0000-000000000000", "status@broadcast")


def test_the_chat_that_the_database_resolved_goes_first() -> None:
    assert outgoing.recipient("whatever", "1@lid") == Jid("1", "lid")


def test_a_chat_id_of_somewhere_else_says_so() -> None:
    with pytest.raises(InvalidAddress, match="chat of this session"):
        outgoing.recipient("7d4447a1-9a3c-4c0e-9b8f-0e2f5a4d9e10", None)


def test_a_text_is_read_unchanged() -> None:
    payload: Json = {"text": " *oi* \n"}

    assert outgoing.content("text", payload) == OutgoingText(text=" *oi* \n")


@pytest.mark.parametrize(
    ("kind", "payload", "code", "sentence"),
    [
        ("carrier_pigeon", {}, "unknown_kind", "kind must be one of: text"),
        ("text", [], "invalid_payload", "payload must be a JSON object"),
        ("text", {}, "invalid_payload", "payload.text must be a string"),
        ("text", {"text": 7}, "invalid_payload", "payload.text must be a string"),
        ("text", {"text": " \n"}, "text_empty", "payload.text is empty"),
        ("text", {"text": "x" * 70_000}, "text_too_long", "70,000 characters"),
    ],
)
def test_a_bad_payload_names_the_field_and_the_cure(
    kind: str, payload: Json, code: str, sentence: str
) -> None:
    with pytest.raises(InvalidPayload, match=sentence) as refused:
        outgoing.content(kind, payload)

    result = outgoing.outcome_of_invalid("row", refused.value)
    assert (result.outcome, result.code) == (Outcome.FAILED, code)
