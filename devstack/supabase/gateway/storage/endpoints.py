"""How Storage takes requests: who calls, what they sent, how it refuses."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from devstack.supabase.gateway.context import Context
from devstack.supabase.gateway.database import Connection
from devstack.supabase.gateway.identity import (
    Identity,
    InvalidToken,
    bearer_token,
    identify_key,
    identify_token,
)
from devstack.supabase.gateway.refusals import Refusal
from devstack.supabase.gateway.storage import errors
from devstack.supabase.gateway.storage.files import Files

ALL_METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]
SERVICE = Identity("service_role", {"role": "service_role"})
# Storage's words for what its JWT library finds.
EXPIRED = '"exp" claim timestamp check failed'
MALFORMED = "Invalid Compact JWS"
WRONG_SIGNATURE = "signature verification failed"
# A client that is refused while it sends may never read the answer: let it finish.
LONGEST_DRAIN = 64 * 1024 * 1024


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request to Storage."""

    context: Context
    request: Request
    files: Files

    @property
    def bucket(self) -> str:
        bucket: str = self.request.path_params["bucket"]
        return bucket

    @property
    def name(self) -> str:
        """The object's path within its bucket."""
        name: str = self.request.path_params["name"]
        return name

    def identity(self) -> Identity:
        """Whom policies judge; raises Refusal."""
        headers = self.request.headers
        if (token := bearer_token(headers)) is None:
            if "apikey" in headers:
                return identify_key(headers["apikey"], self.context.config)
            message = "headers must have required property 'authorization'"
            raise errors.invalid_request(message)
        try:
            return identify_token(token, self.context.config)
        except InvalidToken as invalid:
            raise errors.access_denied(token_problem(token, invalid)) from invalid

    @asynccontextmanager
    async def acting(
        self, identity: Identity | None = None, duplicate: str = "KeyAlreadyExists"
    ) -> AsyncIterator[Connection]:
        """A transaction as the caller (or as `identity`) with Storage's errors."""
        async with self.context.database.acting_as(
            identity or self.identity(), schema="storage"
        ) as connection:
            with errors.from_postgres(duplicate):
                yield connection

    async def json(self) -> dict[str, Any]:
        try:
            body = json.loads(await self.request.body() or b"{}")
        except ValueError as error:
            raise errors.invalid_request("Body is not valid JSON") from error
        if not isinstance(body, dict):
            raise errors.invalid_request("body must be object")
        return body


def token_problem(token: str, invalid: InvalidToken) -> str:
    if invalid.expired:
        return EXPIRED
    return WRONG_SIGNATURE if token.count(".") == 2 else MALFORMED  # noqa: PLR2004 - header.payload.signature


Handler = Callable[[Call], Awaitable[Response]]


class Endpoints:
    """Collects handlers and turns them into routes, in order."""

    def __init__(self, context: Context, prefix: str) -> None:
        self._context = context
        self._prefix = prefix
        self._files = Files(context.config.files_dir)
        self._routes: list[BaseRoute] = []

    def add(self, method: str, path: str, handler: Handler) -> None:
        """Earlier ones win; Starlette answers HEAD wherever there is GET."""
        self._routes.append(
            Route(self._prefix + path, self._served(handler), methods=[method])
        )

    def routes(self) -> list[BaseRoute]:
        everything_else = f"{self._prefix}/{{path:path}}"
        refused = Route(everything_else, self._served(_refuse), methods=ALL_METHODS)
        return [*self._routes, refused]

    def _served(self, handler: Handler) -> Callable[[Request], Awaitable[Response]]:
        async def serve(request: Request) -> Response:
            call = Call(context=self._context, request=request, files=self._files)
            try:
                return await handler(call)
            except Refusal as refusal:
                await _drain(request)
                own = refusal if _is_own(refusal) else _disguised(refusal)
                return JSONResponse(own.body, own.status, own.headers)

        return serve


async def _refuse(call: Call) -> Response:
    path = "/" + call.request.path_params["path"]
    raise errors.no_such_route(call.request.method, path)


def _is_own(refusal: Refusal) -> bool:
    return "statusCode" in refusal.body or "code" not in refusal.body


def _disguised(refusal: Refusal) -> Refusal:
    """A database that is away or disagrees is not explained to Storage's callers."""
    return errors.database_error(503 if refusal.status in (503, 504) else 500)


async def _drain(request: Request) -> None:
    if not request.headers.get("content-length", "").isdigit():
        return
    if getattr(request, "_stream_consumed", False):
        return
    received = 0
    async for chunk in request.stream():
        received += len(chunk)
        if received > LONGEST_DRAIN:
            return
