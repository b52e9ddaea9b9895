"""A temporary logical replication slot, streamed: Postgres pushes, nobody polls.

asyncpg does not speak the replication sub-protocol, so this does, and no more of it:
start-up, authentication (trust, password, SCRAM-SHA-256), two commands, CopyBoth.
Source: PostgreSQL documentation, "Frontend/Backend Protocol" and "Streaming
Replication Protocol". The slot is temporary: it ends with the connection, and what is
written while there is none is not captured, as on the real server.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import struct
from collections.abc import AsyncIterator, Sequence
from urllib.parse import unquote, urlsplit

from devstack.supabase.gateway.realtime.scram import ScramClient

PROTOCOL_3_0 = 196608
CHUNK = 256 * 1024  # bytes read at once, which bounds a batch of changes
CONNECT_TIMEOUT = 10.0
WAL_HEADER = 25  # b"w", start, end, clock


class StreamLost(Exception):
    """Postgres went away or refused; a new stream starts at its own time."""


class WalStream:
    """pgoutput messages of the given publications, from now on."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._buffer = bytearray()
        self._reached = 0  # the end of the WAL received, as an LSN

    @classmethod
    @contextlib.asynccontextmanager
    async def open(
        cls, url: str, publications: Sequence[str]
    ) -> AsyncIterator[WalStream]:
        """Returns once the slot exists: every later commit is captured.

        Raises StreamLost.
        """
        parts = urlsplit(url)
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT):
                reader, writer = await asyncio.open_connection(
                    parts.hostname, parts.port or 5432, limit=CHUNK
                )
        except (OSError, TimeoutError) as error:
            raise StreamLost(f"cannot connect: {type(error).__name__}") from error
        stream = cls(reader, writer)
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT):
                await stream._start(parts.path[1:], parts.username, parts.password)
                await stream._stream(publications)
            yield stream
        except (OSError, EOFError, TimeoutError) as error:
            raise StreamLost(f"connection lost: {type(error).__name__}") from error
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    async def read(self) -> list[bytes]:
        """What has arrived, at least one message; waits for it. Raises StreamLost."""
        while not (messages := self._take()):
            chunk = await self._reader.read(CHUNK)
            if not chunk:
                raise StreamLost("Postgres closed the stream")
            self._buffer += chunk
        return messages

    def acknowledge(self) -> None:
        """Let Postgres forget what was read; it also answers its keep-alives."""
        position = self._reached
        status = struct.pack(">cqqqqB", b"r", position, position, position, 0, 0)
        self._write(b"d", status)

    def _take(self) -> list[bytes]:
        """Cut complete messages off the buffer, keeping those that carry changes."""
        messages, position, keepalives = [], 0, 0
        while len(self._buffer) >= position + 5:
            (length,) = struct.unpack_from(">I", self._buffer, position + 1)
            end = position + 1 + length
            if len(self._buffer) < end:
                break
            tag, body = self._buffer[position], bytes(self._buffer[position + 5 : end])
            position = end
            if tag != ord("d"):
                _raise_unless_notice(tag, body)
            elif body[:1] == b"w":
                start, wal_end = struct.unpack_from(">qq", body, 1)
                self._reached = max(self._reached, start, wal_end)
                messages.append(body[WAL_HEADER:])
            else:
                (wal_end,) = struct.unpack_from(">q", body, 1)
                self._reached = max(self._reached, wal_end)
                keepalives += 1
        del self._buffer[:position]
        if keepalives:
            self.acknowledge()
        return messages

    async def _start(
        self, database: str, user: str | None, password: str | None
    ) -> None:
        user = unquote(user or "postgres")
        settings = {
            "user": user,
            "database": unquote(database) or user,
            "replication": "database",
            "application_name": "realtime",
            "TimeZone": "UTC",
            "DateStyle": "ISO",
            "client_encoding": "UTF8",
        }
        body = struct.pack(">I", PROTOCOL_3_0)
        for name, value in settings.items():
            body += name.encode() + b"\0" + value.encode() + b"\0"
        self._writer.write(struct.pack(">I", len(body) + 5) + body + b"\0")
        await self._authenticate(unquote(password or ""))
        await self._until(b"Z")

    async def _authenticate(self, password: str) -> None:
        scram = ScramClient(password)
        while True:
            body = await self._until(b"R")
            (method,) = struct.unpack_from(">I", body)
            match method:
                case 0:  # accepted
                    return
                case 3:  # clear-text password
                    self._write(b"p", password.encode() + b"\0")
                case 10:  # SASL
                    first = scram.first().encode()
                    size = struct.pack(">I", len(first))
                    self._write(b"p", b"SCRAM-SHA-256\0" + size + first)
                case 11:  # SASL, go on
                    self._write(b"p", scram.final(body[4:].decode()).encode())
                case 12:  # SASL, done
                    scram.verify(body[4:].decode())
                case _:
                    raise StreamLost(f"authentication method {method} is not served")

    async def _stream(self, publications: Sequence[str]) -> None:
        # The replication grammar knows its words in upper case only.
        slot = f"realtime_{secrets.token_hex(6)}"
        await self._command(
            f"CREATE_REPLICATION_SLOT {slot} TEMPORARY LOGICAL pgoutput NOEXPORT_SNAPSHOT"
        )
        names = ",".join(f'"{name}"' for name in publications)
        self._query(
            f"START_REPLICATION SLOT {slot} LOGICAL 0/0 "
            f"(proto_version '1', publication_names '{names}')"
        )
        await self._until(b"W")

    async def _command(self, statement: str) -> None:
        self._query(statement)
        await self._until(b"Z")

    def _query(self, statement: str) -> None:
        self._write(b"Q", statement.encode() + b"\0")

    def _write(self, tag: bytes, body: bytes) -> None:
        self._writer.write(tag + struct.pack(">I", len(body) + 4) + body)

    async def _until(self, wanted: bytes) -> bytes:
        """The body of the next message tagged `wanted`; raises on an error before it."""
        while True:
            head = await self._reader.readexactly(5)
            (length,) = struct.unpack_from(">I", head, 1)
            body = await self._reader.readexactly(length - 4)
            if head[:1] == wanted:
                return body
            if head[:1] == b"E":
                raise StreamLost(_error_text(body))


def _raise_unless_notice(tag: int, body: bytes) -> None:
    if tag == ord("E"):
        raise StreamLost(_error_text(body))
    if tag not in b"NSA":
        raise StreamLost("Postgres ended the stream")


def _error_text(body: bytes) -> str:
    """SQLSTATE and message of an ErrorResponse."""
    fields = {
        field[:1]: field[1:].decode(errors="replace") for field in body.split(b"\0")
    }
    return f"{fields.get(b'C', '')} {fields.get(b'M', '')}".strip()
