"""Compares what people said with what the tables hold."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import asyncpg

from tests.crashes.talk import Kind, Utterance

MESSAGES = """
select
  message.id::text, message.whatsapp_id, chat.jid as chat, message.body, message.source,
  message.edited_at is not null as edited, message.revoked_at is not null as deleted,
  message.sent_at, message.seq
from wa_messages as message
inner join wa_chats as chat on chat.id = message.chat_id
where message.session_id = $1 and message.whatsapp_id = any($2)
order by message.seq
"""
REACTIONS = """
select reaction.whatsapp_id, reaction.sender_jid, reaction.emoji
from wa_reactions as reaction
where reaction.session_id = $1 and reaction.whatsapp_id = any($2)
"""
Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Stored:
    """What the tables hold of what was said."""

    messages: Sequence[Row]
    reactions: frozenset[tuple[str, str, str]]

    @classmethod
    async def read(
        cls, database_url: str, session_id: str, said: Iterable[Utterance]
    ) -> Stored:
        ids = [one.id for one in said if one.kind is Kind.TEXT]
        connection = await asyncpg.connect(database_url)
        try:
            rows = await connection.fetch(MESSAGES, session_id, ids)
            reactions = await connection.fetch(REACTIONS, session_id, ids)
        finally:
            await connection.close()
        return cls(
            messages=[dict(row) for row in rows],
            reactions=frozenset((row[0], row[1], row[2]) for row in reactions),
        )


@dataclass(slots=True)
class Findings:
    """`missing` may have an excuse; everything else has none."""

    missing: list[Utterance] = field(default_factory=list)
    twice: list[str] = field(default_factory=list)
    disordered: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)


def compare(said: Sequence[Utterance], stored: Stored) -> Findings:
    rows = {str(row["whatsapp_id"]): row for row in stored.messages}
    counted = Counter(str(row["whatsapp_id"]) for row in stored.messages)
    return Findings(
        missing=list(_missing(said, rows, stored.reactions)),
        twice=[one for one, times in counted.items() if times > 1],
        disordered=list(_disordered(said, stored.messages)),
        wrong=list(_wrong(said, rows)),
    )


def _missing(
    said: Iterable[Utterance],
    rows: Mapping[str, Row],
    reactions: Collection[tuple[str, str, str]],
) -> Iterable[Utterance]:
    for one in said:
        if one.kind is Kind.REACTION:
            there = (one.about, one.person, one.words) in reactions
        else:
            there = _shows(rows.get(one.about), one)
        if not there:
            yield one


def _shows(row: Row | None, one: Utterance) -> bool:
    match one.kind:
        case Kind.TEXT:
            return row is not None
        # What changes a message that is lost, or never readable, waits for it for ever.
        case Kind.EDIT:
            return row is None or row["body"] in (None, one.words)
        case _:
            return row is None or bool(row["deleted"])


def _disordered(said: Iterable[Utterance], messages: Iterable[Row]) -> Iterable[str]:
    """Messages that do not come after the one they were said after."""
    place = {one.id: number for number, one in enumerate(said)}
    newest: defaultdict[str, int] = defaultdict(lambda: -1)
    for row in messages:
        chat, at = row["chat"], place[row["whatsapp_id"]]
        if at < newest[chat]:
            yield row["whatsapp_id"]
        newest[chat] = max(newest[chat], at)


def _wrong(said: Sequence[Utterance], rows: Mapping[str, Row]) -> Iterable[str]:
    """In another chat, with words nobody said, or changed though nobody changed it."""
    changes = {(one.kind, one.about): one for one in said}
    for one in said:
        row = rows.get(one.id)
        if row is None:
            continue
        edit = changes.get((Kind.EDIT, one.id))
        fine = (
            row["chat"] == one.chat
            and row["body"] in (one.words, edit and edit.words)
            and row["edited"] == (row["body"] != one.words)
            and (not row["deleted"] or (Kind.DELETION, one.id) in changes)
        )
        if not fine:
            yield one.id
