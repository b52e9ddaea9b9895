"""The end of a process whose event loop does not turn any more."""

from __future__ import annotations

import asyncio
import threading

from connector.observability.pulse import Pulse, Watchdog


def test_a_loop_that_does_not_turn_ends_the_process() -> None:
    ended = threading.Event()
    watchdog = Watchdog(Pulse(lambda _: None), ended.set, look=0.001, stuck_for=0.004)

    watchdog.start()

    assert ended.wait(5)


async def test_a_loop_that_turns_does_not() -> None:
    ended = threading.Event()
    looked = asyncio.Event()
    loop = asyncio.get_running_loop()

    class Beating(Pulse):
        looks = 0

        @property
        def silent_seconds(self) -> float:
            self.looks += 1
            if self.looks == 20:
                loop.call_soon_threadsafe(looked.set)
            return 0.0

    watchdog = Watchdog(Beating(lambda _: None), ended.set, look=0.001, stuck_for=0.004)
    watchdog.start()
    async with asyncio.timeout(30):
        await looked.wait()
    watchdog.stop()

    assert not ended.is_set()
