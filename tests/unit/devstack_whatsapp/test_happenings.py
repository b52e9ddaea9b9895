from __future__ import annotations

import asyncio

import pytest

from devstack.whatsapp.happenings import Happenings


async def test_what_already_holds_is_not_waited_for() -> None:
    assert await Happenings().first(lambda: "here", "anything", within=0) == "here"


async def test_a_change_wakes_whoever_waits_for_it() -> None:
    happenings, seen = Happenings(), list[str]()
    waiting = asyncio.create_task(
        happenings.until(lambda: "second" in seen, "the second", within=5)
    )
    await asyncio.sleep(0)

    seen.append("first")
    happenings.note()
    assert not waiting.done()
    seen.append("second")
    happenings.note()

    await waiting


async def test_waiting_in_vain_says_what_for() -> None:
    with pytest.raises(TimeoutError, match=r"waited 0.01 s for a miracle"):
        await Happenings().until(lambda: False, "a miracle", within=0.01)


async def test_a_value_that_was_seen_once_counts_even_if_it_is_gone_again() -> None:
    happenings = Happenings()
    holds = [False]
    waiting = asyncio.create_task(
        happenings.until(lambda: holds[0], "a moment", within=5)
    )
    await asyncio.sleep(0)

    holds[0] = True
    happenings.note()
    holds[0] = False

    await waiting
