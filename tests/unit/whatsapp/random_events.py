"""Events that are valid protobuf and nonsense otherwise: any field may hold anything."""

from __future__ import annotations

from random import Random
from typing import Any, Final

from google.protobuf.descriptor import FieldDescriptor

from connector.adapters.whatsapp.event_codes import Code
from connector.adapters.whatsapp.protobufs import e2e, events
from connector.adapters.whatsapp.reading.history.chunk import wrapped
from tests.unit.whatsapp import neonize_events as neonize
from tests.unit.whatsapp.neonize_events import BOB_LID, BOB_PHONE, FAMILY, NOW_MS

_DEEPEST: Final = 5
_KINDS: Final[dict[Code, Any]] = {
    Code.MESSAGE: events.Message,
    Code.RECEIPT: events.Receipt,
    Code.UNDECRYPTABLE_MESSAGE: events.UndecryptableMessage,
    Code.HISTORY_SYNC: events.HistorySync,
    Code.JOINED_GROUP: events.JoinedGroup,
    Code.GROUP_INFO: events.GroupInfoEvent,
    Code.PICTURE: events.Picture,
    Code.CALL_OFFER: events.CallOffer,
    Code.CALL_OFFER_NOTICE: events.CallOfferNotice,
}
# Without these an event says nothing, and nothing behind them is ever read.
_MOSTLY: Final = frozenset(
    [
        "Info",
        "MessageSource",
        "Chat",
        "Sender",
        "ID",
        "key",
        "JID",
        "Message",
        "message",
        "messages",
        "Data",
        "User",
        "Server",
        "conversations",
        "GroupInfo",
        "messageTimestamp",
        "basicCallMeta",
        "callID",
        "callCreator",
        "type",
        "Type",
        "MessageIDs",
        "mediaKey",
        "fileSHA256",
        "fileEncSHA256",
        "directPath",
        "contextInfo",
    ]
)
_TEXTS: Final = (
    "",
    "x",
    "a\0b",
    BOB_LID,
    BOB_PHONE,
    FAMILY,
    "status@broadcast",
    "9@newsletter",
    '{"id":"1@lid"}',
    "[1]",
    "{" * 300,
    "on",
    "86400",
    "-",
    "/v/x",
    "../x\u202e.exe",
    "y" * 3_000,
    "\U0001f600" * 70,
    "TEL:1\nTEL;waid=123456:5",
)
_USERS: Final = ("222000222000222", "5521987654321", "120363000000000001", "status", "")
_SERVERS: Final = ("lid", "s.whatsapp.net", "g.us", "broadcast", "newsletter", "bot")
_NUMBERS: Final = (0, 1, 2, 7, -1, 86_400, NOW_MS, NOW_MS // 1_000, 2**53, -(2**63))
_BYTES: Final = (b"", b"k" * 32, b"n" * 12, b"\xff\xd8\xff" * 9_000, bytes(64), b"\xff")
_FLOATS: Final = (0.0, 1.5, -91.0, float("nan"), float("inf"), 1e38)
_F: Final = FieldDescriptor
_LIMITS: Final = {
    _F.TYPE_INT32: (-(2**31), 2**31 - 1),
    _F.TYPE_SFIXED32: (-(2**31), 2**31 - 1),
    _F.TYPE_SINT32: (-(2**31), 2**31 - 1),
    _F.TYPE_UINT32: (0, 2**32 - 1),
    _F.TYPE_FIXED32: (0, 2**32 - 1),
    _F.TYPE_UINT64: (0, 2**64 - 1),
    _F.TYPE_FIXED64: (0, 2**64 - 1),
}


def random_event(random: Random) -> tuple[Code, bytes]:
    """Mostly messages and history: they have most to get wrong."""
    others = random.choice(list(_KINDS))
    code = random.choice([Code.MESSAGE, Code.HISTORY_SYNC, others])
    if code == Code.MESSAGE and random.random() < 0.7:
        return code, _honestly_addressed(random)
    message = _KINDS[code]()
    _fill(message, random, _DEEPEST)
    return code, message.SerializePartialToString()


def _honestly_addressed(random: Random) -> bytes:
    chat = random.choice([BOB_LID, BOB_PHONE, FAMILY, "status@broadcast"])
    where = neonize.source(
        chat,
        chat if chat in {BOB_LID, BOB_PHONE} else BOB_LID,
        from_me=random.random() < 0.2,
        SenderAlt=random.choice(["", BOB_PHONE]),
    )
    said = e2e.Message()
    _fill(said, random, _DEEPEST - 1)
    outside = neonize.message("", where, edit=random.choice(["", "1", "7", "8"]))
    number = events.Message.MESSAGE_FIELD_NUMBER
    return outside + wrapped(number, said.SerializePartialToString())


def _fill(message: Any, random: Random, depth: int) -> None:
    for field in _chosen(message, random):
        if field.message_type is not None:
            if depth > 0:
                _fill_part(message, field, random, depth - 1)
        elif field.is_repeated:
            values = [_value(field, random) for _ in range(random.choice([0, 1, 3]))]
            getattr(message, field.name).extend(values)
        else:
            setattr(message, field.name, _value(field, random))


def _chosen(message: Any, random: Random) -> list[Any]:
    fields = list(message.DESCRIPTOR.fields)
    if isinstance(message, e2e.Message):  # says one thing, or a few at once
        context = message.DESCRIPTOR.fields_by_name["messageContextInfo"]
        few = random.sample(fields, random.choice([1, 1, 2]))
        return [*few, context] if random.random() < 0.3 else few
    some = 0.5 if len(fields) <= 15 else 0.2
    return [
        field
        for field in fields
        if random.random() < (0.95 if field.name in _MOSTLY else some)
    ]


def _fill_part(message: Any, field: Any, random: Random, depth: int) -> None:
    if field.is_repeated:
        for _ in range(random.choice([1, 1, 2])):
            _fill(getattr(message, field.name).add(), random, depth)
    else:
        part = getattr(message, field.name)
        part.SetInParent()
        _fill(part, random, depth)


def _value(field: Any, random: Random) -> Any:
    match field.type:
        case _F.TYPE_STRING:
            named = {"User": _USERS, "Server": _SERVERS, "directPath": ("/v/x", "")}
            return random.choice(named.get(field.name, _TEXTS))
        case _F.TYPE_BYTES:
            return random.choice(_BYTES[1:2] * 6 + _BYTES)
        case _F.TYPE_BOOL:
            return random.random() < 0.3
        case _F.TYPE_FLOAT | _F.TYPE_DOUBLE:
            return random.choice(_FLOATS)
        case _F.TYPE_ENUM:
            return random.choice(field.enum_type.values).number
        case _:
            pass
    least, most = _LIMITS.get(field.type, (-(2**63), 2**63 - 1))
    return min(max(random.choice((*_NUMBERS, most)), least), most)
