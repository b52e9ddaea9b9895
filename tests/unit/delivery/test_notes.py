"""A stop while Supabase is away: what is known is noted, and told by the next run."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from connector.adapters.whatsapp.store.unrecorded import FILE_NAME, UnrecordedNotes
from connector.domain.outgoing import OutboxResult, Outcome
from connector.domain.outgoing.refusals import outcome_of_failure
from connector.errors import SendRefused, SupabaseUnavailable
from connector.ports import Attempt, SessionId
from connector.sealing import Sealer
from tests.fakes.clock import NOON, turns_until
from tests.fakes.delivering import SEALER, Scene
from tests.fakes.sending import row

SESSION = SessionId("s1")


def noted(outcome: Outcome, claim: int = 1) -> OutboxResult:
    return OutboxResult(
        id="r", outcome=outcome, whatsapp_id="3EB0", sent_at=NOON, claim=claim
    )


async def test_a_stop_notes_what_supabase_could_not_be_told(scene: Scene) -> None:
    scene.worker.gate.clear()
    scene.outbox.queued.append(row("r"))

    async with scene.delivering() as task:
        await scene.worker.in_flight.wait()
        scene.outbox.failures.extend(SupabaseUnavailable() for _ in range(99))
        scene.worker.gate.set()
        task.cancel()

    [note] = scene.notes.noted
    assert (note.id, note.claim) == ("r", 1)
    assert note.outcome is Outcome.SENT


async def test_the_next_run_records_it_and_forgets_the_note(scene: Scene) -> None:
    scene.notes.noted = [noted(Outcome.SENT)]
    scene.outbox.claimed = {"r": replace(row("r"), claim=1)}
    scene.outbox.lineage = f"first copy/{SEALER.current_key}"
    scene.store.begun[SEALER.secrets("r/1")[0]] = Attempt(whatsapp_id="3EB0")

    async with scene.delivering():
        result = await scene.outbox.until_recorded("r")
        await turns_until(lambda: not scene.notes.noted)

    assert result.outcome is Outcome.SENT
    assert scene.worker.heard == []


@pytest.mark.parametrize(
    ("told", "told_of", "recorded"),
    [
        (Outcome.FAILED, 1, Outcome.AWAITING_RECEIPT),  # of an earlier claim
        (Outcome.FAILED, 2, Outcome.FAILED),
        (Outcome.RETRY, 2, Outcome.RETRY),
        (Outcome.SENT, 2, Outcome.SENT),
    ],
)
async def test_a_note_speaks_of_its_own_claim_only(
    scene: Scene, told: Outcome, told_of: int, recorded: Outcome
) -> None:
    scene.notes.noted = [noted(told, told_of)]
    scene.outbox.claimed = {"r": replace(row("r"), claim=2)}
    scene.outbox.lineage = f"first copy/{SEALER.current_key}"
    scene.store.begun[SEALER.secrets("r/2")[0]] = Attempt(whatsapp_id="3EB0")

    async with scene.delivering():
        result = await scene.outbox.until_recorded("r")

    assert result.outcome is recorded


@pytest.mark.parametrize("told", [Outcome.SENT, Outcome.FAILED])
async def test_what_somebody_else_settled_meanwhile_was_sent_all_the_same(
    scene: Scene, told: Outcome
) -> None:
    scene.notes.noted = [noted(told)]
    scene.outbox.queued.append(row("another"))

    async with scene.delivering():
        await scene.outbox.until_recorded("another")

    assert ("r" in scene.outbox.results) == (told is Outcome.SENT)


def test_notes_are_sealed_and_come_back_whole(tmp_path: Path) -> None:
    notes = UnrecordedNotes(SESSION, tmp_path, SEALER)
    refused = outcome_of_failure("p", 1, SendRefused(429), 0.5)
    results = [noted(Outcome.SENT), replace(refused, claim=3)]

    notes.write(results)

    assert list(notes.read()) == results
    assert b"3EB0" not in (tmp_path / FILE_NAME).read_bytes()
    notes.write(())
    assert list(notes.read()) == []
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", [b"", b"[]", b"\x01" + bytes(40)])
def test_what_cannot_be_read_is_no_note(tmp_path: Path, content: bytes) -> None:
    (tmp_path / FILE_NAME).write_bytes(content)

    assert list(UnrecordedNotes(SESSION, tmp_path, SEALER).read()) == []


def test_notes_of_another_session_or_key_do_not_open(tmp_path: Path) -> None:
    UnrecordedNotes(SESSION, tmp_path, SEALER).write([noted(Outcome.SENT)])

    another = UnrecordedNotes(SessionId("s2"), tmp_path, SEALER)
    rekeyed = UnrecordedNotes(SESSION, tmp_path, Sealer([bytes(31) + b"x"]))

    assert list(another.read()) == list(rekeyed.read()) == []


def test_a_folder_that_is_gone_stops_no_stop(tmp_path: Path) -> None:
    notes = UnrecordedNotes(SESSION, tmp_path / "gone", SEALER)

    notes.write([noted(Outcome.SENT)])

    assert list(notes.read()) == []
