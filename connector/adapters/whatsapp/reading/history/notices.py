"""What phones remember as stubs: who came and went in a group, missed calls.

A stub has a type and parameters instead of a message (waWeb, WebMessageInfo.StubType).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from connector.adapters.whatsapp import identity
from connector.adapters.whatsapp.bounds import clean
from connector.adapters.whatsapp.protobufs import web
from connector.adapters.whatsapp.reading.content.context import LONGEST_LIFE
from connector.adapters.whatsapp.reading.content.said import (
    CALL,
    LONGEST_LINE,
    UNDECRYPTABLE,
    Said,
)
from connector.adapters.whatsapp.reading.envelope import Envelope
from connector.domain.addresses import Jid
from connector.domain.messages import Json, Message

_SHOWN: Final = 100  # people named in one system message
_Stub: Final = web.WebMessageInfo
_Told = Callable[[Sequence[str], Envelope], dict[str, Json]]


def _nothing(_parameters: Sequence[str], _envelope: Envelope) -> dict[str, Json]:
    return {}


def _who(parameters: Sequence[str], _envelope: Envelope) -> dict[str, Json]:
    found = (_person(parameter) for parameter in parameters[:_SHOWN])
    return {"who": [str(jid) for jid in found if jid is not None]}


def _person(parameter: str) -> Jid | None:
    """An address, or a JSON object that holds one."""
    if not parameter.startswith("{"):
        return identity.address(parameter)
    try:
        told = json.loads(parameter)
    except (ValueError, RecursionError):
        return None
    named = told.get("id")
    return identity.address(named) if isinstance(named, str) else None


def _text(name: str) -> _Told:
    return lambda parameters, _envelope: {
        name: clean(parameters[0], LONGEST_LINE) if parameters else None
    }


def _switch(parameters: Sequence[str], _envelope: Envelope) -> dict[str, Json]:
    return {"on": bool(parameters) and parameters[0] == "on"}


def _seconds(parameters: Sequence[str], _envelope: Envelope) -> dict[str, Json]:
    told = parameters[0][:10] if parameters else ""
    seconds = int(told) if told.isascii() and told.isdigit() else 0
    return {"seconds": seconds if 0 < seconds <= LONGEST_LIFE else None}


_NOTICES: Final[Mapping[int, tuple[str, _Told]]] = {
    _Stub.GROUP_CREATE: ("created", _nothing),
    _Stub.GROUP_CHANGE_SUBJECT: ("name", _text("name")),
    _Stub.GROUP_CHANGE_ICON: ("picture", _nothing),
    _Stub.GROUP_CHANGE_INVITE_LINK: ("invite_link", _nothing),
    _Stub.GROUP_CHANGE_DESCRIPTION: ("description", _text("description")),
    _Stub.GROUP_CHANGE_RESTRICT: ("locked", _switch),
    _Stub.GROUP_CHANGE_ANNOUNCE: ("announcements_only", _switch),
    _Stub.GROUP_PARTICIPANT_ADD: ("added", _who),
    _Stub.GROUP_PARTICIPANT_REMOVE: ("removed", _who),
    _Stub.GROUP_PARTICIPANT_PROMOTE: ("promoted", _who),
    _Stub.GROUP_PARTICIPANT_DEMOTE: ("demoted", _who),
    _Stub.GROUP_PARTICIPANT_INVITE: ("joined", _who),
    _Stub.GROUP_PARTICIPANT_LEAVE: ("left", _who),
    _Stub.GROUP_PARTICIPANT_ACCEPT: ("joined", _who),
    _Stub.GROUP_PARTICIPANT_LINKED_GROUP_JOIN: ("joined", _who),
    _Stub.GROUP_PARTICIPANT_CHANGE_NUMBER: ("number_changed", _who),
    _Stub.INDIVIDUAL_CHANGE_NUMBER: ("number_changed", _who),
    _Stub.GROUP_DELETE: ("deleted", _nothing),
    _Stub.CHANGE_EPHEMERAL_SETTING: ("disappearing", _seconds),
    _Stub.PINNED_MESSAGE_IN_CHAT: ("pinned", _nothing),
}
_MISSED_CALLS: Final[Mapping[int, tuple[bool, bool]]] = {  # video, group
    _Stub.CALL_MISSED_VOICE: (False, False),
    _Stub.CALL_MISSED_VIDEO: (True, False),
    _Stub.CALL_MISSED_GROUP_VOICE: (False, True),
    _Stub.CALL_MISSED_GROUP_VIDEO: (True, True),
}


def read_stub(envelope: Envelope, info: Any, *, ignore_calls: bool) -> Message | None:
    """None for what concerns nobody, such as changed security codes."""
    stub = info.messageStubType
    if (known := _NOTICES.get(stub)) is not None:
        event, told = known
        parameters = [clean(one, LONGEST_LINE) for one in info.messageStubParameters]
        content = told(parameters, envelope)
        return envelope.notice(
            event, {name: value for name, value in content.items() if value is not None}
        )
    if (missed := _MISSED_CALLS.get(stub)) is not None and not ignore_calls:
        video, group = missed
        call: dict[str, Json] = {
            "call_id": envelope.whatsapp_id,
            "video": video,
            "group": group,
            "outcome": "missed",
        }
        return envelope.message(Said(CALL, None, call))
    if stub == _Stub.CIPHERTEXT:
        return envelope.message(Said(UNDECRYPTABLE))
    return None
