"""Delivery: each row is sent once, whatever interrupts it."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from connector.domain.outgoing import MOST_ATTEMPTS, Outcome
from connector.errors import (
    NotConnected,
    SendRefused,
    SendUncertain,
    SupabaseUnavailable,
    WorkerGone,
)
from connector.ports import Attempt
from connector.sealing import Sealer
from tests.fakes.clock import NOON, settle, turns_until
from tests.fakes.delivering import SEALER, Scene
from tests.fakes.sending import row


async def test_rows_are_sent_in_order_and_recorded(scene: Scene) -> None:
    scene.outbox.queued.extend(row(str(n), text=f"m{n}") for n in range(40))

    async with scene.delivering():
        last = await scene.outbox.until_recorded("39")

    assert scene.worker.heard == [f"m{n}" for n in range(40)]
    assert last.outcome is Outcome.SENT
    assert last.sent_at == NOON


async def test_a_bad_row_fails_and_the_next_one_is_sent(scene: Scene) -> None:
    scene.outbox.queued.extend([row("bad", to="nobody"), row("good")])

    async with scene.delivering():
        good = await scene.outbox.until_recorded("good")

    assert scene.outbox.results["bad"].code == "invalid_to"
    assert good.outcome is Outcome.SENT


async def test_without_a_connection_nothing_is_begun_and_order_is_kept(
    scene: Scene,
) -> None:
    scene.worker.refusals.append(NotConnected())
    scene.outbox.queued.extend([row("1", text="m1"), row("2", text="m2")])

    async with scene.delivering():
        await scene.outbox.until_recorded("2")
        await scene.worker.until_heard(2)

    assert scene.worker.heard == ["m1", "m2"]


async def test_nothing_is_begun_once_the_lease_may_be_somebody_elses(
    scene: Scene,
) -> None:
    scene.context.trusted_until = -1.0
    scene.outbox.queued.append(row("1", text="m1"))

    async with scene.delivering():
        released = await scene.outbox.until_recorded("1")
        unheard = list(scene.worker.heard)
        scene.context.trusted_until = 1.0
        await scene.worker.until_heard(1)

    assert released.outcome is Outcome.RELEASED
    assert unheard == []
    assert scene.worker.heard == ["m1"]


@pytest.mark.parametrize("error", [SendUncertain(), WorkerGone()])
async def test_an_interrupted_send_waits_for_its_receipt(
    scene: Scene, error: SendUncertain | WorkerGone
) -> None:
    scene.worker.gate.clear()
    scene.outbox.queued.append(row("r"))

    async with scene.delivering():
        await scene.worker.in_flight.wait()
        scene.worker.breaks = error
        scene.worker.gate.set()
        result = await scene.outbox.until_recorded("r")

    assert result.outcome is Outcome.AWAITING_RECEIPT
    assert result.whatsapp_id == "3EB00"
    assert scene.worker.heard == ["oi"]


async def test_a_lost_answer_to_a_claim_strands_no_row(scene: Scene) -> None:
    scene.outbox.lose_next_answer = SupabaseUnavailable()
    scene.outbox.queued.append(row("r"))

    async with scene.delivering():
        await scene.worker.until_heard(1)
        await scene.outbox.until_recorded("r", Outcome.SENT)

    assert scene.outbox.results["r"].outcome is Outcome.SENT


async def test_results_survive_an_outage_and_are_recorded_after_it(
    scene: Scene,
) -> None:
    scene.worker.gate.clear()
    scene.outbox.queued.append(row("r"))

    async with scene.delivering():
        await scene.worker.in_flight.wait()
        scene.outbox.failures.extend(SupabaseUnavailable() for _ in range(5))
        scene.worker.gate.set()
        result = await scene.outbox.until_recorded("r")

    assert result.outcome is Outcome.SENT
    assert scene.worker.heard == ["oi"]


@pytest.mark.parametrize(
    ("begun", "copy", "outcome"),
    [
        (True, "first copy", Outcome.AWAITING_RECEIPT),
        (False, "first copy", Outcome.RELEASED),
        (True, "restored copy", Outcome.AWAITING_RECEIPT),
        (False, "restored copy", Outcome.UNCERTAIN),
    ],
)
async def test_what_a_crash_left_claimed_is_decided_by_the_devices_store(
    scene: Scene,
    begun: bool,  # noqa: FBT001 - a column of the table above
    copy: str,
    outcome: Outcome,
) -> None:
    left = replace(row("left"), claim=1)
    scene.outbox.claimed = {"left": left}
    scene.outbox.lineage = f"first copy/{SEALER.current_key}"
    scene.store.copy = copy
    if begun:
        scene.store.begun[SEALER.secrets("left/1")[0]] = Attempt(whatsapp_id="3EB0")
    scene.worker.gate.clear()

    async with scene.delivering():
        result = await scene.outbox.until_recorded("left")

    assert result.outcome is outcome


@pytest.mark.parametrize(
    ("known", "outcome"),
    [("newest/2", Outcome.RELEASED), ("newest/1", Outcome.UNCERTAIN)],
)
async def test_a_store_that_does_not_know_what_was_sent_last_is_an_earlier_copy(
    scene: Scene, known: str, outcome: Outcome
) -> None:
    scene.outbox.claimed = {"left": replace(row("left"), claim=1)}
    scene.outbox.lineage = f"first copy/{SEALER.current_key}"
    scene.outbox.witness = ("newest", 2)
    scene.store.begun[SEALER.secrets(known)[0]] = Attempt(whatsapp_id="3EB0")
    scene.worker.gate.clear()

    async with scene.delivering():
        result = await scene.outbox.until_recorded("left")

    assert result.outcome is outcome


async def test_a_planned_stop_records_what_is_in_flight_and_gives_back_the_rest(
    scene: Scene,
) -> None:
    scene.worker.gate.clear()
    scene.outbox.queued.extend([row("1"), row("2"), row("3")])

    async with scene.delivering() as task:
        await scene.worker.in_flight.wait()
        task.cancel()
        scene.worker.gate.set()

    assert scene.outbox.results["1"].outcome is Outcome.SENT
    assert scene.outbox.results["2"].outcome is Outcome.SENT
    assert scene.outbox.results["3"].outcome is Outcome.RELEASED
    assert scene.worker.heard == ["oi", "oi"]


async def test_a_stop_gives_back_what_was_not_begun_behind_a_failure(
    scene: Scene,
) -> None:
    scene.worker.gate.clear()
    scene.outbox.queued.extend([row("1"), row("2")])

    async with scene.delivering() as task:
        await turns_until(lambda: scene.worker.at_the_gate == 2)
        task.cancel()
        scene.worker.breaks = SendRefused(403)
        scene.worker.gate.set()

    assert scene.outbox.history == [("1", Outcome.FAILED), ("2", Outcome.RELEASED)]


async def test_a_stop_gives_back_what_is_just_being_claimed(scene: Scene) -> None:
    """Only this machine could prove later that none of it was begun."""
    scene.outbox.answers.clear()
    scene.outbox.queued.append(row("1"))

    async with scene.delivering() as task:
        await turns_until(lambda: "1" in scene.outbox.claimed)
        task.cancel()
        await settle()
        scene.outbox.answers.set()
        await asyncio.wait({task})

    assert scene.outbox.history == [("1", Outcome.RELEASED)]
    assert scene.worker.heard == []


async def test_a_burst_claims_ahead_and_still_keeps_its_order(scene: Scene) -> None:
    scene.worker.gate.clear()
    scene.outbox.queued.extend(row(str(n), text=f"m{n}") for n in range(64))

    async with scene.delivering():
        await scene.worker.in_flight.wait()
        scene.worker.gate.set()
        await scene.worker.until_heard(8)
        scene.worker.refusals.append(NotConnected())
        await scene.worker.until_heard(64)

    assert scene.worker.heard == [f"m{n}" for n in range(64)]


async def test_a_row_that_breaks_every_worker_has_an_end(scene: Scene) -> None:
    scene.worker.refusals.extend(WorkerGone() for _ in range(MOST_ATTEMPTS))
    scene.outbox.queued.extend([row("bad", text="bad"), row("good", text="good")])

    async with scene.delivering():
        failed = await scene.outbox.until_recorded("bad", Outcome.FAILED)
        await scene.worker.until_heard(1)

    assert failed.code == "send_failed"
    assert scene.worker.heard == ["good"]


async def test_a_row_whose_key_was_taken_away_is_not_sent_again(scene: Scene) -> None:
    scene.outbox.claimed = {"left": replace(row("left"), claim=1)}
    scene.outbox.lineage = f"first copy/{Sealer([bytes(31) + b'x']).current_key}"

    async with scene.delivering():
        result = await scene.outbox.until_recorded("left")

    assert result.outcome is Outcome.UNCERTAIN
    assert scene.worker.heard == []


async def test_an_attempt_that_was_refused_does_not_speak_for_the_next(
    scene: Scene,
) -> None:
    scene.store.begun[SEALER.secrets("left/1")[0]] = Attempt(whatsapp_id="3EB0")
    scene.outbox.claimed = {"left": replace(row("left"), claim=2)}
    scene.outbox.lineage = f"first copy/{SEALER.current_key}"

    async with scene.delivering():
        await scene.outbox.until_recorded("left", Outcome.SENT)

    assert scene.worker.heard == ["oi"]


async def test_what_waits_too_long_is_ended_offline_too(scene: Scene) -> None:
    scene.context.online = None

    async with scene.delivering(poll=timedelta(milliseconds=1)):
        async with asyncio.timeout(30):
            await scene.outbox.swept.wait()

    assert scene.worker.heard == []
