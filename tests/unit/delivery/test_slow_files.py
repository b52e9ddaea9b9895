"""Files that take long go on while their rows are back in the queue."""

from __future__ import annotations

import asyncio
import weakref
from dataclasses import replace
from datetime import timedelta

import pytest

from connector.domain.outgoing import MOST_ATTEMPTS, Outcome
from connector.errors import FileUnavailable, WorkerGone
from connector.ports import ClaimedRow
from tests.fakes.clock import settle, turns_until
from tests.fakes.delivering import Scene
from tests.fakes.sending import asked, row

BOB, CARLA = "5511911111111", "5511922222222"
NO_PATIENCE = timedelta(0)


def document(name: str = "file") -> ClaimedRow:
    return asked(name, "document", {"storage_path": "a.pdf"}, to=BOB)


async def test_other_chats_do_not_wait_however_many_rows_are_behind_a_file(
    scene: Scene,
) -> None:
    """More of its own chat than are ever in hand."""
    scene.patience = NO_PATIENCE
    scene.files.gate.clear()
    scene.outbox.queued.append(document())
    scene.outbox.queued.extend(row(f"b{n}", to=BOB, text=f"b{n}") for n in range(40))
    scene.outbox.queued.append(row("other", to=CARLA, text="other"))

    async with scene.delivering():
        await scene.outbox.until_recorded("other", Outcome.SENT)
        meanwhile, waiting = list(scene.worker.heard), scene.outbox.results["file"]
        scene.files.gate.set()
        await turns_until(lambda: "file" in scene.uploads.by_row)
        scene.outbox.time_passes()
        await scene.outbox.until_recorded("b39", Outcome.SENT)

    assert meanwhile == ["other"]
    assert (waiting.outcome, waiting.code) == (Outcome.PAUSED, "file_on_its_way")
    assert waiting.pause is None
    expected = ["other", "OutgoingMedia", *(f"b{n}" for n in range(40))]
    assert scene.worker.heard == expected
    assert len(scene.worker.uploads) == len(scene.files.fetched) == 1


async def test_a_row_that_comes_back_early_waits_for_the_same_file(
    scene: Scene,
) -> None:
    scene.patience = NO_PATIENCE
    scene.files.gate.clear()
    scene.outbox.queued.append(document())

    async with scene.delivering():
        for times in range(1, MOST_ATTEMPTS + 2):
            paused = [("file", Outcome.PAUSED)] * times
            await turns_until(lambda: scene.outbox.history == paused)  # noqa: B023 - at once
            scene.outbox.time_passes()
        scene.files.gate.set()
        await turns_until(lambda: "file" in scene.uploads.by_row)
        scene.outbox.time_passes()
        sent = await scene.outbox.until_recorded("file", Outcome.SENT)

    assert sent.outcome is Outcome.SENT
    assert len(scene.files.fetched) == 1


async def test_nothing_is_kept_of_a_file_once_its_row_has_it(scene: Scene) -> None:
    """Postgres gives the row out with its file: nobody asks any more what came of it."""
    scene.patience = NO_PATIENCE
    scene.files.gate.clear()
    scene.outbox.queued.append(document())

    async with scene.delivering():
        await scene.outbox.until_recorded("file", Outcome.PAUSED)
        on_its_way = _uploading()
        scene.files.gate.set()
        await turns_until(lambda: "file" in scene.uploads.by_row)
        [back] = scene.outbox.queued
        scene.outbox.queued[0] = replace(back, file=scene.uploads.by_row["file"])
        scene.outbox.time_passes()
        await scene.outbox.until_recorded("file", Outcome.SENT)
        await turns_until(lambda: on_its_way() is None)

    assert len(scene.files.fetched) == 1


@pytest.mark.parametrize("error", [FileUnavailable(), WorkerGone()])
async def test_a_slow_file_that_fails_again_and_again_has_an_end(
    scene: Scene, error: FileUnavailable | WorkerGone
) -> None:
    """Each failure is one of the attempts, though nobody waited for it."""
    scene.patience = NO_PATIENCE
    scene.worker.refuses.extend([error] * MOST_ATTEMPTS)
    scene.outbox.queued.append(document())

    async with scene.delivering():
        while ("file", Outcome.FAILED) not in scene.outbox.history:
            await settle()
            scene.outbox.time_passes()

    tries = [each for each in scene.outbox.history if each[1] is not Outcome.PAUSED]
    assert tries == [
        *[("file", Outcome.RETRY)] * (MOST_ATTEMPTS - 1),
        ("file", Outcome.FAILED),
    ]


async def test_a_stop_ends_what_goes_on_without_its_row(scene: Scene) -> None:
    scene.patience = NO_PATIENCE
    scene.files.gate.clear()
    scene.outbox.queued.append(document())

    async with scene.delivering():
        await scene.outbox.until_recorded("file", Outcome.PAUSED)
        on_disk = scene.files.on_disk
    await settle()

    assert on_disk == 1
    assert scene.files.on_disk == 0


def _uploading() -> weakref.ref[asyncio.Task[object]]:
    [uploading] = (
        task
        for task in asyncio.all_tasks()
        if getattr(task.get_coro(), "__qualname__", "") == "Uploading.file"
    )
    return weakref.ref(uploading)
