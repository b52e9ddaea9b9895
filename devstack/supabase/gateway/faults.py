"""Parts of the project that are out of order, as whoever has the secret key meets them.

A file says which and how, so that a restart changes nothing and nobody can ask for it over
the network. Apps are served all the same: they show what became of it.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from contextlib import suppress
from enum import StrEnum
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qs

from starlette.datastructures import Headers
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

LOOK_SECONDS: Final = 0.1  # at the file, while a socket is open
TRY_AGAIN_LATER: Final = 1013  # a WebSocket's close code
# In the words of the gateway that stands before the hosted services.
_WORDS: Final[Mapping[int, str]] = {
    401: "Unregistered API key",
    402: "Service for this project is restricted due to the following violations: "
    "exceed_egress_quota.",
    429: "Too many requests",
    503: "name resolution failed",
    540: "Project paused",
}


class Part(StrEnum):
    """The first segment of its paths."""

    REST = "rest"
    STORAGE = "storage"
    REALTIME = "realtime"
    AUTH = "auth"


class Faults:
    """Written by a test, read by the gateway."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def answer(self, status: int, *parts: Part) -> None:
        """From now on these parts, or all of them, answer with an error's status."""
        told = dict.fromkeys(parts or tuple(Part), status)
        draft = self._file.with_suffix(".draft")
        draft.write_text(json.dumps(self._told() | told), "ascii")
        draft.replace(self._file)

    def heal(self) -> None:
        """Everything works again."""
        self._file.unlink(missing_ok=True)

    def of(self, path: str) -> int | None:
        """The status that a path is answered with, if it is out of order."""
        return self._told().get(path.strip("/").partition("/")[0])

    def _told(self) -> dict[str, int]:
        with suppress(FileNotFoundError):
            told: dict[str, int] = json.loads(self._file.read_text("ascii"))
            return told
        return {}


class FaultyParts:
    """ASGI middleware."""

    def __init__(self, app: ASGIApp, *, faults: Faults, secret_key: str) -> None:
        self._app = app
        self._faults = faults
        self._secret_key = secret_key

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        kind = scope["type"]
        if kind not in ("http", "websocket") or _key(scope) != self._secret_key:
            await self._app(scope, receive, send)
        elif (status := self._faults.of(scope["path"])) is not None:
            await _refusal(status)(scope, receive, send)
        elif kind == "http":
            await self._app(scope, receive, send)
        else:
            await self._until_faulty(scope, receive, send)

    async def _until_faulty(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a socket until its part goes out of order."""
        serving = asyncio.ensure_future(self._app(scope, receive, send))
        try:
            while not serving.done() and self._faults.of(scope["path"]) is None:
                await asyncio.wait({serving}, timeout=LOOK_SECONDS)
        finally:
            cut_off = serving.cancel()
            await asyncio.gather(serving, return_exceptions=True)
        if cut_off:
            with suppress(RuntimeError):  # it has just closed by itself
                await send({"type": "websocket.close", "code": TRY_AGAIN_LATER})
        else:
            serving.result()


def _refusal(status: int) -> Response:
    body: dict[str, Any] = {"message": _WORDS.get(status, "out of order")}
    return JSONResponse(body, status)


def _key(scope: Scope) -> str | None:
    query = parse_qs(scope["query_string"].decode("latin-1"))
    return Headers(scope=scope).get("apikey") or query.get("apikey", [None])[0]
