"""The four messages of libsignal's version 3, as bytes and as values.

Their protobuf schema ("WhisperText") does not ship with neonize; two wire types suffice,
so the encoding is written out here. Public keys carry their type byte on the wire and
are bare 32 bytes in these values.
"""

from __future__ import annotations

from typing import NamedTuple, Self

from devstack.whatsapp.wire.curve import SIGNATURE_LENGTH, with_type
from devstack.whatsapp.wire.errors import DecodeError

VERSION = b"\x33"  # current version 3, oldest supported version 3
MAC_LENGTH = 8
LONGEST_VARINT = 10
MORE_FOLLOWS = 0x80  # in each byte of a varint but the last
VARINT, LENGTH_DELIMITED = 0, 2

Fields = dict[int, int | bytes]


class SignalMessage(NamedTuple):
    """A message of an established session, without its trailing MAC."""

    ratchet_key: bytes
    counter: int
    previous_counter: int
    ciphertext: bytes

    def encode(self) -> bytes:
        return VERSION + _encoded(
            {
                1: with_type(self.ratchet_key),
                2: self.counter,
                3: self.previous_counter,
                4: self.ciphertext,
            }
        )

    @classmethod
    def decode(cls, message: bytes) -> Self:
        """`message` ends with its MAC. Raises DecodeError."""
        fields = _body(message[:-MAC_LENGTH])
        return cls(
            _key(fields, 1), _number(fields, 2), _number(fields, 3), _bytes(fields, 4)
        )


class PreKeySignalMessage(NamedTuple):
    """A message that carries what the receiver needs to build the session."""

    one_time_id: int | None
    base_key: bytes
    identity: bytes
    message: bytes
    registration_id: int
    signed_prekey_id: int

    def encode(self) -> bytes:
        fields: Fields = {
            2: with_type(self.base_key),
            3: with_type(self.identity),
            4: self.message,
            5: self.registration_id,
            6: self.signed_prekey_id,
        }
        if self.one_time_id is not None:
            fields[1] = self.one_time_id
        return VERSION + _encoded(fields)

    @classmethod
    def decode(cls, message: bytes) -> Self:
        fields = _body(message)
        return cls(
            _number(fields, 1) if 1 in fields else None,
            _key(fields, 2),
            _key(fields, 3),
            _bytes(fields, 4),
            _number(fields, 5),
            _number(fields, 6),
        )


class SenderKeyMessage(NamedTuple):
    """A group message, without its trailing signature of 64 bytes."""

    key_id: int
    iteration: int
    ciphertext: bytes

    def encode(self) -> bytes:
        return VERSION + _encoded(
            {1: self.key_id, 2: self.iteration, 3: self.ciphertext}
        )

    @classmethod
    def decode(cls, message: bytes) -> Self:
        fields = _body(message[:-SIGNATURE_LENGTH])
        return cls(_number(fields, 1), _number(fields, 2), _bytes(fields, 3))


class SenderKeyDistribution(NamedTuple):
    """Hands a group's sender key to one member, from `iteration` on."""

    key_id: int
    iteration: int
    chain_key: bytes
    signing_key: bytes

    def encode(self) -> bytes:
        return VERSION + _encoded(
            {
                1: self.key_id,
                2: self.iteration,
                3: self.chain_key,
                4: with_type(self.signing_key),
            }
        )

    @classmethod
    def decode(cls, message: bytes) -> Self:
        fields = _body(message)
        return cls(
            _number(fields, 1), _number(fields, 2), _bytes(fields, 3), _key(fields, 4)
        )


def _encoded(fields: Fields) -> bytes:
    out = bytearray()
    for number, value in sorted(fields.items()):
        if isinstance(value, int):
            out += _varint(number << 3 | VARINT) + _varint(value)
        else:
            out += _varint(number << 3 | LENGTH_DELIMITED) + _varint(len(value)) + value
    return bytes(out)


def _varint(value: int) -> bytes:
    out = bytearray()
    while value >= MORE_FOLLOWS:
        out.append(value & 0x7F | MORE_FOLLOWS)
        value >>= 7
    out.append(value)
    return bytes(out)


def _body(message: bytes) -> Fields:
    if message[:1] != VERSION:
        raise DecodeError("not a Signal message of version 3")
    fields: Fields = {}
    position = 1
    while position < len(message):
        tag, position = _read_varint(message, position)
        value, position = _read_varint(message, position)
        if tag & 7 == VARINT:
            fields[tag >> 3] = value
        elif tag & 7 == LENGTH_DELIMITED and position + value <= len(message):
            fields[tag >> 3] = message[position : position + value]
            position += value
        else:
            raise DecodeError("a Signal message is cut off or of an unknown shape")
    return fields


def _read_varint(message: bytes, position: int) -> tuple[int, int]:
    value = 0
    for place, byte in enumerate(message[position : position + LONGEST_VARINT]):
        value |= (byte & 0x7F) << 7 * place
        if byte < MORE_FOLLOWS:
            return value, position + place + 1
    raise DecodeError("a Signal message is cut off inside a number")


def _number(fields: Fields, number: int) -> int:
    value = fields.get(number, 0)
    if isinstance(value, bytes):
        raise DecodeError(f"field {number} of a Signal message is not a number")
    return value


def _bytes(fields: Fields, number: int) -> bytes:
    value = fields.get(number)
    if not isinstance(value, bytes):
        raise DecodeError(f"field {number} of a Signal message is missing")
    return value


def _key(fields: Fields, number: int) -> bytes:
    key = _bytes(fields, number)
    if key[:-32] != b"\x05":
        raise DecodeError(f"field {number} of a Signal message is not a public key")
    return key[1:]
