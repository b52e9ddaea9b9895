"""What nobody foresaw ends one row, or one run, and sends nothing twice."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from connector.domain.outgoing import OutboxResult, Outcome
from connector.errors import InputRefused, LeaseLost, SupabaseUnavailable
from tests.fakes.clock import settle, turns_until
from tests.fakes.delivering import Scene
from tests.fakes.sending import MemoryOutbox, asked, row

CARLA = "5511922222222"
UNKNOWN = "7d4447a1-9a3c-4c0e-9b8f-0e2f5a4d9e10"


async def test_a_run_after_one_that_failed_waits_for_what_the_worker_still_has(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second is with the worker, unbegun: its store knows nothing of it yet."""
    monkeypatch.setattr("connector.delivery.lane.LAST_WORD", timedelta(0))
    scene.worker.gate.clear()
    scene.outbox.queued.extend([row("1", text="m1"), row("2", text="m2")])
    delivery = scene.delivery()

    async with scene.delivering(delivery=delivery) as failing:
        await turns_until(lambda: scene.worker.at_the_gate == 2)
        scene.outbox.failures.append(LeaseLost())
        await asyncio.wait({failing}, timeout=2)
    async with scene.delivering(delivery=delivery):
        await settle()
        judged_early = dict(scene.outbox.results)
        scene.worker.gate.set()
        await scene.outbox.until_recorded("2", Outcome.SENT)
        await settle()

    assert isinstance(failing.exception(), LeaseLost)
    assert judged_early == {}
    assert scene.worker.heard == ["m1", "m2"]
    assert scene.outbox.history == [("1", Outcome.SENT), ("2", Outcome.SENT)]


async def test_results_do_not_wait_for_one_that_is_unanswered(scene: Scene) -> None:
    scene.files.gate.clear()
    scene.worker.gate.clear()
    scene.outbox.queued.extend(
        [row("text"), asked("file", "document", {"storage_path": "a.pdf"}, to=CARLA)]
    )

    async with scene.delivering():
        await scene.worker.in_flight.wait()
        await turns_until(lambda: bool(scene.files.fetched))
        scene.context.online = None
        await scene.outbox.until_recorded("file", Outcome.RELEASED)
        meanwhile = dict(scene.outbox.claimed)
        scene.worker.gate.set()
        await scene.outbox.until_recorded("text", Outcome.SENT)

    assert list(meanwhile) == ["text"]


@pytest.mark.parametrize("kind", ["text", "typing"])
async def test_a_row_that_breaks_us_has_an_end_and_harms_nobody_else(
    scene: Scene, kind: str
) -> None:
    breaking = {"text": {"text": "m1"}, "typing": {"state": "paused"}}
    scene.worker.broken_by = "5521900000000"
    scene.outbox.queued.append(
        asked("1", kind, breaking[kind], to=scene.worker.broken_by)
    )
    scene.outbox.queued.append(row("2", to=CARLA, text="m2"))

    async with scene.delivering() as task:
        await scene.outbox.until_recorded("2", Outcome.SENT)
        await until_failed(scene, "1")
        still_running = not task.done()

    assert scene.outbox.results["1"].outcome is Outcome.FAILED
    assert scene.worker.heard == ["m2"]
    assert still_running


async def until_failed(scene: Scene, name: str) -> None:
    async with asyncio.timeout(30):
        while (name, Outcome.FAILED) not in scene.outbox.history:
            scene.outbox.time_passes()
            await asyncio.sleep(0)


class ParticularOutbox(MemoryOutbox):
    """Refuses to store one row's results, or the words of them."""

    refused: str = ""
    refuses_all_of_it = False

    async def exchange(self, session_id, term, lineage, results, claim):  # type: ignore[no-untyped-def] # the same
        for result in results:
            if result.id == self.refused and self._has_too_much(result):
                raise InputRefused
        return await super().exchange(session_id, term, lineage, results, claim)

    def _has_too_much(self, result: OutboxResult) -> bool:
        return self.refuses_all_of_it or result.whatsapp_id is not None


@pytest.mark.parametrize("refused", ["its words", "all of it"])
async def test_a_result_that_cannot_be_stored_does_not_keep_the_others_from_it(
    scene: Scene, refused: str
) -> None:
    outbox = scene.outbox = ParticularOutbox()
    outbox.refused, outbox.refuses_all_of_it = "1", refused == "all of it"
    outbox.queued.extend(row(str(n)) for n in range(3))

    async with scene.delivering():
        for name in ("0", "2"):
            await outbox.until_recorded(name, Outcome.SENT)

    # It left, and nothing else of it can be told.
    told = {"its words": [("1", Outcome.UNCERTAIN)], "all of it": []}
    assert [each for each in outbox.history if each[0] == "1"] == told[refused]


async def test_a_reply_to_nothing_fails_before_its_file_is_fetched(
    scene: Scene,
) -> None:
    payload = {"storage_path": "a.pdf", "reply_to": UNKNOWN}
    scene.outbox.queued.append(asked("r", "document", payload))

    async with scene.delivering():
        result = await scene.outbox.until_recorded("r")

    assert result.code == "message_not_found"
    assert scene.files.fetched == []


async def test_an_outage_right_after_a_run_that_failed_judges_nothing_either(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("connector.delivery.lane.LAST_WORD", timedelta(0))
    scene.worker.gate.clear()
    scene.outbox.queued.append(row("1", text="m1"))
    delivery = scene.delivery()

    async with scene.delivering(delivery=delivery) as failing:
        await scene.worker.in_flight.wait()
        scene.outbox.failures.append(LeaseLost())
        await asyncio.wait({failing}, timeout=2)
    scene.outbox.failures.append(SupabaseUnavailable())
    async with scene.delivering(delivery=delivery):
        await settle()
        scene.worker.gate.set()
        await scene.outbox.until_recorded("1", Outcome.SENT)

    assert scene.outbox.history == [("1", Outcome.SENT)]
