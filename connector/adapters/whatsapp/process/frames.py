"""Frames between the supervisor, the zygote and the workers.

    u32 length of what follows | u16 length of header | header (JSON object) | body

Integers are big-endian; the body is raw bytes. A frame is bounded: whoever sends more,
or anything else, is cut off with FrameBroken.
"""

from __future__ import annotations

import asyncio
import json
import socket
import struct
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

LARGEST_FRAME: Final = 16 * 1024 * 1024
LARGEST_HEADER: Final = 0xFFFF
_PREFIX: Final = struct.Struct(">IH")
_LENGTH_SIZE: Final = 4
_HEADER_LENGTH_SIZE: Final = 2
_READ_SIZE: Final = 64 * 1024


class FrameBroken(Exception):
    """The bytes are not frames, or a frame is larger than agreed."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One message: a small JSON object, and bytes that are not looked into."""

    header: Mapping[str, Any]
    body: bytes = field(default=b"", repr=False)


def encode(frame: Frame) -> bytes:
    """Raises FrameBroken when the frame is too large."""
    header = json.dumps(frame.header, separators=(",", ":")).encode()
    length = _HEADER_LENGTH_SIZE + len(header) + len(frame.body)
    if len(header) > LARGEST_HEADER or length > LARGEST_FRAME:
        raise FrameBroken("the frame is larger than agreed")
    return _PREFIX.pack(length, len(header)) + header + frame.body


class Decoder:
    """Cuts a stream of bytes into frames; holds at most one unfinished frame."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> Iterator[Frame]:
        """Yield the frames that `data` completes.

        Raises FrameBroken.
        """
        self._buffer += data
        while len(self._buffer) >= _PREFIX.size:
            length, header_length = _PREFIX.unpack_from(self._buffer)
            if length > LARGEST_FRAME or header_length + _HEADER_LENGTH_SIZE > length:
                raise FrameBroken("not a frame, or one larger than agreed")
            end = _LENGTH_SIZE + length
            if len(self._buffer) < end:
                return
            whole = bytes(self._buffer[_PREFIX.size : end])
            del self._buffer[:end]
            yield Frame(_header(whole[:header_length]), whole[header_length:])


def _header(text: bytes) -> Mapping[str, Any]:
    try:
        header = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise FrameBroken("the header is not JSON") from error
    if not isinstance(header, dict):
        raise FrameBroken("the header is not a JSON object")
    return header


class BlockingChannel:
    """Frames over a blocking socket; sending is safe from any thread."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._decoder = Decoder()
        self._sending = threading.Lock()

    def send(self, frame: Frame) -> None:
        """Raises OSError once the other side is gone."""
        data = encode(frame)
        with self._sending:
            self._connection.sendall(data)

    def frames(self) -> Iterator[Frame]:
        """Yield frames until the other side closes or dies.

        Raises FrameBroken.
        """
        while data := self._receive():
            yield from self._decoder.feed(data)

    def interrupt(self) -> None:
        """Let `frames` end as if the other side had closed."""
        self._connection.shutdown(socket.SHUT_RD)

    def _receive(self) -> bytes:
        try:
            return self._connection.recv(_READ_SIZE)
        except ConnectionError:
            return b""


class AsyncChannel:
    """Frames over an asyncio stream pair."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._decoder = Decoder()
        self._sending = asyncio.Lock()

    @classmethod
    async def over(cls, connection: socket.socket) -> AsyncChannel:
        return cls(*await asyncio.open_unix_connection(sock=connection))

    async def send(self, frame: Frame) -> None:
        """Raises OSError once the other side is gone."""
        data = encode(frame)
        async with self._sending:
            self._writer.write(data)
            await self._writer.drain()

    async def receive(self) -> list[Frame]:
        """Return the next frames, at least one; none once the other side has closed.

        Raises FrameBroken.
        """
        while data := await self._read():
            if frames := list(self._decoder.feed(data)):
                return frames
        return []

    async def close(self) -> None:
        self._writer.close()
        try:
            await self._writer.wait_closed()
        except OSError:
            return  # the other side was quicker

    async def _read(self) -> bytes:
        try:
            return await self._reader.read(_READ_SIZE)
        except ConnectionError:
            return b""
