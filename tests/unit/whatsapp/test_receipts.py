"""Ticks of others are receipts; our own devices' ticks say what we have read."""

from __future__ import annotations

from typing import Any

import pytest

from connector.adapters.whatsapp.event_codes import Code
from connector.adapters.whatsapp.protobufs import events
from connector.domain.incoming import Incoming
from connector.domain.messages import OwnRead, Receipt, Status
from tests.unit.whatsapp import neonize_events as neonize
from tests.unit.whatsapp.neonize_events import (
    ANA_LID,
    ANA_PHONE,
    BOB_LID,
    BOB_PHONE,
    FAMILY,
    NOW,
    source,
)
from tests.unit.whatsapp.reading_events import (
    BOB,
    BOBS_CHAT,
    FAMILY_CHAT,
    FROM_BOB,
    IN_FAMILY,
    items,
)

R = events.Receipt
OURS = source(
    BOB_LID, ANA_LID, from_me=True, SenderAlt=ANA_PHONE, RecipientAlt=BOB_PHONE
)
OURS_IN_FAMILY = source(FAMILY, ANA_LID, from_me=True, SenderAlt=ANA_PHONE)


def ticks(kind: int, *ids: str, where: Any = FROM_BOB) -> list[Incoming]:
    return items(Code.RECEIPT, neonize.receipt(kind, *ids, where=where))


@pytest.mark.parametrize("where", [FROM_BOB, IN_FAMILY])
@pytest.mark.parametrize(
    ("kind", "status"),
    [
        (R.DELIVERED, Status.DELIVERED),
        (R.INACTIVE, Status.DELIVERED),
        (R.READ, Status.READ),
        (R.PLAYED, Status.PLAYED),
    ],
)
def test_ticks_of_others_on_our_messages_are_receipts(
    kind: int, status: Status, where: Any
) -> None:
    assert ticks(kind, "A", "B", where=where) == [
        Receipt(
            chat=BOBS_CHAT if where is FROM_BOB else FAMILY_CHAT,
            whatsapp_ids=("A", "B"),
            participant=BOB,
            status=status,
            at=NOW,
        )
    ]


@pytest.mark.parametrize("where", [OURS, OURS_IN_FAMILY])
@pytest.mark.parametrize(
    "kind", [R.READ, R.READ_SELF, R.PLAYED, R.PLAYED_SELF, R.SERVER_ERROR]
)
def test_reading_on_the_phone_reads_the_chat(kind: int, where: Any) -> None:
    chat = BOBS_CHAT if where is OURS else FAMILY_CHAT

    assert ticks(kind, "A", where=where) == [OwnRead(chat=chat, at=NOW)]


@pytest.mark.parametrize("kind", [R.DELIVERED, R.INACTIVE, R.SENDER])
def test_our_own_devices_getting_a_message_is_not_news(kind: int) -> None:
    assert ticks(kind, "A", where=OURS) == []


@pytest.mark.parametrize(
    "kind", [R.READ_SELF, R.PLAYED_SELF, R.SENDER, R.RETRY, R.SERVER_ERROR]
)
def test_other_receipts_are_not_news(kind: int) -> None:
    assert ticks(kind, "A") == []


def test_a_receipt_for_nothing_is_not_news() -> None:
    assert ticks(R.READ) == []
