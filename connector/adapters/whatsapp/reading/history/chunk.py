"""A chunk of history cut up without parsing it: one message is read at a time.

A chunk may hold many thousands of messages; parsed at once they take twenty times the
room.
This is protobuf's wire format, and nothing else of it: tag, length, payload.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_CONTINUES: Final = 0x80
_SEVEN_BITS: Final = 0x7F
_LONGEST_VARINT: Final = 10  # bytes


class Field(NamedTuple):
    number: int
    is_bytes: bool
    start: int  # of its tag
    payload: int  # where its value begins
    end: int


class Split(NamedTuple):
    """All payloads of one repeated field, and the message without them."""

    parts: list[memoryview]
    rest: bytes


def split(message: bytes | memoryview, number: int) -> Split:
    """Raises ValueError when it is no protobuf message."""
    view = memoryview(message)
    parts: list[memoryview] = []
    rest = bytearray()
    for field in fields(view):
        if field.number == number and field.is_bytes:
            parts.append(view[field.payload : field.end])
        else:
            rest += view[field.start : field.end]
    return Split(parts, bytes(rest))


def fields(view: memoryview) -> Iterator[Field]:
    position, end = 0, len(view)
    while position < end:
        start = position
        tag, position = _varint(view, position)
        number, wire = tag >> 3, tag & 7
        if number == 0:
            raise ValueError("a field without a number")
        payload = position
        if wire == _BYTES:
            length, payload = _varint(view, position)
            position = payload + length
        elif wire == _VARINT:
            _, position = _varint(view, position)
        elif wire in {_FIXED64, _FIXED32}:
            position += 8 if wire == _FIXED64 else 4
        else:
            raise ValueError("a field of no known type")
        if position > end:
            raise ValueError("a field that is cut off")
        yield Field(number, wire == _BYTES, start, payload, position)


def wrapped(number: int, payload: bytes) -> bytes:
    """A message of which this is the only field."""
    return _encoded(number << 3 | _BYTES) + _encoded(len(payload)) + payload


def _varint(view: memoryview, position: int) -> tuple[int, int]:
    value = shift = 0
    for byte in view[position : position + _LONGEST_VARINT]:
        position += 1
        value |= (byte & _SEVEN_BITS) << shift
        if byte < _CONTINUES:
            return value, position
        shift += 7
    raise ValueError("a number without an end")


def _encoded(value: int) -> bytes:
    found = bytearray()
    while value >= _CONTINUES:
        found.append(value & _SEVEN_BITS | _CONTINUES)
        value >>= 7
    found.append(value)
    return bytes(found)
