"""What people and the app say meanwhile, at a bounded rate; every one of it is counted."""

from __future__ import annotations

import asyncio
import secrets
import time
import uuid
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final

from devstack.app import App
from devstack.whatsapp import Group, Person, SentMessage, WhatsApp
from tests.benchmarks.media import image
from tests.chaos.traffic import patiently_insert
from tests.fleet.fleet import Fleet

FRIENDS: Final = 30
IN_EACH_GROUP: Final = 5
IMAGE_BYTES: Final = 20_000
RECONNECTS: Final = 20.0  # seconds from one to the next, of all numbers together
RESTARTS: Final = 60.0
RESTARTED_SHARE: Final = 4  # one number in so many is restarted now and then
# One in so many has more than half of the traffic: a worker's memory rises for its first 2,500
# messages, and only what comes then tells whether it ever stops.
BUSY_SHARE: Final = 5
STATE_PATIENCE: Final = 60.0


@dataclass(slots=True)
class Number:
    session_id: str
    owner: Person
    group: Group


@dataclass(slots=True)
class Traffic:
    fleet: Fleet
    numbers: list[Number]
    friends: list[Person]
    document: str  # a file of the app's, to be sent
    chance: Random
    rate: float  # messages a second, all together
    said: dict[str, str] = field(default_factory=dict)  # WhatsApp's id → session
    pictures: set[str] = field(default_factory=set)
    written: dict[str, str] = field(default_factory=dict)  # text → the row's id
    reconnects: int = 0
    restarts: int = 0

    @classmethod
    async def prepared(cls, fleet: Fleet, chance: Random, rate: float) -> Traffic:
        whatsapp = fleet.stage.whatsapp
        friends = [
            whatsapp.person(f"55219{number:08}", "Friend") for number in range(FRIENDS)
        ]
        numbers = [
            Number(
                session_id,
                device.person,
                whatsapp.group(
                    "Family", device.person, chance.sample(friends, IN_EACH_GROUP)
                ),
            )
            for session_id, device in zip(fleet.sessions, fleet.devices, strict=True)
        ]
        document = await fleet.app.uploads(
            "note.pdf", b"%PDF-1.4\nsoak", "application/pdf"
        )
        return cls(fleet, numbers, friends, document, chance, rate)

    @property
    def restarted(self) -> list[Number]:
        return self.numbers[: max(1, len(self.numbers) // RESTARTED_SHARE)]

    @property
    def steady(self) -> list[str]:
        return [each.session_id for each in self.numbers[len(self.restarted) :]]

    @property
    def busy(self) -> list[Number]:
        return self.numbers[-max(1, len(self.numbers) // BUSY_SHARE) :]

    async def run(self, seconds: float) -> None:
        """For so long; then everything that began has ended."""
        until = time.monotonic() + seconds
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._talk(until))
            tasks.create_task(_now_and_then(RECONNECTS, until, self._reconnect))
            tasks.create_task(_now_and_then(RESTARTS, until, self._restart))

    async def _talk(self, until: float) -> None:
        """Late after a moment of much load, it does not catch up: the rate is a bound."""
        verbs: dict[Callable[[], Awaitable[None]], int] = {
            self._text: 52,
            self._group_text: 12,
            self._picture: 4,
            self._owner_types: 6,
            self._owner_reads: 4,
            self._app_writes: 20,
            self._app_sends_a_file: 2,
        }
        while (now := time.monotonic()) < until:
            [verb] = self.chance.choices(list(verbs), list(verbs.values()))
            await verb()
            await asyncio.sleep(max(0.0, now + 1 / self.rate - time.monotonic()))

    # --- what comes in ---------------------------------------------------------------

    async def _text(self) -> None:
        number = self._somebody()
        friend = self.chance.choice(self.friends)
        self._said(number, await friend.says(number.owner, f"in {len(self.said)}"))

    async def _group_text(self) -> None:
        number = self._somebody()
        member = self.chance.choice(number.group.members)
        self._said(number, await member.says(number.group, f"group {len(self.said)}"))

    async def _picture(self) -> None:
        number = self._somebody()
        letter = image(self._whatsapp, secrets.token_bytes(IMAGE_BYTES))
        friend = self.chance.choice(self.friends)
        sent = await friend.sends(number.owner, letter)
        self._said(number, sent)
        self.pictures.add(sent.whatsapp_id)

    async def _owner_types(self) -> None:
        number = self._somebody()
        friend = self.chance.choice(self.friends)
        sent = await number.owner.phone.says(friend, f"typed {len(self.said)}")
        self._said(number, sent)

    async def _owner_reads(self) -> None:
        await self._somebody().owner.phone.reads(self.chance.choice(self.friends))

    def _said(self, number: Number, sent: SentMessage) -> None:
        self.said[sent.whatsapp_id] = number.session_id

    # --- what goes out ---------------------------------------------------------------

    async def _app_writes(self) -> None:
        text = f"out {len(self.written)}"
        await self._insert(text, "text", {"text": text})

    async def _app_sends_a_file(self) -> None:
        text = f"out {len(self.written)}"
        payload = {"storage_path": self.document, "caption": text}
        await self._insert(text, "document", payload)

    async def _insert(self, text: str, kind: str, payload: dict[str, Any]) -> None:
        row_id = str(uuid.uuid4())
        self.written[text] = row_id
        row: dict[str, object] = {
            "id": row_id,
            "session_id": self._somebody().session_id,
            "to": self.chance.choice(self.friends).number,
            "kind": kind,
            "payload": payload,
        }
        await patiently_insert(self._app, [row])

    # --- what happens to numbers -----------------------------------------------------

    async def _reconnect(self) -> None:
        device = self.chance.choice(self.fleet.devices)
        device.drop()
        self.reconnects += 1

    async def _restart(self) -> None:
        """In order, so that nothing is lost with its worker."""
        session_id = self.chance.choice(self.restarted).session_id
        await self._app.wants(session_id, "disconnected")
        await self._app.session_is(session_id, "disconnected", within=STATE_PATIENCE)
        await self._app.wants(session_id, "connected")
        await self._app.session_is(session_id, "connected", within=STATE_PATIENCE)
        self.restarts += 1

    def _somebody(self) -> Number:
        return self.chance.choice(self.chance.choice((self.busy, self.numbers)))

    @property
    def _app(self) -> App:
        return self.fleet.app

    @property
    def _whatsapp(self) -> WhatsApp:
        return self.fleet.stage.whatsapp


async def _now_and_then(
    pause: float, until: float, what: Callable[[], Awaitable[None]]
) -> None:
    while (left := until - time.monotonic()) > 0:
        await asyncio.sleep(min(pause, left))
        with suppress(TimeoutError):  # seen in the end: something is missing
            await what()
