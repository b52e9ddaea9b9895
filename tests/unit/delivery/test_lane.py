"""Two messages under way, whatever becomes of the first: a chat keeps its order."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from connector.domain.outgoing import Outcome
from connector.errors import (
    NotConnected,
    SendRefused,
    SendUncertain,
    SupabaseRefused,
    WorkerGone,
)
from connector.ports import SessionId
from tests.fakes.clock import ManualClock, settle, turns_until
from tests.fakes.delivering import Scene
from tests.fakes.sending import SilentDoorbell, asked, row

BOB, CARLA = "5511911111111", "5511922222222"
FILE = {"storage_path": "a.pdf"}


async def test_two_messages_are_under_way_and_no_more(scene: Scene) -> None:
    scene.worker.gate.clear()
    scene.outbox.queued.extend(row(str(n)) for n in range(5))

    async with scene.delivering():
        await scene.worker.in_flight.wait()
        await settle()
        under_way = scene.worker.at_the_gate
        scene.worker.gate.set()
        await scene.worker.until_heard(5)

    assert under_way == 2


async def test_one_that_fails_for_good_lets_the_next_one_go_again(scene: Scene) -> None:
    scene.worker.refusals.append(SendRefused(403))
    scene.outbox.queued.extend([row("1", text="m1"), row("2", text="m2")])

    async with scene.delivering():
        second = await scene.outbox.until_recorded("2")
        first = await scene.outbox.until_recorded("1")

    assert (first.outcome, second.outcome) == (Outcome.FAILED, Outcome.SENT)
    assert scene.worker.heard == ["m2"]


async def test_one_that_is_tried_again_keeps_the_rest_of_its_chat_waiting(
    scene: Scene,
) -> None:
    scene.worker.refusals.append(SendRefused(503))
    scene.outbox.queued.extend(
        [
            row("1", to=BOB, text="bob 1"),
            row("2", to=BOB, text="bob 2"),
            row("3", to=CARLA, text="carla"),
        ]
    )

    async with scene.delivering():
        await scene.outbox.until_recorded("3")
        meanwhile = list(scene.worker.heard)
        scene.outbox.time_passes()
        await scene.outbox.until_recorded("2", Outcome.SENT)

    assert meanwhile == ["carla"]
    assert scene.worker.heard == ["carla", "bob 1", "bob 2"]


async def test_what_was_claimed_ahead_does_not_overtake_what_goes_back(
    scene: Scene,
) -> None:
    scene.worker.gate.clear()
    scene.outbox.queued.extend(row(str(n), text=f"m{n}") for n in range(48))

    async with scene.delivering():
        await scene.worker.in_flight.wait()
        scene.worker.refusals.append(SendRefused(503))
        scene.worker.gate.set()
        await scene.outbox.until_recorded("1", Outcome.RETRY)
        await turns_until(lambda: not scene.outbox.claimed)
        scene.outbox.time_passes()
        await scene.worker.until_heard(48)

    assert scene.worker.heard == [f"m{n}" for n in range(48)]


async def test_a_number_told_to_slow_down_sends_nothing_more_to_anybody(
    scene: Scene,
) -> None:
    scene.worker.refusals.append(SendRefused(429))
    scene.outbox.queued.extend([row("1", to=BOB), row("2", to=CARLA, text="carla")])

    async with scene.delivering():
        paused = await scene.outbox.until_recorded("1")
        await scene.outbox.until_recorded("2", Outcome.RELEASED)
        meanwhile = list(scene.worker.heard)
        scene.outbox.time_passes()
        await scene.worker.until_heard(2)

    assert paused.outcome is Outcome.PAUSED
    assert paused.pause is not None
    assert paused.pause.lasting == timedelta(minutes=10)
    assert meanwhile == []
    assert scene.worker.heard == ["oi", "carla"]


async def test_being_told_again_is_a_longer_pause(scene: Scene) -> None:
    scene.worker.refusals.extend([SendRefused(429), SendRefused(429)])
    scene.outbox.queued.append(row("1"))
    pauses = []

    async with scene.delivering():
        for _ in range(2):
            result = await scene.outbox.until_recorded("1", Outcome.PAUSED)
            assert result.pause is not None
            pauses.append(result.pause.lasting)
            scene.outbox.results.clear()
            scene.outbox.time_passes()
        await scene.outbox.until_recorded("1", Outcome.SENT)

    assert pauses == [timedelta(minutes=10), timedelta(minutes=20)]


async def test_who_waited_behind_the_row_that_broke_the_worker_is_not_blamed(
    scene: Scene,
) -> None:
    scene.worker.refusals.append(WorkerGone())
    scene.outbox.queued.extend([row("1", text="m1"), row("2", text="m2")])

    async with scene.delivering():
        second = await scene.outbox.until_recorded("2")
        first = await scene.outbox.until_recorded("1")
        await scene.worker.until_heard(2)

    assert (first.outcome, second.outcome) == (Outcome.RETRY, Outcome.RELEASED)
    assert scene.worker.heard == ["m1", "m2"]


async def test_after_one_in_doubt_the_next_one_goes(scene: Scene) -> None:
    scene.worker.gate.clear()
    scene.outbox.queued.extend([row("1", text="m1"), row("2", text="m2")])

    async with scene.delivering():
        await scene.worker.in_flight.wait()
        scene.worker.breaks = SendUncertain()
        scene.worker.gate.set()
        first = await scene.outbox.until_recorded("1")
        scene.worker.breaks = None
        await scene.worker.until_heard(2)

    assert first.outcome is Outcome.AWAITING_RECEIPT
    assert scene.worker.heard == ["m1", "m2"]


async def test_a_file_on_its_way_holds_back_its_own_chat_only(scene: Scene) -> None:
    scene.files.gate.clear()
    scene.outbox.queued.extend(
        [
            asked("file", "document", FILE, to=BOB),
            row("behind", to=BOB, text="behind"),
            row("other", to=CARLA, text="other"),
        ]
    )

    async with scene.delivering():
        await scene.outbox.until_recorded("other")
        meanwhile = list(scene.worker.heard)
        scene.files.gate.set()
        await scene.worker.until_heard(3)

    assert meanwhile == ["other"]
    assert scene.worker.heard == ["other", "OutgoingMedia", "behind"]


async def test_no_more_is_in_hand_than_can_be_given_back(scene: Scene) -> None:
    scene.files.gate.clear()
    scene.outbox.queued.append(asked("file", "document", FILE))
    scene.outbox.queued.extend(row(str(n)) for n in range(99))

    async with scene.delivering():
        for _ in range(5):
            await settle()
        in_hand = len(scene.outbox.claimed)

    assert 16 <= in_hand <= 32


async def test_a_stop_in_the_middle_of_a_file_leaves_nothing_on_the_disk(
    scene: Scene,
) -> None:
    scene.worker.upload_gate.clear()
    scene.outbox.queued.append(asked("file", "document", FILE))

    async with scene.delivering():
        await turns_until(lambda: bool(scene.worker.uploads))
        on_disk = scene.files.on_disk

    assert on_disk == 1
    assert scene.files.on_disk == 0
    assert scene.outbox.results["file"].outcome is Outcome.RELEASED


async def test_a_connection_that_is_lost_gives_everything_back(scene: Scene) -> None:
    scene.files.gate.clear()
    scene.worker.refusals.append(NotConnected())
    scene.outbox.queued.extend(
        [asked("file", "document", FILE, to=BOB), row("text", to=CARLA)]
    )

    async with scene.delivering():
        text = await scene.outbox.until_recorded("text")
        file = await scene.outbox.until_recorded("file")

    assert text.outcome is file.outcome is Outcome.RELEASED


async def test_a_refusal_of_supabase_does_not_end_delivery(scene: Scene) -> None:
    scene.outbox.failures.extend([SupabaseRefused(), SupabaseRefused()])
    scene.outbox.queued.append(row("r"))

    async with scene.delivering() as task:
        result = await scene.outbox.until_recorded("r")
        still_running = not task.done()

    assert result.outcome is Outcome.SENT
    assert still_running


class DeafDoorbell(SilentDoorbell):
    """Rings once, then never again."""

    def __init__(self) -> None:
        self.waits = 0

    async def wait_outbox(self, session_id: SessionId, at_most: float) -> None:
        self.waits += 1
        if self.waits > 1:
            await asyncio.Event().wait()


async def test_a_paced_session_looks_again_when_postgres_says(scene: Scene) -> None:
    clock = scene.clock = ManualClock()
    scene.wakeups = DeafDoorbell()
    scene.outbox.paused = True
    scene.outbox.queued.append(row("r"))
    scene.outbox.look_again.extend([timedelta(seconds=3)] * 2)

    async with scene.delivering():
        await settle()
        scene.outbox.paused = False
        await clock.advance(2.9)
        before = list(scene.worker.heard)
        await clock.advance(0.1)
        await scene.worker.until_heard(1)

    assert before == []
