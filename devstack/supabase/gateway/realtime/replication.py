"""pgoutput messages, protocol version 1, in text format.

Source: PostgreSQL documentation, "Logical Replication Message Formats".
"""

from __future__ import annotations

import enum
import struct
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, TypeAlias

POSTGRES_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
KEY_FLAG = 1


class Unchanged(enum.Enum):
    """A large value that was not written again and is therefore not in the log."""

    TOAST = "toast"


UNCHANGED: Final = Unchanged.TOAST
Value: TypeAlias = str | Unchanged | None
Row: TypeAlias = tuple[Value, ...]


class ChangeKind(enum.StrEnum):
    INSERT = "INSERT"
    UPDATE = "UPDATE"
    DELETE = "DELETE"


@dataclass(frozen=True, slots=True)
class Begin:
    """What follows was committed at `commit_time` by transaction `xid`."""

    commit_time: datetime
    xid: int


@dataclass(frozen=True, slots=True)
class RelationColumn:
    name: str
    type_oid: int
    is_identity: bool


@dataclass(frozen=True, slots=True)
class Relation:
    """Precedes the first change of a table, and again whenever the table changed."""

    oid: int
    schema: str
    name: str
    columns: tuple[RelationColumn, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RowChange:
    """`old` holds the whole row under REPLICA IDENTITY FULL, else its identity only."""

    kind: ChangeKind
    relation_oid: int
    new: Row | None = None
    old: Row | None = None
    old_is_whole: bool = False


Message: TypeAlias = Begin | Relation | RowChange
CHANGE_KINDS = {
    b"I": ChangeKind.INSERT,
    b"U": ChangeKind.UPDATE,
    b"D": ChangeKind.DELETE,
}


def decode(message: bytes) -> Message | None:
    """One pgoutput message; None for those that carry no change of a row."""
    tag, reader = message[:1], _Reader(message, 1)
    if tag == b"B":
        _, microseconds, xid = reader.unpack(">qqI")
        return Begin(POSTGRES_EPOCH + timedelta(microseconds=microseconds), xid)
    if tag == b"R":
        return _relation(reader)
    if kind := CHANGE_KINDS.get(tag):
        return _row_change(kind, reader)
    return None


def changed_relation(message: bytes) -> int | None:
    """Which table a change of a row is in, without reading the row."""
    if message[:1] not in CHANGE_KINDS:
        return None
    (oid,) = _Reader(message, 1).unpack(">I")
    return oid


def _relation(reader: _Reader) -> Relation:
    (oid,) = reader.unpack(">I")
    schema, name = reader.text(), reader.text()
    _, count = reader.unpack(">BH")
    return Relation(oid, schema, name, tuple(_column(reader) for _ in range(count)))


def _column(reader: _Reader) -> RelationColumn:
    (flags,) = reader.unpack(">B")
    name = reader.text()
    type_oid, _ = reader.unpack(">Ii")
    return RelationColumn(name, type_oid, bool(flags & KEY_FLAG))


def _row_change(kind: ChangeKind, reader: _Reader) -> RowChange:
    oid, tag = reader.unpack(">IB")
    old: Row | None = None
    old_is_whole = tag == ord("O")
    if tag in b"KO":
        old = reader.row()
        if kind is ChangeKind.UPDATE:
            reader.unpack(">B")  # N, announcing the new row
    new = None if kind is ChangeKind.DELETE else reader.row()
    return RowChange(
        kind=kind, relation_oid=oid, new=new, old=old, old_is_whole=old_is_whole
    )


class _Reader:
    """A position in one message."""

    def __init__(self, message: bytes, position: int) -> None:
        self._message = message
        self._position = position

    def unpack(self, shape: str) -> tuple[int, ...]:
        values: tuple[int, ...] = struct.unpack_from(
            shape, self._message, self._position
        )
        self._position += struct.calcsize(shape)
        return values

    def text(self) -> str:
        end = self._message.index(0, self._position)
        text = self._message[self._position : end].decode()
        self._position = end + 1
        return text

    def row(self) -> Row:
        (count,) = struct.unpack_from(">H", self._message, self._position)
        self._position += 2
        return tuple(self._value() for _ in range(count))

    def _value(self) -> Value:
        tag = self._message[self._position]
        self._position += 1
        if tag == ord("n"):
            return None
        if tag == ord("u"):
            return UNCHANGED
        (length,) = struct.unpack_from(">I", self._message, self._position)
        start = self._position + 4
        self._position = start + length
        return self._message[start : self._position].decode()
