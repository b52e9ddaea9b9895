"""Reads an event as the spool's reader does, with Ana's number as our own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from connector.adapters.whatsapp.event_codes import Code
from connector.adapters.whatsapp.protobufs import e2e
from connector.adapters.whatsapp.reading.incoming import decode
from connector.adapters.whatsapp.reading.rules import ReadingRules, Rejected
from connector.domain.addresses import Jid
from connector.domain.incoming import Incoming
from connector.domain.messages import Chat, ChatKind, Message, Person
from tests.unit.whatsapp import neonize_events as neonize

ANA = Person(lid=Jid.parse(neonize.ANA_LID), phone=Jid.parse(neonize.ANA_PHONE))
BOB = Person(lid=Jid.parse(neonize.BOB_LID), phone=Jid.parse(neonize.BOB_PHONE))
BOBS_CHAT = Chat(jid=Jid.parse(neonize.BOB_LID), kind=ChatKind.DIRECT, alias=BOB.phone)
FAMILY_CHAT = Chat(jid=Jid.parse(neonize.FAMILY), kind=ChatKind.GROUP)
FROM_BOB = neonize.source(neonize.BOB_LID, SenderAlt=neonize.BOB_PHONE)
IN_FAMILY = neonize.source(neonize.FAMILY, neonize.BOB_LID, SenderAlt=neonize.BOB_PHONE)

T = TypeVar("T")


def rules(**given: Any) -> ReadingRules:
    return ReadingRules(**{"own": ANA, **given})


def everything(
    code: Code, raw: bytes, reading: ReadingRules | None = None
) -> list[Incoming | Rejected]:
    return list(decode(code, raw, neonize.NOW, reading or rules()))


def items(
    code: Code, raw: bytes, reading: ReadingRules | None = None
) -> list[Incoming]:
    found = everything(code, raw, reading)
    return [item for item in found if not isinstance(item, Rejected)]


def only(kind: type[T], found: list[Incoming]) -> T:
    (one,) = (item for item in found if isinstance(item, kind))
    return one


def said(message: e2e.Message | str, where: Any = None, **given: Any) -> Message:
    """What is stored of a message that Bob sends."""
    raw = neonize.message(message, FROM_BOB if where is None else where, **given)
    return only(Message, items(Code.MESSAGE, raw))


def meant(message: e2e.Message, where: Any = None, **given: Any) -> list[Incoming]:
    """Everything that comes of a message that Bob sends."""
    reading = given.pop("reading", None)
    raw = neonize.message(message, FROM_BOB if where is None else where, **given)
    return items(Code.MESSAGE, raw, reading)


def key(name: str, **given: Any) -> Mapping[str, Any]:
    """A WACommon.MessageKey that names a message."""
    return {"ID": name, **given}
