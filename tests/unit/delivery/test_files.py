"""Rows with a file: fetched and uploaded once, used again whatever interrupts the send."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace

import pytest

from connector.delivery.uploading import BESIDES, COPIES, NO_MEMORY
from connector.domain.addresses import Jid
from connector.domain.messages import Json
from connector.domain.outgoing import (
    MOST_ATTEMPTS,
    KnownMessage,
    Outcome,
    OutgoingFile,
    OutgoingMedia,
    OutgoingText,
    References,
    StoredFile,
)
from connector.errors import (
    FileUnavailable,
    InvalidPayload,
    StorageUnavailable,
    SupabaseUnavailable,
    UploadFailed,
    WorkerGone,
)
from connector.ports import ClaimedRow
from tests.fakes.clock import NOON, settle, turns_until
from tests.fakes.delivering import SESSION, Scene
from tests.fakes.files_to_send import PDF
from tests.fakes.sending import asked, row, uploaded

PATH: Mapping[str, Json] = {"storage_path": "a.pdf"}
MESSAGE_ID = "7d4447a1-9a3c-4c0e-9b8f-0e2f5a4d9e10"


def document(name: str = "r", to: str = "5521987654321") -> ClaimedRow:
    return asked(name, "document", {"storage_path": "a.pdf"}, to=to)


def sent_file(scene: Scene, at: int = 0) -> OutgoingFile:
    content = scene.worker.sent[at].content
    assert isinstance(content, OutgoingMedia)
    return content.file


async def test_a_file_is_uploaded_kept_and_sent(scene: Scene) -> None:
    scene.outbox.queued.append(document())

    async with scene.delivering():
        await scene.outbox.until_recorded("r")

    assert scene.files.fetched == [StoredFile(bucket="wa-media", path="a.pdf")]
    assert scene.uploads.by_row["r"] == sent_file(scene)
    assert sent_file(scene) == OutgoingFile(uploaded=uploaded(1), facts=PDF)
    assert scene.files.on_disk == 0


async def test_whoever_keeps_files_is_told_once_it_is_recorded(scene: Scene) -> None:
    scene.outbox.queued.append(row("text"))

    async with scene.delivering():
        await scene.outbox.until_recorded("text")
        await settle()
        before = list(scene.files_sent)
        scene.outbox.queued.append(document("file"))
        await scene.outbox.until_recorded("file")
        await turns_until(lambda: bool(scene.files_sent))

    assert before == []
    assert scene.outbox.results["file"].outcome is Outcome.SENT
    assert scene.files_sent == [SESSION]


async def test_what_an_earlier_attempt_uploaded_is_used(scene: Scene) -> None:
    kept = OutgoingFile(uploaded=uploaded(9), facts=PDF)
    scene.outbox.queued.append(replace(document(), file=kept))

    async with scene.delivering():
        await scene.outbox.until_recorded("r")

    assert sent_file(scene) == kept
    assert scene.files.fetched == []
    assert scene.worker.uploads == []


async def test_what_another_row_uploaded_is_used_under_its_own_name(
    scene: Scene,
) -> None:
    payload = {"storage_path": "a.pdf", "file_name": "proposta.pdf"}
    scene.outbox.queued.extend([document("1"), asked("2", "document", payload)])

    async with scene.delivering():
        await scene.outbox.until_recorded("2")

    assert len(scene.worker.uploads) == 1
    assert sent_file(scene, 1).uploaded == sent_file(scene, 0).uploaded
    assert sent_file(scene, 1).facts.file_name == "proposta.pdf"
    assert scene.uploads.by_row["2"] == sent_file(scene, 1)


async def test_the_same_file_again_and_again_is_uploaded_by_the_first_of_them(
    scene: Scene,
) -> None:
    """Two are prepared at once: at most those two upload it."""
    scene.outbox.queued.extend(document(str(n), to=f"55119{n:08}") for n in range(10))

    async with scene.delivering():
        await scene.outbox.until_recorded("9")

    assert len(scene.worker.uploads) <= 2


async def test_a_file_for_which_memory_is_short_waits_for_it(scene: Scene) -> None:
    scene.spare_memory = BESIDES  # and nothing for the file
    scene.outbox.queued.append(document())

    async with scene.delivering():
        waiting = await scene.outbox.until_recorded("r", Outcome.RETRY)
        before = list(scene.worker.uploads)
        scene.spare_memory = BESIDES + COPIES * 7
        scene.outbox.results.clear()
        scene.outbox.time_passes()
        last = await scene.outbox.until_recorded("r")

    assert (waiting.code, waiting.message) == ("file_unavailable", NO_MEMORY)
    assert before == []
    assert last.outcome is Outcome.SENT


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (FileUnavailable(), "file_unavailable"),
        (UploadFailed(), "upload_to_whatsapp_failed"),
    ],
)
async def test_a_file_that_cannot_be_had_for_now_is_tried_again_and_has_an_end(
    scene: Scene, error: FileUnavailable | UploadFailed, code: str
) -> None:
    broken = (
        scene.files.refusals if code == "file_unavailable" else scene.worker.refuses
    )
    broken.extend([error] * MOST_ATTEMPTS)
    scene.outbox.queued.append(document())

    async with scene.delivering():
        for _ in range(MOST_ATTEMPTS - 1):
            await scene.outbox.until_recorded("r", Outcome.RETRY)
            scene.outbox.results.clear()
            scene.outbox.time_passes()
        last = await scene.outbox.until_recorded("r")

    assert (last.outcome, last.code) == (Outcome.FAILED, code)
    assert scene.worker.heard == []


async def test_a_file_waits_for_storage_as_long_as_that_is_away(scene: Scene) -> None:
    scene.files.refusals.extend([StorageUnavailable()] * 3 * MOST_ATTEMPTS)
    scene.outbox.queued.append(document())

    async with scene.delivering():
        for _ in range(3 * MOST_ATTEMPTS):
            waiting = await scene.outbox.until_recorded("r", Outcome.PAUSED)
            assert (waiting.code, waiting.pause) == ("storage_unavailable", None)
            assert waiting.retry_after is not None
            scene.outbox.results.clear()
            scene.outbox.time_passes()
        last = await scene.outbox.until_recorded("r")

    assert last.outcome is Outcome.SENT


async def test_a_file_that_can_never_be_sent_fails_by_its_code(scene: Scene) -> None:
    scene.files.refusals.append(InvalidPayload("Too large.", code="media_too_large"))
    scene.outbox.queued.append(document())

    async with scene.delivering():
        failed = await scene.outbox.until_recorded("r")

    assert (failed.outcome, failed.code) == (Outcome.FAILED, "media_too_large")


async def test_an_upload_that_cannot_be_kept_is_sent_all_the_same(scene: Scene) -> None:
    scene.uploads.failures.extend([SupabaseUnavailable(), SupabaseUnavailable()])
    scene.outbox.queued.append(document())

    async with scene.delivering():
        sent = await scene.outbox.until_recorded("r")

    assert sent.outcome is Outcome.SENT


async def test_a_file_that_breaks_every_worker_has_an_end(scene: Scene) -> None:
    scene.worker.refuses.extend(WorkerGone() for _ in range(MOST_ATTEMPTS))
    scene.outbox.queued.extend([document("bad"), row("good", to="5511911111111")])

    async with scene.delivering():
        failed = await scene.outbox.until_recorded("bad", Outcome.FAILED)
        good = await scene.outbox.until_recorded("good", Outcome.SENT)

    assert failed.code == "send_failed"
    assert good.outcome is Outcome.SENT


async def test_a_file_that_only_waited_for_its_turn_is_not_blamed(
    scene: Scene,
) -> None:
    scene.files.named = None
    scene.worker.upload_gate.clear()
    scene.worker.refuses.extend([WorkerGone(), WorkerGone()])
    scene.outbox.queued.extend([document("1"), document("2", to="5511911111111")])

    async with scene.delivering():
        await turns_until(lambda: scene.files.on_disk == 2)
        await settle()
        scene.worker.upload_gate.set()
        await scene.outbox.until_recorded("2", Outcome.SENT)

    assert ("1", Outcome.RETRY) in scene.outbox.history
    assert ("2", Outcome.RETRY) not in scene.outbox.history


async def test_one_file_of_the_whole_machine_is_uploaded_at_a_time(
    scene: Scene,
) -> None:
    other = Scene.connected()
    other.one_upload = scene.one_upload
    for each in (scene, other):
        each.worker.upload_gate.clear()
        each.files.named = None
        each.outbox.queued.append(document())

    async with scene.delivering(), other.delivering():
        await turns_until(lambda: scene.files.on_disk == other.files.on_disk == 1)
        await settle()
        at_once = len(scene.worker.uploads) + len(other.worker.uploads)
        for each in (scene, other):
            each.worker.upload_gate.set()
        await asyncio.gather(
            scene.outbox.until_recorded("r"), other.outbox.until_recorded("r")
        )

    assert at_once == 1


async def test_two_files_of_a_session_are_fetched_at_a_time(scene: Scene) -> None:
    scene.files.gate.clear()
    scene.outbox.queued.extend(document(str(n), to=f"55119{n:08}") for n in range(5))

    async with scene.delivering():
        await turns_until(lambda: scene.files.at_once == 2)
        await settle()
        scene.files.gate.set()
        await scene.outbox.until_recorded("4")

    assert scene.files.most_at_once == 2


def known(
    kind: str,
    *,
    file: OutgoingFile | None = None,
    stored: StoredFile | None = None,
    revoked: bool = False,
) -> References:
    message = KnownMessage(
        id=MESSAGE_ID,
        whatsapp_id="3EB0",
        from_me=False,
        author=Jid("5511922222222", "s.whatsapp.net"),
        chat=Jid("5511922222222", "s.whatsapp.net"),
        kind=kind,
        body=None,
        content={"file_name": "contrato.pdf"},
        sent_at=NOON,
        revoked=revoked,
        file=file,
        stored=stored,
    )
    return References(message=message)


def forward(references: References) -> ClaimedRow:
    return replace(
        asked("r", "forward", {"message_id": MESSAGE_ID}), references=references
    )


async def test_what_whatsapp_still_has_is_forwarded_as_it_is(scene: Scene) -> None:
    there = OutgoingFile(uploaded=uploaded(5), facts=PDF)
    scene.outbox.queued.append(forward(known("document", file=there)))

    async with scene.delivering():
        await scene.outbox.until_recorded("r")

    assert sent_file(scene) == there
    assert scene.worker.uploads == []


async def test_otherwise_it_is_uploaded_from_storage(scene: Scene) -> None:
    stored = StoredFile(bucket="wa-media", path="x/1.pdf")
    scene.outbox.queued.append(forward(known("document", stored=stored)))

    async with scene.delivering():
        await scene.outbox.until_recorded("r")

    assert scene.files.fetched == [stored]
    assert scene.files.claimed[0].file_name == "contrato.pdf"
    assert sent_file(scene).uploaded == uploaded(1)


@pytest.mark.parametrize(
    ("references", "code"),
    [
        (References(), "message_not_found"),
        (known("document"), "not_forwardable"),
        (
            known("image", revoked=True, stored=StoredFile(bucket="b", path="p")),
            "already_deleted",
        ),
    ],
)
async def test_a_message_that_cannot_be_forwarded_fails_before_anything_is_fetched(
    scene: Scene, references: References, code: str
) -> None:
    scene.outbox.queued.append(forward(references))

    async with scene.delivering():
        failed = await scene.outbox.until_recorded("r")

    assert failed.code == code
    assert scene.files.fetched == []


@pytest.mark.parametrize(
    ("text", "looked_at"),
    [
        ("veja https://zapbase.example/a_(b), hoje", ["https://zapbase.example/a_(b)"]),
        ("(em http://a.example/x?y=1).", ["http://a.example/x?y=1"]),
        ("*https://a.example*", ["https://a.example"]),
        ("sem link: a.example", []),
    ],
)
async def test_a_preview_is_of_the_first_link(
    scene: Scene, text: str, looked_at: list[str]
) -> None:
    payload: Json = {"text": text, "link_preview": True}
    scene.outbox.queued.append(asked("r", "text", payload))

    async with scene.delivering():
        await scene.outbox.until_recorded("r")

    content = scene.worker.sent[0].content
    assert isinstance(content, OutgoingText)
    assert scene.files.looked_at == looked_at
    assert (content.preview is not None) == bool(looked_at)


async def test_a_file_that_goes_back_takes_nothing_along_that_is_before_it(
    scene: Scene,
) -> None:
    """Postgres is away: it does not know yet what has gone back."""
    link: Mapping[str, Json] = {
        "text": "https://example.com",
        "link_preview": True,
    }
    scene.files.gate.clear()
    scene.files.refusals.append(FileUnavailable())
    scene.outbox.queued.extend(
        [asked("1", "text", link), row("2", text="2"), asked("3", "document", PATH)]
    )

    async with scene.delivering():
        await turns_until(lambda: bool(scene.files.looked_at))
        scene.outbox.answers.clear()
        await turns_until(lambda: "3" in scene.outbox.results)
        scene.files.gate.set()
        await scene.worker.until_heard(2)
        scene.outbox.answers.set()
        scene.outbox.time_passes()
        await scene.outbox.until_recorded("3", Outcome.SENT)

    assert scene.worker.heard == ["https://example.com", "2", "OutgoingMedia"]
