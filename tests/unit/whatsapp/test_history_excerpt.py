"""One message is cut out of its history, and reads the same by itself."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from connector.adapters.whatsapp.event_codes import Code
from connector.adapters.whatsapp.reading.history.chunk import wrapped
from connector.adapters.whatsapp.reading.history.excerpt import excerpt
from connector.adapters.whatsapp.reading.incoming import decode
from connector.adapters.whatsapp.reading.rules import ReadingRules
from connector.domain.addresses import Jid
from connector.domain.chats import Profile
from connector.domain.messages import Message, OwnRead, Person, Receipt, Status
from tests.unit.whatsapp.neonize_events import (
    ANA_LID,
    BOB_LID,
    BOB_PHONE,
    FAMILY,
    NOW,
    history_event,
    remembered,
)

RULES = ReadingRules(own=Person(lid=Jid.parse(ANA_LID)))


def messages(raw: bytes) -> list[Message]:
    found = decode(Code.HISTORY_SYNC, raw, NOW, RULES)
    return [item for item in found if isinstance(item, Message)]


def said(raw: bytes | None) -> list[str | None]:
    assert raw is not None
    return [message.body for message in messages(raw)]


@pytest.fixture
def raw() -> bytes:
    """Two chats in which the same id occurs, one of them named by its phone number."""
    group: dict[str, Any] = {"participant": BOB_LID}
    return history_event(
        conversations=[
            {
                "ID": BOB_PHONE,
                "lidJID": BOB_LID,
                "messages": [remembered("b1", 1), remembered("b2", 2)],
            },
            {
                "ID": FAMILY,
                "messages": [
                    remembered("f1", 1, **group),
                    remembered("f2", 2, **group),
                ],
            },
        ]
    )


@pytest.mark.parametrize("text", ["b1", "b2", "f1", "f2"])
def test_a_message_is_found_by_its_chat_and_its_id(raw: bytes, text: str) -> None:
    [wanted] = [message for message in messages(raw) if message.body == text]

    alone = excerpt(raw, wanted)

    assert alone is not None
    assert messages(alone) == [wanted]


def test_a_tick_is_kept_with_its_message(raw: bytes) -> None:
    [message] = [one for one in messages(raw) if one.body == "f2"]
    tick = Receipt(
        chat=message.chat,
        whatsapp_ids=(message.whatsapp_id,),
        participant=message.sender,
        status=Status.READ,
        at=NOW + timedelta(seconds=1),
    )

    assert said(excerpt(raw, tick)) == ["f2"]


def test_damage_elsewhere_in_the_history_is_no_hindrance(raw: bytes) -> None:
    [wanted] = [message for message in messages(raw) if message.body == "b1"]
    damaged = wrapped(1, wrapped(2, b"\xff\xff")) + raw

    assert said(excerpt(damaged, wanted)) == ["b1"]


def test_what_is_no_message_or_of_another_history_is_not_found(raw: bytes) -> None:
    [message] = [one for one in messages(raw) if one.body == "b1"]
    elsewhere = history_event(conversations=[{"ID": BOB_LID, "messages": []}])

    assert excerpt(raw, Profile(person=message.sender, push_name="Bob")) is None
    assert excerpt(raw, OwnRead(chat=message.chat, at=NOW)) is None
    assert excerpt(elsewhere, message) is None
