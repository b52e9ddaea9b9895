"""docs/messages.md names every kind and every event there is, and no other."""

from __future__ import annotations

import re
from pathlib import Path

from connector.adapters.whatsapp.event_codes import Code
from connector.adapters.whatsapp.protobufs import web
from connector.adapters.whatsapp.reading.content.said import KINDS
from connector.adapters.whatsapp.reading.incoming import decode
from connector.domain.messages import Message
from tests.unit.whatsapp import neonize_events as neonize
from tests.unit.whatsapp.hostile_events import events_saying
from tests.unit.whatsapp.reading_events import rules

PAGE = (Path(__file__).parents[3] / "docs" / "messages.md").read_text("utf-8")
WANTS_ALL = rules(ignore_calls=False, ignore_status=False, ignore_newsletters=False)


def rows(heading: str) -> list[str]:
    """The first cells of the first table under a heading."""
    section = PAGE.partition(f"## {heading}\n")[2].partition("\n## ")[0]
    cells = re.findall(
        r"^\| (.+?) \|", section.partition("\n\nAny kind")[0], re.MULTILINE
    )
    return [name for cell in cells[1:] for name in re.findall(r"`(\w+)`", cell)]


def every_message() -> list[Message]:
    stubs = [
        neonize.stub(kind, 60, neonize.BOB_LID, participant=neonize.BOB_LID)
        for kind in web.WebMessageInfo.StubType.values()
    ]
    history = neonize.history_event(
        conversations=[{"ID": neonize.FAMILY, "messages": stubs}]
    )
    sent = [*events_saying("x"), (Code.HISTORY_SYNC, history)]
    return [
        item
        for code, raw in sent
        for item in decode(code, raw, neonize.NOW, WANTS_ALL)
        if isinstance(item, Message)
    ]


def test_every_kind_is_described_once() -> None:
    assert sorted(rows("Kinds")) == sorted(KINDS)


def test_nothing_else_is_ever_stored() -> None:
    assert {message.kind for message in every_message()} <= KINDS


def test_every_event_is_described() -> None:
    told = {
        message.content["event"]
        for message in every_message()
        if message.kind == "system"
    }

    assert told <= set(rows("System messages"))
