"""What whatsmeow wrote down of the phone's app state: neonize has no events for it.

whatsmeow keeps the present state in the session's store: names under `whatsmeow_contacts`
(what the owner saved under the phone address), settings under `whatsmeow_chat_settings`.
The supervisor reads them there, like everything of the store: briefly and read-only.
"""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from connector.adapters.whatsapp.bounds import LONGEST_NAME, clean
from connector.adapters.whatsapp.identity import direct_chat, group_chat, parse, person
from connector.adapters.whatsapp.process.orders import STORE_NAME
from connector.adapters.whatsapp.store import saved_marks
from connector.adapters.whatsapp.store.opening import connected
from connector.domain.addresses import LID_SERVER, PHONE_SERVER, Jid
from connector.domain.messages import Chat, Person
from connector.domain.saved import Saved, SavedContact, SavedSettings
from connector.errors import InvalidAddress

MOST_CONTACTS: Final = 100_000
_LATEST: Final = 253_402_300_799
_FOR_EVER: Final = -1
_DEVICE: Final = "select jid, push_name from whatsmeow_device limit 1"
_VERSION: Final = (
    "select group_concat(name || ' ' || version, ' ') from"
    " (select name, version from whatsmeow_app_state_version order by name)"
)
# The other address of each: the pair is known by its user parts.
_CONTACTS: Final = """
select c.their_jid, coalesce(nullif(c.full_name, ''), c.first_name), c.business_name,
       coalesce(by_phone.lid, by_lid.pn)
from whatsmeow_contacts c
left join whatsmeow_lid_map by_phone
  on c.their_jid like '%@s.whatsapp.net'
 and by_phone.pn = substr(c.their_jid, 1, instr(c.their_jid, '@') - 1)
left join whatsmeow_lid_map by_lid
  on c.their_jid like '%@lid'
 and by_lid.lid = substr(c.their_jid, 1, instr(c.their_jid, '@') - 1)
where coalesce(c.full_name, '') <> '' or coalesce(c.first_name, '') <> ''
   or coalesce(c.business_name, '') <> ''
limit ?
"""
_SETTINGS: Final = """
select s.chat_jid, s.archived, s.pinned, s.muted_until,
       coalesce(by_phone.lid, by_lid.pn)
from whatsmeow_chat_settings s
left join whatsmeow_lid_map by_phone
  on s.chat_jid like '%@s.whatsapp.net'
 and by_phone.pn = substr(s.chat_jid, 1, instr(s.chat_jid, '@') - 1)
left join whatsmeow_lid_map by_lid
  on s.chat_jid like '%@lid'
 and by_lid.lid = substr(s.chat_jid, 1, instr(s.chat_jid, '@') - 1)
limit ?
"""


@dataclass(frozen=True, slots=True)
class SavedStore:
    """Implements ports.SavedState over a session's folder."""

    folder: Path

    def pulse(self) -> tuple[int, ...]:
        """Changes when anything is written to the store; costs next to nothing."""
        found = (_times(self.folder / f"{STORE_NAME}{side}") for side in ("", "-wal"))
        return tuple(number for times in found for number in times)

    async def version(self) -> str:
        """Changes when the phone's settings do; soon afterwards they can be read."""
        rows = await asyncio.to_thread(self._read, (_VERSION, ()))
        return str(rows[0][0][0]) if rows and rows[0] else ""

    async def saved(self) -> Saved | None:
        """All of it; None while nothing is linked."""
        return await asyncio.to_thread(self._saved)

    def _saved(self) -> Saved | None:
        limit = (MOST_CONTACTS,)
        rows = self._read(
            (_DEVICE, ()),
            (_CONTACTS, limit),
            (_SETTINGS, limit),
            (saved_marks.KEYS, ()),
            (saved_marks.MARKS, ()),
        )
        if not rows or not rows[0]:
            return None
        ((owner, push_name), *_), contacts, chats, keys, marks = rows
        removed = saved_marks.removed(
            [jid for jid, name, *_ in contacts if name], keys, marks
        )
        return Saved(
            owner=owner,
            push_name=clean(push_name or "", LONGEST_NAME) or None,
            contacts=tuple(
                found for row in contacts for found in _contact(*row, removed=removed)
            ),
            chats=tuple(found for row in chats for found in _settings(*row)),
        )

    def _read(self, *queries: tuple[str, tuple[int, ...]]) -> list[list[Any]]:
        """The answers at one moment; none when there is no store yet, or it is busy."""
        path = self.folder / STORE_NAME
        if not path.exists():
            return []
        try:
            with connected(path) as connection:
                connection.execute("begin")
                return [connection.execute(*query).fetchall() for query in queries]
        except sqlite3.OperationalError:
            return []  # it is looked at again


def _times(path: Path) -> tuple[int, int]:
    try:
        state = path.stat()
    except FileNotFoundError:
        return 0, 0
    return state.st_mtime_ns, state.st_size


def _contact(
    jid: str,
    saved_name: str | None,
    business_name: str | None,
    other: str | None,
    *,
    removed: Collection[str],
) -> Iterator[SavedContact]:
    who = _person(jid, other)
    if who is not None:
        name = "" if jid in removed else clean(saved_name or "", LONGEST_NAME)
        yield SavedContact(
            key=jid,
            person=who,
            saved_name=name or None,
            business_name=clean(business_name or "", LONGEST_NAME) or None,
            is_removed=jid in removed,
        )


def _settings(
    jid: str, archived: int, pinned: int, muted: int, other: str | None
) -> Iterator[SavedSettings]:
    chat = _chat(jid, other)
    if chat is not None:
        yield SavedSettings(
            key=jid,
            chat=chat,
            archived=bool(archived),
            pinned=bool(pinned),
            muted_until=_muted_until(muted),
        )


def _muted_until(seconds: int) -> str | None:
    if seconds == _FOR_EVER or seconds > _LATEST:
        return "infinity"
    if seconds <= 0:
        return None
    return datetime.fromtimestamp(seconds, UTC).isoformat()


def _chat(text: str, other: str | None) -> Chat | None:
    """A chat that is shown: a group or a person, not a status or a newsletter."""
    with contextlib.suppress(InvalidAddress):
        jid = parse(text)
        if jid.is_group:
            return group_chat(jid)
        if (who := _person(text, other)) is not None:
            return direct_chat(who)
    return None


def _person(text: str, other: str | None) -> Person | None:
    with contextlib.suppress(InvalidAddress):
        jid = parse(text)
        if jid.server not in (PHONE_SERVER, LID_SERVER):
            return None
        if not other:
            return person(jid)
        return person(jid, Jid(other, PHONE_SERVER if jid.is_lid else LID_SERVER))
    return None
