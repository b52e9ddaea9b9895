"""How Auth takes requests and spells errors, in both versions its clients ask for."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from devstack.supabase.gateway import refusals
from devstack.supabase.gateway.context import Context
from devstack.supabase.gateway.identity import (
    Identity,
    InvalidToken,
    bearer_token,
    identify_key,
    identify_token,
)

VERSION_HEADER = "x-supabase-api-version"
# From this version on, `code` is a word and not the HTTP status.
VERSION_OF_WORDS = "2024-01-01"
ALL_METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]


class AuthRefusal(Exception):
    """An error answer of Auth, before its version is known."""

    def __init__(
        self, status: int, code: str, message: str, extra: dict[str, Any] | None = None
    ) -> None:
        super().__init__(code)
        self.status = status
        self.code = code
        self.message = message
        self.extra = extra or {}

    def answer(self, version: str) -> Response:
        if version >= VERSION_OF_WORDS:
            body = {"code": self.code, "message": self.message} | self.extra
            return JSONResponse(
                body, self.status, headers={VERSION_HEADER: VERSION_OF_WORDS}
            )
        refusal = refusals.auth(self.status, self.code, self.message)
        return JSONResponse(refusal.body | self.extra, self.status)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request to Auth; `body` is an empty object when there is none."""

    context: Context
    request: Request
    body: dict[str, Any]

    def identity(self) -> Identity:
        """The bearer of the request; raises AuthRefusal."""
        if (token := bearer_token(self.request.headers)) is None:
            raise AuthRefusal(
                401, "no_authorization", "This endpoint requires a valid Bearer token"
            )
        try:
            return identify_token(token, self.context.config)
        except InvalidToken as invalid:
            message = f"invalid JWT: unable to parse or verify signature, {invalid}"
            raise AuthRefusal(403, "bad_jwt", message) from invalid

    def text(self, name: str) -> str:
        """A string of the body, empty when absent; raises AuthRefusal for others."""
        value = self.body.get(name) or ""
        if not isinstance(value, str):
            raise unreadable_body()
        return value

    def mapping(self, name: str) -> dict[str, Any]:
        value = self.body.get(name) or {}
        if not isinstance(value, dict):
            raise unreadable_body()
        return value


Handler = Callable[[Call], Awaitable[Response]]


class Endpoints:
    """Collects handlers and turns them into routes."""

    def __init__(self, context: Context, prefix: str) -> None:
        self._context = context
        self._prefix = prefix
        self._routes: list[BaseRoute] = []

    def add(self, method: str, path: str, handler: Handler) -> None:
        self._routes.append(
            Route(self._prefix + path, self._served(handler), methods=[method])
        )

    def routes(self) -> list[BaseRoute]:
        everything_else = f"{self._prefix}/{{path:path}}"
        refused = Route(everything_else, self._served(_refuse), methods=ALL_METHODS)
        return [*self._routes, refused]

    def _served(self, handler: Handler) -> Callable[[Request], Awaitable[Response]]:
        async def serve(request: Request) -> Response:
            version = request.headers.get(VERSION_HEADER, "")
            key = request.headers.get("apikey") or request.query_params.get("apikey")
            identify_key(key, self._context.config)
            try:
                body = _body_of(await request.body())
                return await handler(
                    Call(context=self._context, request=request, body=body)
                )
            except AuthRefusal as refusal:
                return refusal.answer(version)
            except refusals.Refusal as refusal:
                # The database's own words stay with the database.
                status = 503 if refusal.status in (503, 504) else 500
                failure = AuthRefusal(status, "unexpected_failure", "Database error")
                return failure.answer(version)

        return serve


async def _refuse(call: Call) -> Response:
    path = call.request.path_params["path"]
    raise AuthRefusal(
        501, "not_implemented", f"This local Supabase does not serve /{path}"
    )


def _body_of(raw: bytes) -> dict[str, Any]:
    try:
        body = json.loads(raw or b"{}")
    except ValueError as error:
        raise unreadable_body() from error
    if not isinstance(body, dict):
        raise unreadable_body()
    return body


def unreadable_body() -> AuthRefusal:
    return AuthRefusal(400, "bad_json", "Could not read request body as JSON")
