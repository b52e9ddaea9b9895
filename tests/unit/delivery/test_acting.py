"""Ticks and dots: shown, in order with the messages, in nobody's way."""

from __future__ import annotations

from dataclasses import replace

import pytest

from connector.domain.addresses import Jid
from connector.domain.messages import Json
from connector.domain.outgoing import Outcome, References, Unread
from connector.errors import NotConnected, SendFailed
from tests.fakes.clock import ManualClock, settle
from tests.fakes.delivering import Scene
from tests.fakes.sending import asked, row

BOB, CARLA = "5511911111111", "5511922222222"
MESSAGE_ID = "7d4447a1-9a3c-4c0e-9b8f-0e2f5a4d9e10"


def unread(*messages: tuple[str, str]) -> References:
    return References(
        unread=tuple(
            Unread(whatsapp_id=name, author=Jid(author, "lid"))
            for name, author in messages
        )
    )


async def test_messages_are_ticked_as_read_sender_by_sender(scene: Scene) -> None:
    family = replace(
        asked("r", "read", {}, to="1203630@g.us"),
        references=unread(("A", "1"), ("B", "2"), ("C", "1")),
    )
    scene.outbox.queued.append(family)

    async with scene.delivering():
        result = await scene.outbox.until_recorded("r")

    assert scene.worker.shown == ["read 1: A C", "read 2: B"]
    assert (result.outcome, result.whatsapp_id) == (Outcome.SENT, None)
    assert scene.store.begun == {}


async def test_a_chat_without_unread_messages_costs_nothing(scene: Scene) -> None:
    scene.outbox.queued.append(asked("r", "read", {}))

    async with scene.delivering():
        result = await scene.outbox.until_recorded("r")

    assert result.outcome is Outcome.SENT
    assert scene.worker.shown == []


async def test_reading_up_to_a_message_that_is_gone_says_so(scene: Scene) -> None:
    scene.outbox.queued.append(asked("r", "read", {"message_id": MESSAGE_ID}))

    async with scene.delivering():
        result = await scene.outbox.until_recorded("r")

    assert (result.outcome, result.code) == (Outcome.FAILED, "message_not_found")


@pytest.mark.parametrize(
    ("error", "outcome"),
    [(NotConnected(), Outcome.RELEASED), (SendFailed(), Outcome.RETRY)],
)
async def test_what_cannot_be_shown_now_is_shown_later(
    scene: Scene, error: SendFailed, outcome: Outcome
) -> None:
    scene.worker.refuses.append(error)
    references = unread(("A", "1"))
    scene.outbox.queued.append(replace(asked("r", "read", {}), references=references))

    async with scene.delivering():
        await scene.outbox.until_recorded("r", outcome)
        scene.outbox.time_passes()
        await scene.outbox.until_recorded("r", Outcome.SENT)

    assert scene.worker.shown == ["read 1: A"]


async def test_typing_is_shown_for_its_time_and_keeps_nobody_waiting(
    scene: Scene,
) -> None:
    clock = scene.clock = ManualClock()
    payload: Json = {"state": "recording", "seconds": 4}
    scene.outbox.queued.append(asked("typing", "typing", payload, to=BOB))
    scene.outbox.queued.append(row("next", to=BOB))

    async with scene.delivering():
        await scene.outbox.until_recorded("next")
        await clock.advance(3.9)
        before = list(scene.worker.shown)
        await clock.advance(0.1)
        after = list(scene.worker.shown)

    assert before == ["recording"]
    assert after == ["recording", "paused"]


async def test_typing_that_is_taken_away_is_taken_away_once(scene: Scene) -> None:
    clock = scene.clock = ManualClock()
    scene.outbox.queued.append(asked("r", "typing", {"state": "paused"}))

    async with scene.delivering():
        await scene.outbox.until_recorded("r")
        await clock.advance(10)

    assert scene.worker.shown == ["paused"]


async def test_a_text_may_be_typed_first_and_other_chats_do_not_wait(
    scene: Scene,
) -> None:
    clock = scene.clock = ManualClock()
    typed: Json = {"text": "digitado", "typing_seconds": 5}
    scene.outbox.queued.append(asked("typed", "text", typed, to=BOB))
    scene.outbox.queued.append(row("behind", to=BOB, text="atrás"))
    scene.outbox.queued.append(row("other", to=CARLA, text="outra"))

    async with scene.delivering():
        await scene.outbox.until_recorded("other")
        await clock.advance(4.9)
        meanwhile = list(scene.worker.heard)
        await clock.advance(0.1)
        await scene.worker.until_heard(3)

    assert scene.worker.shown == ["typing"]
    assert meanwhile == ["outra"]
    assert scene.worker.heard == ["outra", "digitado", "atrás"]


async def test_a_voice_note_is_recorded_first(scene: Scene) -> None:
    payload: Json = {"base64": "b2k=", "typing_seconds": 1}
    scene.outbox.queued.append(asked("r", "voice", payload))

    async with scene.delivering():
        await scene.outbox.until_recorded("r")

    assert scene.worker.shown == ["recording"]


async def test_a_text_whose_dots_are_refused_is_sent(scene: Scene) -> None:
    scene.worker.refuses.append(SendFailed())
    payload: Json = {"text": "oi", "typing_seconds": 5}
    scene.outbox.queued.append(asked("r", "text", payload))

    async with scene.delivering():
        result = await scene.outbox.until_recorded("r")

    assert result.outcome is Outcome.SENT


async def test_a_stop_while_typing_is_shown_sends_nothing(scene: Scene) -> None:
    scene.clock = ManualClock()
    payload: Json = {"text": "oi", "typing_seconds": 5}
    scene.outbox.queued.append(asked("r", "text", payload))

    async with scene.delivering():
        await settle()

    assert scene.worker.heard == []
    assert scene.outbox.results["r"].outcome is Outcome.RELEASED


async def test_a_row_that_cannot_be_read_fails_alone(scene: Scene) -> None:
    scene.outbox.queued.append(replace(row("bad"), readable=False))
    scene.outbox.queued.append(row("good"))

    async with scene.delivering():
        await scene.outbox.until_recorded("good")

    assert scene.outbox.results["bad"].code == "invalid_payload"


async def test_a_number_that_was_checked_in_vain_is_not_asked_for_again(
    scene: Scene,
) -> None:
    scene.store.strangers.add(Jid(BOB, "s.whatsapp.net"))
    scene.outbox.queued.append(replace(row("r", to=BOB), on_whatsapp=False))

    async with scene.delivering():
        result = await scene.outbox.until_recorded("r")

    assert (result.outcome, result.code) == (Outcome.FAILED, "not_on_whatsapp")
    assert scene.worker.asked == []
