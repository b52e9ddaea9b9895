"""What PostgREST adds to every error: headers, and errors that the database words."""

from __future__ import annotations

import functools
import json
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from devstack.supabase.gateway import refusals

Endpoint = Callable[[Request], Awaitable[Response]]

WORDED = "PGRST"  # raise sqlstate 'PGRST' using message = '{…}', detail = '{…}'
UNAUTHORIZED = 401


def explained(endpoint: Endpoint) -> Endpoint:
    """Refusals of `endpoint` as PostgREST words them."""

    @functools.wraps(endpoint)
    async def answer(request: Request) -> Response:
        try:
            return await endpoint(request)
        except refusals.Refusal as refusal:
            raise _explained(refusal) from refusal
        except RecursionError as error:
            raise _explained(_too_deep()) from error

    return answer


def _too_deep() -> refusals.Refusal:
    return refusals.postgrest(
        "PGRST100", '"failed to parse query string"', "nested too deeply"
    )


def _explained(refusal: refusals.Refusal) -> refusals.Refusal:
    if refusal.body.get("code") == WORDED:
        refusal = _worded(refusal)
    headers = dict(refusal.headers)
    if code := refusal.body.get("code"):
        # The answer to a HEAD has no body: clients read the code here.
        headers.setdefault("Proxy-Status", f"PostgREST; error={code}")
        if refusal.status == UNAUTHORIZED:
            headers.setdefault("WWW-Authenticate", "Bearer")
    return refusals.Refusal(refusal.status, refusal.body, headers)


def _worded(refusal: refusals.Refusal) -> refusals.Refusal:
    """Status, headers and body as the database chose them; PGRST121 when unreadable."""
    try:
        body: dict[str, Any] = json.loads(refusal.body["message"])
        answer: dict[str, Any] = json.loads(refusal.body["details"] or "")
        return refusals.Refusal(
            int(answer["status"]),
            {
                "code": body["code"],
                "details": body.get("details"),
                "hint": body.get("hint"),
                "message": body["message"],
            },
            {str(name): str(value) for name, value in answer["headers"].items()},
        )
    except (ValueError, TypeError, KeyError, AttributeError):
        return refusals.postgrest(
            "PGRST121",
            "Could not parse JSON in the \"RAISE SQLSTATE 'PGRST'\" error",
            status=500,
        )
