"""The media servers (mmg, pps): encrypted files by path, uploaded and downloaded.

Paths look like WhatsApp's, because clients insist: they start with '/' and carry a
query, to which the client appends its own parameters.
"""

from __future__ import annotations

import asyncio
import secrets
from collections import deque
from dataclasses import dataclass, field

from aiohttp import web

HOST = "mmg.whatsapp.net"
PICTURE_HOST = "pps.whatsapp.net"
GONE = 410
ZEROS = bytes(64 * 1024)


@dataclass(frozen=True, slots=True)
class Hold:
    """A download that stops in the middle."""

    after: int  # bytes
    reached: asyncio.Event = field(default_factory=asyncio.Event)
    let_go: asyncio.Event = field(default_factory=asyncio.Event)  # the server hangs up


@dataclass(frozen=True, slots=True)
class HeldUpload:
    """An upload that the server has whole, and does not yet confirm."""

    reached: asyncio.Event = field(default_factory=asyncio.Event)
    let_go: asyncio.Event = field(default_factory=asyncio.Event)  # it is confirmed


class MediaHost:
    def __init__(self) -> None:
        self._upload_failures: deque[int] = deque()
        self._held_uploads: deque[HeldUpload] = deque()
        self.uploads: list[str] = []  # direct paths of what clients uploaded, in order
        self._files: dict[str, bytes] = {}
        self._failures: deque[int] = deque()
        self._holds: deque[Hold] = deque()
        self._endless: dict[str, int] = {}
        self._gone: set[str] = set()
        self.sent = 0  # bytes of files, to whoever downloaded
        self.deleted: list[str] = []  # paths that clients deleted, history blobs mostly
        self.requests: list[tuple[str, str]] = []  # method and path of each request

    def put(self, blob: bytes, suffix: str = "enc") -> str:
        """Keep a file; its direct path, with the query that clients require."""
        path = f"/v/t62.7118-24/{secrets.token_hex(12)}.{suffix}"
        self._files[path] = blob
        return f"{path}?ccb=11-4&oh=x&oe=y"

    def put_zeros(self, size: int) -> str:
        """A file of so many bytes that nobody holds, sent without saying how many."""
        direct_path = self.put(b"")
        self._endless[direct_path.partition("?")[0]] = size
        return direct_path

    def get(self, direct_path: str) -> bytes:
        """The bytes kept at a direct path, as they were uploaded."""
        return self._files[direct_path.partition("?")[0]]

    def expire(self, direct_path: str) -> None:
        """WhatsApp deletes files after some weeks: from now on this one is gone."""
        self._gone.add(direct_path.partition("?")[0])

    def fail_next(self, status: int, times: int = 1) -> None:
        """Answer the next requests with an HTTP error, such as 500."""
        self._failures.extend([status] * times)

    def fail_next_upload(self, status: int, times: int = 1) -> None:
        """Take no file, and answer with an HTTP error such as 500 or 413."""
        self._upload_failures.extend([status] * times)

    def hold_next_upload(self) -> HeldUpload:
        """Take the next file whole, and say nothing until it is let go."""
        hold = HeldUpload()
        self._held_uploads.append(hold)
        return hold

    def cut_next(self, after: int) -> None:
        """Hang up on the next download once so many bytes of it are sent."""
        self.hold_next(after).let_go.set()

    def hold_next(self, after: int) -> Hold:
        """Say no more on the next download once so many bytes of it are sent."""
        hold = Hold(after)
        self._holds.append(hold)
        return hold

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.requests.append((request.method, request.path))
        if self._failures:
            return web.Response(status=self._failures.popleft())
        if request.method == "POST" and request.path.startswith("/mms/"):
            return await self._uploaded(await request.read())
        if request.method == "DELETE":
            self.deleted.append(request.path)
            return web.json_response({})
        return await self._download(request)

    async def _uploaded(self, blob: bytes) -> web.Response:
        if self._upload_failures:
            return web.Response(status=self._upload_failures.popleft())
        path = self.put(blob)
        self.uploads.append(path)
        if self._held_uploads:
            hold = self._held_uploads.popleft()
            hold.reached.set()
            await hold.let_go.wait()
        url = f"https://{HOST}{path}"
        return web.json_response({"url": url, "direct_path": path, "handle": ""})

    async def _download(self, request: web.Request) -> web.StreamResponse:
        """Whole, or from an offset on: `Range: bytes=100-`."""
        if request.path in self._gone:
            return web.Response(status=GONE)
        if request.path in self._endless:
            return await self._send_zeros(request, self._endless[request.path])
        blob = self._files.get(request.path)
        if blob is None:
            return web.Response(status=404)
        start = request.http_range.start or 0
        if start and start >= len(blob):
            return web.Response(status=416)
        rest = blob[start:]
        response = web.StreamResponse(status=206 if start else 200)
        is_jpeg = request.path.endswith(".jpg")
        response.content_type = "image/jpeg" if is_jpeg else "application/octet-stream"
        response.content_length = len(rest)
        if start:
            whole = f"bytes {start}-{len(blob) - 1}/{len(blob)}"
            response.headers["Content-Range"] = whole
        await response.prepare(request)
        # A smaller one, such as history that is fetched just now, is not meant.
        if self._holds and len(rest) > self._holds[0].after:
            hold = self._holds.popleft()
            await self._send(response, rest[: hold.after])
            hold.reached.set()
            await hold.let_go.wait()
            if request.transport is not None:
                request.transport.close()
            return response
        await self._send(response, rest)
        return response

    async def _send_zeros(self, request: web.Request, size: int) -> web.StreamResponse:
        response = web.StreamResponse()
        response.enable_chunked_encoding()
        await response.prepare(request)
        try:
            for at in range(0, size, len(ZEROS)):
                await self._send(response, ZEROS[: size - at])
        except ConnectionError:  # the client has had enough
            return response
        return response

    async def _send(self, response: web.StreamResponse, part: bytes) -> None:
        self.sent += len(part)
        await response.write(part)
