"""A worker that answers questions about people as a test says, one at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from connector.domain.addresses import Jid
from connector.domain.look_ups import (
    GroupAnswer,
    NumberAnswer,
    PictureAnswer,
    PictureState,
)
from connector.domain.messages import Person
from connector.domain.outgoing import OutgoingRead, Typing, Uploaded
from connector.domain.presence import Presence
from connector.errors import ConnectorError, LookupRefusal, LookupRefused, NotConnected
from connector.ports import SealedFile


class AskedWorker:
    """Knows of nobody until it is told."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.at_once = 0
        self.most_at_once = 0
        self.groups: dict[Jid, GroupAnswer] = {}
        self.pictures: dict[Jid, PictureAnswer] = {}
        self.people: dict[str, Person] = {}
        self.silent_about: set[str] = set()  # numbers
        self.businesses: dict[str, str] = {}  # names by number
        self.refuses: list[ConnectorError] = []  # the next questions
        self.online: list[bool] = []
        self._presences: asyncio.Queue[Presence] = asyncio.Queue()

    def tells(self, presence: Presence) -> None:
        self._presences.put_nowait(presence)

    async def group_info(self, jid: Jid) -> GroupAnswer:
        await self._question(f"group {jid}")
        if jid not in self.groups:
            raise LookupRefused(LookupRefusal.NOT_FOUND)
        return self.groups[jid]

    async def profile_picture(self, jid: Jid, known_id: str | None) -> PictureAnswer:
        await self._question(f"picture {jid}")
        nothing = PictureAnswer(state=PictureState.NONE)
        found = self.pictures.get(jid, nothing)
        if known_id is not None and found.picture_id == known_id:
            return PictureAnswer(state=PictureState.UNCHANGED, picture_id=known_id)
        return found

    async def look_up(self, numbers: Sequence[str]) -> Sequence[NumberAnswer]:
        await self._question(f"numbers {' '.join(numbers)}")
        return [
            NumberAnswer(
                asked=one,
                person=self.people.get(one),
                business_name=self.businesses.get(one),
            )
            for one in numbers
            if one not in self.silent_about
        ]

    async def show_online(self, *, online: bool) -> None:
        await self._question("online" if online else "offline")
        self.online.append(online)

    async def upload(self, file: SealedFile) -> Uploaded:
        raise NotConnected

    async def mark_read(self, read: OutgoingRead) -> None:
        raise NotConnected

    async def show_typing(self, chat: Jid, typing: Typing) -> None:
        raise NotConnected

    async def presences(self) -> Sequence[Presence]:
        return [await self._presences.get()]

    async def _question(self, what: str) -> None:
        self.asked.append(what)
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        await asyncio.sleep(0)
        self.at_once -= 1
        if self.refuses:
            raise self.refuses.pop(0)
