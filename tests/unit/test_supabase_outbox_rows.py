"""Claimed rows as they are read, and results as they are written."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from connector.adapters.supabase import rows
from connector.domain.addresses import Jid
from connector.domain.outgoing import (
    FileFacts,
    OutboxResult,
    Outcome,
    OutgoingFile,
    Pause,
    PauseScope,
    StoredFile,
    Unread,
    Uploaded,
)
from connector.errors import SupabaseRefused
from connector.ports import ClaimedRow

VOICE = OutgoingFile(
    uploaded=Uploaded(
        url="https://mmg.example/1",
        direct_path="/v/1",
        media_key=bytes(range(32)),
        file_sha256=b"\xff" * 32,
        file_enc_sha256=b"\x01" * 32,
        size=7,
    ),
    facts=FileFacts(
        mime_type="audio/ogg",
        duration=timedelta(seconds=2.5),
        waveform=bytes(range(64)),
        thumbnail=b"jpeg",
    ),
)
MESSAGE: dict[str, Any] = {
    "id": "m1",
    "whatsapp_id": "3EB0",
    "from_me": False,
    "author_jid": "2@lid",
    "chat_jid": "120363@g.us",
    "kind": "image",
    "body": None,
    "content": None,
    "sent_at": "2026-01-02T12:00:00+00:00",
    "revoked": False,
}


def claimed(**columns: Any) -> ClaimedRow:
    row = {
        "id": "r",
        "to": "5511912345678",
        "chat_id": "c",
        "chat_jid": "1@lid",
        "kind": "text",
        "payload": {"text": "oi"},
        "attempts": 1,
        "claims": 2,
        "on_whatsapp": None,
        "expiration_seconds": None,
        "references": {},
        "upload": None,
    }
    answer = {"rows": [row | columns], "look_again_in_seconds": None}
    [read] = rows.OutboxClaim.read(answer).claim().rows
    return read


def test_a_plain_row() -> None:
    row = claimed()

    assert (row.id, row.chat_id, row.chat_jid, row.claim) == ("r", "c", "1@lid", 2)
    assert row.payload == {"text": "oi"}
    assert (row.on_whatsapp, row.expiration, row.file) == (None, None, None)
    assert row.readable


def test_what_a_row_brings_along() -> None:
    row = claimed(
        on_whatsapp=False,
        expiration_seconds=86_400,
        upload=rows.upload(VOICE),
        references={
            "message": MESSAGE
            | {"stored": {"bucket": "wa-media", "path": "a"}, "upload": None},
            "reply_to": MESSAGE | {"id": "m2", "author_jid": "no address"},
            "unread": [
                {"whatsapp_id": "A", "author_jid": "2@lid"},
                {"whatsapp_id": "B", "author_jid": None},
            ],
        },
    )

    assert row.on_whatsapp is False
    assert row.expiration == timedelta(days=1)
    assert row.file == VOICE
    message, answered = row.references.message, row.references.reply_to
    assert message is not None
    assert answered is not None
    assert (message.author, message.chat) == (Jid("2", "lid"), Jid("120363", "g.us"))
    assert message.stored == StoredFile(bucket="wa-media", path="a")
    assert message.sent_at == datetime(2026, 1, 2, 12, tzinfo=UTC)
    assert (answered.id, answered.author) == ("m2", None)
    assert row.references.unread == (Unread(whatsapp_id="A", author=Jid("2", "lid")),)


def test_a_forwarded_file_without_an_address_is_found_by_its_path() -> None:
    kept = rows.upload(VOICE) | {"url": None, "mime_type": None}

    row = claimed(references={"message": MESSAGE | {"upload": kept}})

    assert row.references.message is not None
    file = row.references.message.file
    assert file is not None
    assert file.uploaded.url == "https://mmg.whatsapp.net/v/1"
    assert file.facts.mime_type == "application/octet-stream"


@pytest.mark.parametrize(
    "columns",
    [
        {"to": None},
        {"kind": {"new": "shape"}},
        {"references": {"message": {"id": "m1"}}},
        {"references": {"message": MESSAGE | {"chat_jid": "nowhere"}}},
        {"upload": {"url": 7}},
        {"upload": rows.upload(VOICE) | {"media_key": "no base64!"}},
    ],
)
def test_a_row_that_cannot_be_read_is_told_apart(columns: dict[str, Any]) -> None:
    row = claimed(**columns)

    assert not row.readable
    assert (row.id, row.claim, row.attempts) == ("r", 2, 1)


def test_what_is_not_even_a_row_is_refused_as_a_whole() -> None:
    with pytest.raises(SupabaseRefused):
        claimed(id=None)


@pytest.mark.parametrize(
    ("seconds", "wait"),
    [
        (None, None),
        (1.5, timedelta(seconds=1.5)),
        (1e300, timedelta(days=1)),
    ],
)
def test_when_to_look_again(seconds: float | None, wait: timedelta | None) -> None:
    answer: dict[str, Any] = {"rows": [], "look_again_in_seconds": seconds}

    assert rows.OutboxClaim.read(answer).claim().look_again == wait


def test_a_result_says_of_which_claim_it_is_and_how_long_to_pause() -> None:
    result = OutboxResult(
        id="r",
        outcome=Outcome.PAUSED,
        code="throttled",
        message="WhatsApp asks to slow down.",
        retry_after=timedelta(minutes=10),
        pause=Pause(scope=PauseScope.ALL, lasting=timedelta(minutes=10)),
        claim=3,
    )

    assert rows.result(result) == {
        "id": "r",
        "claims": 3,
        "outcome": "paused",
        "whatsapp_id": None,
        "sent_at": None,
        "code": "throttled",
        "message": "WhatsApp asks to slow down.",
        "retry_after_seconds": 600.0,
        "pause": {"scope": "all", "seconds": 600.0},
    }


def test_what_was_sent_pauses_nothing() -> None:
    sent_at = datetime(2026, 1, 2, 12, tzinfo=UTC)
    result = OutboxResult(
        id="r", outcome=Outcome.SENT, whatsapp_id="3EB0", sent_at=sent_at
    )

    written = rows.result(result)

    assert written["sent_at"] == "2026-01-02T12:00:00+00:00"
    assert written["pause"] is written["retry_after_seconds"] is None
