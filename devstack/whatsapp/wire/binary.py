"""The encoding of nodes: WhatsApp's binary XML.

A node is a list: its tag, its attributes as key and value in turn, and, when it has any,
its content: bytes, a string, or child nodes. Strings shrink to one-byte tokens, to two
for the rarer ones, or to half their size when they are digits or hexadecimal. Content a
client reads as bytes must be sent as bytes: a string would arrive as a token and be
silently ignored.
"""

from __future__ import annotations

import struct
import zlib
from typing import Final

from devstack.whatsapp.wire.errors import DecodeError
from devstack.whatsapp.wire.nodes import (
    AGENTS,
    BROADCAST,
    GROUP,
    LID,
    PN,
    SERVER_JID,
    Attributes,
    Jid,
    Node,
    text_of,
)
from devstack.whatsapp.wire.tokens import DOUBLE, SINGLE

__all__ = [
    "BROADCAST",
    "GROUP",
    "LID",
    "PN",
    "SERVER_JID",
    "Attributes",
    "DecodeError",
    "Jid",
    "Node",
    "decode",
    "encode",
]

# What the first byte of a value means, when it is not a token.
LIST_EMPTY, DOUBLE_TOKENS = 0, 236
INTEROP_JID, FACEBOOK_JID, DEVICE_JID = 245, 246, 247
LIST_8, LIST_16, JID_PAIR, HEX = 248, 249, 250, 251
BINARY_8, BINARY_20, BINARY_32, NIBBLE = 252, 253, 254, 255

SERVER_OF_AGENT: Final = {agent: server for server, agent in AGENTS.items()}
ALPHABETS: Final = {NIBBLE: "0123456789-.", HEX: "0123456789ABCDEF"}
LONGEST_PACKED = 127
PACKING_PAD = 15
COMPRESSED = 2  # in the first byte of a decrypted frame
LARGEST_FRAME = 64 * 1024 * 1024
DEEPEST = 64  # real stanzas nest about five levels

SINGLE_INDEX: Final = {token: i for i, token in enumerate(SINGLE) if token}
DOUBLE_INDEX: Final = {
    token: (page, i)
    for page, tokens in enumerate(DOUBLE)
    for i, token in enumerate(tokens)
}


def encode(node: Node) -> bytes:
    """A frame's plaintext: the flags, always 0 (not compressed), and the node."""
    out = bytearray(b"\x00")
    _write_node(out, node)
    return bytes(out)


def decode(frame: bytes) -> Node:
    """Raises DecodeError on anything but exactly one whole node."""
    if not frame:
        raise DecodeError("the frame is empty")
    body = _inflated(frame[1:]) if frame[0] & COMPRESSED else frame[1:]
    reader = _Reader(body)
    node = reader.node()
    if reader.position != len(body):
        raise DecodeError("there are bytes after the node")
    return node


def _inflated(compressed: bytes) -> bytes:
    inflater = zlib.decompressobj()
    try:
        body = inflater.decompress(compressed, LARGEST_FRAME)
    except zlib.error as error:
        raise DecodeError("the frame does not decompress") from error
    if not inflater.eof:
        raise DecodeError("the frame is cut off or too large")
    return body


def _write_node(out: bytearray, node: Node) -> None:
    attrs = [(k, v) for k, v in node.attrs.items() if v is not None and v != ""]
    _write_list_size(out, 1 + 2 * len(attrs) + (node.content is not None))
    _write_string(out, node.tag)
    for name, value in attrs:
        _write_string(out, name)
        if isinstance(value, Jid):
            _write_jid(out, value)
        else:
            _write_string(out, text_of(value))
    match node.content:
        case None:
            return
        case list(children):
            _write_list_size(out, len(children))
            for child in children:
                _write_node(out, child)
        case str(text):
            _write_string(out, text)
        case data:
            _write_bytes(out, data)


def _write_list_size(out: bytearray, size: int) -> None:
    if size == 0:
        out.append(LIST_EMPTY)
    elif size < 1 << 8:
        out += bytes((LIST_8, size))
    else:
        out += struct.pack(">BH", LIST_16, size)


def _write_string(out: bytearray, text: str) -> None:
    if (single := SINGLE_INDEX.get(text)) is not None:
        out.append(single)
    elif (double := DOUBLE_INDEX.get(text)) is not None:
        page, index = double
        out += bytes((DOUBLE_TOKENS + page, index))
    elif (packing := _packing_for(text)) is not None:
        _write_packed(out, text, packing)
    else:
        _write_bytes(out, text.encode())


def _packing_for(text: str) -> int | None:
    if not 0 < len(text) <= LONGEST_PACKED:
        return None
    letters = set(text)
    return next((kind for kind, abc in ALPHABETS.items() if letters <= set(abc)), None)


