"""Steady traffic of one number: people talk in, and the app's rows go out."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field
from random import Random
from typing import Final

import httpx
from postgrest import APIError

from devstack.app import App
from tests.acceptance.sounds import tone
from tests.acceptance.world import Linked
from tests.crashes.sends.letters import STOCKED, Earlier, Letter, Writing
from tests.crashes.talk import Company, Talk, Utterance

BETWEEN_UTTERANCES: Final = 0.35  # seconds on average
BETWEEN_LETTERS: Final = 0.9
MOST_LETTERS: Final = 3  # in one insert
TEXTS: Final = 0.5  # and the rest of every kind there is
INSERTED_WITHIN: Final = 90.0
TRY_AGAIN: Final = 0.3
_REFUSED_TOKEN: Final = ("PGRST301", "PGRST303")


@dataclass(slots=True)
class Stock:
    """What can still be spoken of, and files to send; made once, while all is whole."""

    files: dict[str, list[str]] = field(default_factory=dict)
    ours: list[Earlier] = field(default_factory=list)
    theirs: list[Earlier] = field(default_factory=list)

    @classmethod
    async def of(cls, linked: Linked) -> Stock:
        pdf, sound = b"%PDF-1.4\nchaos", tone("ogg", seconds=1)
        document = await linked.uploads("nota.pdf", pdf, "application/pdf")
        voice = await linked.uploads("recado.ogg", sound, "audio/ogg")
        return cls({"document": [document], "voice": [voice]})

    def remembers_ours(self, earlier: Iterable[Earlier]) -> None:
        self.ours.extend(earlier)
        del self.ours[:-STOCKED]

    def remembers_theirs(self, earlier: Iterable[Earlier]) -> None:
        self.theirs.extend(earlier)
        del self.theirs[:-STOCKED]


class Traffic:
    """`said` and `letters` are all of it so far, in order."""

    def __init__(
        self,
        linked: Linked,
        company: Company,
        stock: Stock,
        chance: Random,
        words: str,
    ) -> None:
        """`words`: what nobody has said in other rounds."""
        self._linked = linked
        self._chance = chance
        self._talk = Talk(chance, company, words)
        self._writing = Writing(
            chance,
            company.people[0],
            company.group,
            stock.files,
            stock.ours,
            stock.theirs,
        )
        self.letters: list[Letter] = []

    @property
    def said(self) -> list[Utterance]:
        return self._talk.utterances

    async def run(self) -> None:
        """Until it is cancelled; what is being inserted then is inserted first."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._talk_on())
            tasks.create_task(self._write_on())

    async def _talk_on(self) -> None:
        while True:
            await asyncio.sleep(self._chance.expovariate(1 / BETWEEN_UTTERANCES))
            await self._talk.goes_on()

    async def _write_on(self) -> None:
        while True:
            await asyncio.sleep(self._chance.expovariate(1 / BETWEEN_LETTERS))
            letters = self._some_letters()
            inserting = asyncio.create_task(self._insert(letters))
            try:
                await asyncio.shield(inserting)
            except asyncio.CancelledError:
                await inserting
                raise

    def _some_letters(self) -> list[Letter]:
        kinds = ["text" if self._chance.random() < TEXTS else None]
        kinds *= self._chance.randint(1, MOST_LETTERS)
        return [letter for kind in kinds for letter in self._writing.letters(1, kind)]

    async def _insert(self, letters: list[Letter]) -> None:
        rows = [letter.row(self._linked.session_id) for letter in letters]
        self.letters += letters
        await patiently_insert(self._linked.app, rows)


async def patiently_insert(app: App, rows: list[dict[str, object]]) -> None:
    """As an app should: with ids of its own, again and again until it is surely there.

    Raises TimeoutError.
    """
    async with asyncio.timeout(INSERTED_WITHIN):
        while True:
            try:
                table = app.client.table("wa_outbox")
                await table.upsert(rows, ignore_duplicates=True).execute()
            except (httpx.HTTPError, APIError) as error:
                if isinstance(error, APIError) and error.code in _REFUSED_TOKEN:
                    await app.client.auth.sign_in_with_password(
                        {"email": app.email, "password": app.password}
                    )
                await asyncio.sleep(TRY_AGAIN)
            else:
                return
