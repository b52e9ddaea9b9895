from __future__ import annotations

from tests.emulator.long_waits import LongWaits


async def test_a_code_that_nobody_scans_times_out(long_waits: LongWaits) -> None:
    assert await long_waits.unscanned == "timeout"


async def test_a_silent_server_is_noticed(long_waits: LongWaits) -> None:
    timeout = await long_waits.unanswered

    assert timeout.ErrorCount == 1
