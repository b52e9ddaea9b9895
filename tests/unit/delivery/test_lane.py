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
    SupabaseUnavailable,
    WorkerGone,
)
from connector.ports import SessionId
from tests.fakes.clock import ManualClock, settle, turns_until
from tests.fakes.delivering import Scene
from tests.fakes.sending import SilentDoorbell, asked, row

BOB, CARLA, DORA = "5511911111111", "5511922222222", "5511933333333"
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
    assert ("2", Outcome.RELEASED) not in scene.outbox.history


async def test_nobody_begins_while_one_behind_a_failure_is_not_answered(
    scene: Scene,
) -> None:
    scene.wakeups = DeafDoorbell()
    scene.worker.says_no.clear()
    scene.worker.refusals.append(SendRefused(403))
    scene.outbox.queued.extend(row(str(n), text=f"m{n}") for n in range(1, 4))

    async with scene.delivering():
        await scene.outbox.until_recorded("1", Outcome.FAILED)
        await settle()
        is_at_rest = not asyncio.get_running_loop()._ready  # type: ignore[attr-defined] # who can go on
        meanwhile = list(scene.worker.heard)
        scene.worker.says_no.set()
        await scene.worker.until_heard(2)

    assert is_at_rest
    assert meanwhile == []
    assert scene.worker.heard == ["m2", "m3"]


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
    """Claimed while nobody knew yet that the row before it goes back."""
    scene.worker.gate.clear()
    scene.files.gate.clear()
    scene.outbox.queued.extend(row(str(n), text=f"m{n}") for n in range(16))
    scene.outbox.queued.append(asked("file", "document", FILE))

    async with scene.delivering():
        await scene.worker.in_flight.wait()
        scene.outbox.answers.clear()
        scene.worker.gate.set()
        await scene.worker.until_heard(6)  # from now on an answer is under way
        scene.worker.refusals.append(SendRefused(503))
        await turns_until(lambda: not scene.worker.refusals)
        await settle()
        scene.outbox.answers.set()
        await settle()
        scene.files.gate.set()
        await turns_until(lambda: not scene.outbox.claimed)
        meanwhile = len(scene.worker.heard)
        scene.outbox.time_passes()
        await scene.worker.until_heard(17)

    assert meanwhile < 16
    assert scene.worker.heard == [*(f"m{n}" for n in range(16)), "OutgoingMedia"]


async def test_a_lost_answer_says_nothing_about_what_is_in_hand(scene: Scene) -> None:
    scene.worker.gate.clear()
    scene.outbox.queued.extend(row(str(n)) for n in range(2))

    async with scene.delivering():
        await turns_until(lambda: scene.worker.at_the_gate == 2)
        scene.outbox.queued.append(row("2"))
        scene.outbox.lose_next_answer = SupabaseUnavailable()
        await turns_until(lambda: scene.outbox.lose_next_answer is None)
        await settle()
        scene.worker.gate.set()
        await scene.outbox.until_recorded("2", Outcome.SENT)

    assert scene.outbox.history == [
        ("2", Outcome.RELEASED),
        *((str(n), Outcome.SENT) for n in range(3)),
    ]


async def test_a_number_told_to_slow_down_sends_nothing_more_to_anybody(
    scene: Scene,
) -> None:
    scene.worker.refusals.append(SendRefused(429))
    scene.outbox.queued.extend(
        [
            row("1", to=BOB),
            row("2", to=CARLA, text="carla"),
            row("3", to=DORA, text="dora"),
        ]
    )

    async with scene.delivering():
        paused = await scene.outbox.until_recorded("1")
        await scene.outbox.until_recorded("2", Outcome.RELEASED)
        meanwhile = list(scene.worker.heard)
        await scene.outbox.until_recorded("3", Outcome.RELEASED)
        meanwhile += scene.worker.heard
        scene.outbox.time_passes()
        await scene.worker.until_heard(3)

    assert paused.outcome is Outcome.PAUSED
    assert paused.pause is not None
    assert paused.pause.lasting == timedelta(minutes=10)
    assert meanwhile == []
    assert scene.worker.heard == ["oi", "carla", "dora"]


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


async def test_no_more_is_in_hand_than_is_worth_giving_back(scene: Scene) -> None:
    """However many rows wait behind a file in the same chat."""
    scene.files.gate.clear()
    behind = [row(f"behind {n}", to=BOB) for n in range(60)]
    others = [row(f"other {n}", to=CARLA) for n in range(3)]
    scene.outbox.queued.append(asked("file", "document", FILE, to=BOB))
    for other in others:
        scene.outbox.queued.extend([*(behind.pop() for _ in range(14)), other])

    async with scene.delivering():
        await scene.outbox.until_recorded("other 1")
        await settle()
        in_hand = len(scene.outbox.claimed)

    assert 16 < in_hand <= 32


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
