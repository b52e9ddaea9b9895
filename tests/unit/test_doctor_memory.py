"""What doctor says of a machine's memory."""

from __future__ import annotations

import pytest

from connector.doctor.findings import Verdict
from connector.doctor.machine import memory

MB = 1024 * 1024


@pytest.mark.parametrize(
    ("limit", "asked", "verdict", "words"),
    [
        (512 * MB, None, Verdict.GOOD, "512 MB for all processes: room for 13 numbers"),
        (512 * MB, 13, Verdict.GOOD, "room for 13 numbers"),
        (512 * MB, 14, Verdict.WARNING, "WA_MAX_SESSIONS allows 14"),
        (128 * MB, None, Verdict.WARNING, "room for 1 numbers"),
        (None, 7, Verdict.GOOD, "7 numbers are taken"),
        (None, None, Verdict.GOOD, "50 numbers are taken"),
    ],
)
def test_it_says_for_how_many_numbers_there_is_room(
    limit: int | None, asked: int | None, verdict: Verdict, words: str
) -> None:
    finding = memory(limit, asked)

    assert finding.verdict is verdict
    assert words in finding.sentence
    assert bool(finding.cure) is (verdict is Verdict.WARNING)
