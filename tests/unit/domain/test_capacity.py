from __future__ import annotations

import pytest

from connector.domain.capacity import room_for_numbers

MB = 1024 * 1024


@pytest.mark.parametrize(
    ("memory", "numbers"),
    [
        (256 * MB, 4),
        (512 * MB, 13),
        (1024 * MB, 30),
        (64 * MB, 1),  # it will be tight, but it is asked to run
        (0, 1),
        (1 << 50, 1000),
        (None, 50),
    ],
)
def test_a_number_takes_thirty_megabytes_beside_what_all_share(
    memory: int | None, numbers: int
) -> None:
    assert room_for_numbers(memory) == numbers
