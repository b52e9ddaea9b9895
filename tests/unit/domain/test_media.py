from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from connector.domain import media
from connector.domain.media import MOST_DOWNLOADS, MOST_UPLOADS, OCTETS, FileState
from connector.errors import (
    FetchFailed,
    MediaCorrupt,
    MediaExpired,
    MediaTooLarge,
    NoRoom,
)


@pytest.mark.parametrize(
    ("error", "state", "code"),
    [
        (MediaExpired(), FileState.EXPIRED, "media_expired"),
        (MediaTooLarge(), FileState.TOO_LARGE, "too_large"),
        (MediaCorrupt("wrong_hash"), FileState.FAILED, "wrong_hash"),
        (MediaCorrupt("wrong_key"), FileState.FAILED, "wrong_key"),
    ],
)
def test_what_trying_again_cannot_change_ends_at_once(
    error: FetchFailed, state: FileState, code: str
) -> None:
    result = media.outcome_of_failed_fetch("a", 1, error, 0.5)

    assert (result.state, result.error_code, result.retry_after) == (state, code, None)


def test_a_server_in_trouble_is_asked_less_and_less_often_and_then_no_more() -> None:
    results = [
        media.outcome_of_failed_fetch("a", attempts, FetchFailed(), 0.5)
        for attempts in range(1, MOST_DOWNLOADS + 1)
    ]

    waits = [result.retry_after for result in results[:-1]]
    assert waits[:3] == [timedelta(seconds=seconds) for seconds in (1, 2, 4)]
    assert {result.state for result in results[:-1]} == {FileState.PENDING}
    assert (results[-1].state, results[-1].error_code) == (
        FileState.FAILED,
        "download_failed",
    )


def test_a_full_disk_costs_no_attempts() -> None:
    result = media.outcome_of_failed_fetch("a", MOST_DOWNLOADS, NoRoom(), 0.5)

    assert (result.state, result.error_code) == (FileState.PENDING, "no_room")
    assert not result.begun


def test_storage_is_given_much_longer_than_a_server_of_whatsapps() -> None:
    patient = media.outcome_of_failed_upload("a", MOST_DOWNLOADS, 0.5)
    last = media.outcome_of_failed_upload("a", MOST_UPLOADS, 0.5)

    assert (patient.state, patient.error_code) == (FileState.PENDING, "upload_failed")
    assert (last.state, last.error_code) == (FileState.FAILED, "upload_failed")


@pytest.mark.parametrize(
    ("mime_type", "shown_as", "ending"),
    [
        ("image/jpeg", "image/jpeg", "jpg"),
        ("audio/ogg", "audio/ogg", "ogg"),
        ("application/pdf", "application/pdf", "pdf"),
        ("application/zip", OCTETS, "zip"),
        ("image/heic", OCTETS, "heic"),
        ("image/svg+xml", OCTETS, "bin"),
        ("text/html", OCTETS, "bin"),
        ("application/x-msdownload", OCTETS, "bin"),
        ("../../etc", OCTETS, "bin"),
        (OCTETS, OCTETS, "bin"),
    ],
)
def test_only_what_browsers_merely_show_keeps_its_type(
    mime_type: str, shown_as: str, ending: str
) -> None:
    path = media.storage_path(
        workspace_id="w",
        session_id="s",
        sent_at=datetime(2026, 3, 4, tzinfo=UTC),
        attachment_id="a",
        mime_type=mime_type,
    )

    assert media.content_type(mime_type) == shown_as
    assert path == f"w/s/2026/03/a.{ending}"
