"""Where an outbox row may go, and what becomes of one that can never be sent."""

from __future__ import annotations

import pytest

from connector.domain import outgoing
from connector.domain.addresses import Jid
from connector.domain.outgoing import Outcome
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


def test_what_can_never_be_sent_fails_with_the_code_of_its_fault() -> None:
    payload = InvalidPayload("payload.text is empty.", code="text_empty")

    refused = outgoing.outcome_of_invalid("row", payload)
    misaddressed = outgoing.outcome_of_invalid("row", InvalidAddress())

    assert (refused.outcome, refused.code) == (Outcome.FAILED, "text_empty")
    assert refused.message == "payload.text is empty."
    assert (misaddressed.outcome, misaddressed.code) == (Outcome.FAILED, "invalid_to")