def _write_packed(out: bytearray, text: str, packing: int) -> None:
    alphabet = ALPHABETS[packing]
    halves = [alphabet.index(letter) for letter in text]
    odd = len(halves) % 2
    if odd:
        halves.append(PACKING_PAD)
    out += bytes((packing, len(halves) // 2 | odd << 7))
    out += bytes(a << 4 | b for a, b in zip(halves[::2], halves[1::2], strict=True))


def _write_bytes(out: bytearray, data: bytes) -> None:
    if len(data) < 1 << 8:
        out += bytes((BINARY_8, len(data)))
    elif len(data) < 1 << 20:
        out += struct.pack(">I", BINARY_20 << 24 | len(data))
    else:
        out += struct.pack(">BI", BINARY_32, len(data))
    out += data


def _write_jid(out: bytearray, jid: Jid) -> None:
    if jid.device and jid.server in AGENTS:
        out += bytes((DEVICE_JID, AGENTS[jid.server], jid.device))
        _write_string(out, jid.user)
        return
    out.append(JID_PAIR)
    if jid.user:
        _write_string(out, jid.user)
    else:
        out.append(LIST_EMPTY)
    _write_string(out, jid.server)


class _Reader:
    def __init__(self, body: bytes) -> None:
        self._body, self.position, self._depth = body, 0, 0

    def node(self) -> Node:
        if self._depth == DEEPEST:
            raise DecodeError("the nodes nest too deep")
        self._depth += 1
        size = self._list_size(self._number(1))
        if size == 0:
            raise DecodeError("a node has no tag")
        tag = self._string()
        attrs = {self._string(): self._attribute() for _ in range((size - 1) // 2)}
        content = self._content() if size % 2 == 0 else None
        self._depth -= 1
        return Node(tag, attrs, content)

    def _list_size(self, kind: int) -> int:
        if kind == LIST_EMPTY:
            return 0
        if kind not in (LIST_8, LIST_16):
            raise DecodeError(f"{kind} does not begin a list")
        return self._number(1 if kind == LIST_8 else 2)

    def _content(self) -> list[Node] | bytes | str | None:
        kind = self._number(1)
        if kind == LIST_EMPTY:
            return None
        if kind in (LIST_8, LIST_16):
            return [self.node() for _ in range(self._list_size(kind))]
        if kind in (BINARY_8, BINARY_20, BINARY_32):
            return self._binary(kind)
        value = self._value(kind)
        return str(value)

    def _attribute(self) -> str | Jid:
        return self._value(self._number(1))

    def _string(self) -> str:
        value = self._value(self._number(1))
        if isinstance(value, Jid):
            raise DecodeError("an address stands where a string must")
        return value

    def _value(self, kind: int) -> str | Jid:
        if 0 < kind < len(SINGLE):
            return SINGLE[kind]
        if kind == LIST_EMPTY:
            return ""
        if DOUBLE_TOKENS <= kind < DOUBLE_TOKENS + len(DOUBLE):
            return DOUBLE[kind - DOUBLE_TOKENS][self._number(1)]
        if kind in (BINARY_8, BINARY_20, BINARY_32):
            try:
                return self._binary(kind).decode()
            except UnicodeDecodeError as error:
                raise DecodeError("a string is not UTF-8") from error
        if kind in ALPHABETS:
            return self._packed(ALPHABETS[kind])
        return self._jid(kind)

    def _jid(self, kind: int) -> Jid:
        if kind == JID_PAIR:
            return Jid(self._string(), self._string())
        if kind == DEVICE_JID:
            server = SERVER_OF_AGENT.get(self._number(1), PN)
            device = self._number(1)
            return Jid(self._string(), server, device)
        if kind not in (FACEBOOK_JID, INTEROP_JID):
            raise DecodeError(f"{kind} does not begin a value")
        user, device = self._string(), self._number(2)
        if kind == INTEROP_JID:
            self._number(2)  # the integrator: which other messenger
        return Jid(user, self._string(), device)

    def _binary(self, kind: int) -> bytes:
        width = {BINARY_8: 1, BINARY_20: 3, BINARY_32: 4}[kind]
        return self._take(self._number(width))

    def _packed(self, alphabet: str) -> str:
        head = self._number(1)
        packed = self._take(head & 127)
        halves = [half for byte in packed for half in (byte >> 4, byte & 15)]
        if head >> 7:
            halves = halves[:-1]
        try:
            return "".join(alphabet[half] for half in halves)
        except IndexError as error:
            raise DecodeError("a packed string leaves its alphabet") from error

    def _number(self, width: int) -> int:
        return int.from_bytes(self._take(width), "big")

    def _take(self, size: int) -> bytes:
        taken = self._body[self.position : self.position + size]
        if len(taken) < size:
            raise DecodeError("the frame is cut off")
        self.position += size
        return taken
