from __future__ import annotations

from datetime import UTC, datetime, timedelta

from connector.domain.pairing import Pairing

BEGAN = datetime(2026, 1, 2, 12, 0, tzinfo=UTC)


def test_the_first_qr_lasts_a_minute_and_every_other_twenty_seconds() -> None:
    first = Pairing().show_qr("one", BEGAN)
    second = first.show_qr("two", BEGAN + timedelta(seconds=60))
    third = second.show_qr("three", BEGAN + timedelta(seconds=80))

    assert first.expires_at == BEGAN + timedelta(seconds=60)
    assert second.expires_at == BEGAN + timedelta(seconds=80)
    assert third.expires_at == BEGAN + timedelta(seconds=100)
    assert third.qr == "three"


def test_a_pairing_code_replaces_the_qr_until_the_attempt_ends() -> None:
    shown = Pairing().show_qr("one", BEGAN)

    handed_over = shown.show_code("ABCD-EFGH", BEGAN + timedelta(seconds=1))

    assert handed_over.qr is None
    assert handed_over.code == "ABCD-EFGH"
    assert handed_over.expires_at == BEGAN + timedelta(seconds=160)


def test_the_next_qr_does_not_take_a_pairing_code_away() -> None:
    handed_over = Pairing().show_code("ABCD-EFGH", BEGAN)

    assert handed_over.show_qr("two", BEGAN + timedelta(seconds=60)) is handed_over
