"""The chapter in which the app sends more than words, at the pace of a new number."""

from __future__ import annotations

import io
import wave
from array import array
from datetime import datetime
from itertools import pairwise
from math import pi, sin
from typing import TYPE_CHECKING, Final

from PIL import Image, ImageDraw

from devstack.app import Row

if TYPE_CHECKING:
    from devstack.demo.story import Story

OFFER: Final = "O de hoje 🥕"
REACTION: Final = "😍"
SECONDS: Final = 2  # of sound
STEPS: Final = 64  # of a waveform
RATE: Final = 16_000
GAP: Final = 1.5  # seconds; the default of send_gap_seconds
# A gap begins when a claim has its turn, which may be a moment after it asked for it.
A_TURN: Final = 0.5


async def app_sends_more(story: Story, photo: Row) -> None:
    """A picture, a voice note and a reaction to Bob's photo; raises Unexpected."""
    narrator, app = story.narrator, story.app
    async with narrator.chapter(
        "It sends a picture, a voice note and a reaction: one insert."
    ):
        picture = cake()
        rows = await _inserted(story, photo, picture)
        [waiting] = await app.why_waiting(story.session_id, rows[-1])
        narrator.checks(f"the last one waits: “{waiting['message']}”", waiting)
        await _bob_notices(story, picture)
        sent = [await app.outbox_is(one, "delivered", "read") for one in rows]
        narrator.checks(
            "not all at once: a linked number leaves gaps, as people do",
            _shortest_gap(sent) > GAP - A_TURN,
            _shortest_gap(sent),
        )
        # Four messages are what a number that was linked today may send in a minute.
        await app.changes(story.session_id, warm_up_days=0)
        narrator.says(
            "  The number is not new, so the app ends its warm-up (warm_up_days = 0):\n"
            "  20 messages a minute instead of 4; docs/pacing.md says why."
        )


async def _inserted(story: Story, photo: Row, picture: bytes) -> list[str]:
    """The files put into Storage, and the rows that send them: their ids."""
    app = story.app
    image = await app.uploads("bolo.jpg", picture, "image/jpeg")
    voice = await app.uploads("recado.wav", recording(), "audio/wav")
    to = {"session_id": story.session_id, "to": f"+{story.bob.number}"}
    reaction = {"message_id": photo["id"], "emoji": REACTION}
    return await app.inserts(
        {**to, "kind": "image", "payload": {"storage_path": image, "caption": OFFER}},
        {**to, "kind": "voice", "payload": {"storage_path": voice}},
        {**to, "kind": "reaction", "payload": reaction},
    )


async def _bob_notices(story: Story, picture: bytes) -> None:
    narrator, bob = story.narrator, story.bob
    seen, heard, noticed = [await bob.hears() for _ in range(3)]
    narrator.checks(
        f"Bob sees “{OFFER}”, byte for byte", await bob.opens(seen) == picture
    )
    sound = heard.message.audioMessage
    narrator.checks(
        "hears a voice note of 2 seconds, made of a WAV, with its waveform",
        sound.PTT and sound.seconds == SECONDS and len(sound.waveform) == STEPS,
    )
    reaction = noticed.message.reactionMessage
    narrator.checks(
        f"and finds {reaction.text} on his photo", reaction.text == REACTION
    )


def cake() -> bytes:
    """A picture of what is for sale, as JPEG."""
    drawn = Image.new("RGB", (480, 320), "papayawhip")
    draw = ImageDraw.Draw(drawn)
    draw.ellipse((60, 200, 420, 290), fill="white")
    draw.rounded_rectangle((110, 120, 370, 250), 30, fill="darkorange")
    draw.rounded_rectangle((110, 100, 370, 150), 25, fill="saddlebrown")
    made = io.BytesIO()
    drawn.save(made, "JPEG")
    return made.getvalue()


def recording() -> bytes:
    """Two seconds of sound, as WAV."""
    samples = array("h", map(_sample, range(SECONDS * RATE)))
    made = io.BytesIO()
    with wave.open(made, "wb") as output:
        output.setnchannels(1)
        output.setsampwidth(samples.itemsize)
        output.setframerate(RATE)
        output.writeframes(samples.tobytes())
    return made.getvalue()


def _sample(number: int) -> int:
    swell = abs(sin(number * 2 * pi / RATE))
    return int(12_000 * swell * sin(number * 2 * pi * 440 / RATE))


def _shortest_gap(rows: list[Row]) -> float:
    """Seconds between those two that were let go closest together.

    `sent_at` does not tell: WhatsApp counts in whole seconds.
    """
    times = [datetime.fromisoformat(row["claimed_at"]) for row in rows]
    return min((later - earlier).total_seconds() for earlier, later in pairwise(times))
