"""Messages under way to one number: their order, and what a failure does to it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest

from connector.adapters.whatsapp.process.calls import Turns
from connector.adapters.whatsapp.process.frames import Frame
from connector.adapters.whatsapp.process.sends import Sends
from connector.clock import SystemClock
from connector.errors import NotConnected, SendFailed, SendRefused

if TYPE_CHECKING:
    from connector.adapters.whatsapp.process.connection import Connection


class Phone:
    """What neonize would do with each message: send it, or fail."""

    def __init__(self, **failing: SendFailed) -> None:
        self.begun: list[str] = []
        self._failing = failing

    def send(self, to: bytes, message: bytes) -> object:
        assert to == b"to"
        self.begun.append(text := message.decode())
        if error := self._failing.get(text):
            raise error
        return SimpleNamespace(ID=f"id of {text}", Timestamp=1_700_000_000)


def sends(phone: Phone) -> Sends:
    return Sends(cast("Connection", phone))


def asked(text: str, failures: int = 0, begin_by: float | None = None) -> Frame:
    header: dict[str, Any] = {"call": "send", "to_size": 2, "failures": failures}
    header["begin_by"] = begin_by
    return Frame(header, b"to" + text.encode())


def error(answer: Mapping[str, Any]) -> object:
    return answer["error"]


def test_a_message_that_left_has_an_id_and_a_time() -> None:
    answer = sends(Phone()).send(asked("first"))

    assert answer == {"whatsapp_id": "id of first", "at": "2023-11-14T22:13:20+00:00"}


def test_what_comes_too_late_is_not_begun() -> None:
    phone = Phone()
    now = SystemClock().monotonic()

    late = sends(phone).send(asked("late", begin_by=now))
    in_time = sends(phone).send(asked("in time", begin_by=now + 60))

    assert error(late) == NotConnected.code
    assert "error" not in in_time
    assert phone.begun == ["in time"]


@pytest.mark.skipif(not hasattr(time, "CLOCK_BOOTTIME"), reason="not Linux")
def test_the_time_a_machine_slept_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Linux stops its monotonic clock meanwhile, and goes on with the one of its boot."""
    phone, lease_ends = Phone(), SystemClock().monotonic() + 60
    real = time.clock_gettime

    def after_an_hour(clock: int) -> float:
        return real(clock) + (3600 if clock == time.CLOCK_BOOTTIME else 0)

    monkeypatch.setattr(time, "clock_gettime", after_an_hour)
    late = sends(phone).send(asked("late", begin_by=lease_ends))

    assert SystemClock().monotonic() > lease_ends
    assert error(late) == NotConnected.code


def test_what_was_handed_over_before_a_failure_was_heard_of_does_not_overtake() -> None:
    phone = Phone(first=SendRefused(463))
    sending = sends(phone)

    refused = sending.send(asked("first"))
    waiting = [sending.send(asked(text)) for text in ("second", "third")]

    assert refused == {"error": "send_refused", "server_code": 463, "failures": 1}
    assert [error(answer) for answer in waiting] == [NotConnected.code] * 2
    assert phone.begun == ["first"]
    # Whoever has heard of it decides anew.
    assert "error" not in sending.send(asked("second", refused["failures"]))
    assert phone.begun == ["first", "second"]


def test_what_was_handed_over_later_does_not_overtake_what_came_too_late() -> None:
    """Between the two the lease was renewed, and then all of us slept past the first's."""
    phone = Phone()
    sending, now = sends(phone), SystemClock().monotonic()

    late = sending.send(asked("first", begin_by=now))
    waiting = sending.send(asked("second", begin_by=now + 60))

    assert (error(late), late["failures"]) == (NotConnected.code, 1)
    assert error(waiting) == NotConnected.code
    assert "error" not in sending.send(asked("first", 1, begin_by=now + 60))
    assert phone.begun == ["first"]


def test_a_planned_stop_begins_nothing_that_waits() -> None:
    phone = Phone()
    sending = sends(phone)

    sending.put(asked("late"))
    [waiting] = sending.end()

    assert sending.take() is None
    assert error(sending.send(waiting)) == NotConnected.code
    assert phone.begun == []


async def test_who_waits_has_their_own_time_once_they_are_first() -> None:
    turns, order = Turns(), list[str]()

    async def take(name: str, seconds: float, *, until: asyncio.Event) -> None:
        async with turns.turn(seconds):
            await until.wait()
        order.append(name)

    never, now = asyncio.Event(), asyncio.Event()
    first = asyncio.create_task(take("first", 0.02, until=never))
    second = asyncio.create_task(take("second", 0.02, until=never))
    third = asyncio.create_task(take("third", 0.0, until=now))
    now.set()  # answered although the others are not: their time goes on

    await third
    with pytest.raises(TimeoutError):
        await first
    assert not second.done()
    with pytest.raises(TimeoutError):
        await second
    assert order == ["third"]
