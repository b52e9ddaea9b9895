"""Errors as the real servers spell them: API gateway, PostgREST, Storage and Auth."""

from __future__ import annotations

import re
from typing import Any

import asyncpg

# PostgREST's table from SQLSTATE (or its class) to HTTP status; 400 where silent.
# Source: docs.postgrest.org, "Errors", "HTTP status codes".
STATUS_BY_CODE = {
    "21000": 500,
    "23503": 409,
    "23505": 409,
    "25006": 405,
    "42883": 404,
    "42P01": 404,
    "42P17": 500,
    "53400": 500,
    "57P01": 503,
    "P0001": 400,
}
STATUS_BY_CLASS = {
    "08": 503,
    "09": 500,
    "0L": 403,
    "0P": 403,
    "25": 500,
    "28": 403,
    "2D": 500,
    "38": 500,
    "39": 500,
    "3B": 500,
    "40": 500,
    "53": 503,
    "54": 500,
    "55": 500,
    "57": 500,
    "58": 500,
    "F0": 500,
    "HV": 500,
    "P0": 500,
    "XX": 500,
}
INSUFFICIENT_PRIVILEGE = "42501"
NO_SUCH_ROLE = re.compile(r"role .* does not exist")


class Refusal(Exception):
    """A complete error answer: status, JSON body and extra headers."""

    def __init__(
        self, status: int, body: dict[str, Any], headers: dict[str, str] | None = None
    ) -> None:
        super().__init__(f"refused with {status}")
        self.status = status
        self.body = body
        self.headers = headers or {}


def postgrest(
    code: str,
    message: str,
    details: str | None = None,
    hint: str | None = None,
    *,
    status: int = 400,
    headers: dict[str, str] | None = None,
) -> Refusal:
    body = {"code": code, "details": details, "hint": hint, "message": message}
    return Refusal(status, body, headers)


def from_postgres(error: asyncpg.PostgresError, role: str) -> Refusal:
    """What PostgREST answers when a statement run as `role` fails with `error`."""
    code = error.sqlstate or "XX000"
    return postgrest(
        code,
        error.args[0] if error.args else "",
        error.detail,
        error.hint,
        status=_status(code, role, error.args[0] if error.args else ""),
    )


def _status(code: str, role: str, message: str) -> int:
    if code == INSUFFICIENT_PRIVILEGE:
        return 401 if role == "anon" else 403
    if code == "21000" and not message.endswith("requires a WHERE clause"):
        return 500
    if code == "22023" and NO_SUCH_ROLE.match(message):
        return 401
    if code.startswith("PT") and code[2:].isdigit():
        # `raise sqlstate 'PT402'` chooses the status itself.
        return int(code[2:])
    return STATUS_BY_CODE.get(code) or STATUS_BY_CLASS.get(code[:2], 400)


def database_unreachable() -> Refusal:
    return postgrest(
        "PGRST001",
        "Database client error. Retrying the connection.",
        status=503,
    )


def pool_exhausted() -> Refusal:
    return postgrest(
        "PGRST003",
        "Timed out acquiring connection from connection pool.",
        status=504,
    )


def no_api_key() -> Refusal:
    """As the hosted API gateway answers before any service is asked."""
    return Refusal(
        401,
        {
            "message": "No API key found in request",
            "hint": "No `apikey` request header or url param was found.",
        },
    )


def unknown_api_key() -> Refusal:
    return Refusal(
        401,
        {
            "message": "Invalid API key",
            "hint": "Double check your Supabase `anon` or `service_role` API key.",
        },
    )


def no_such_route() -> Refusal:
    return Refusal(404, {"message": "no Route matched with those values"})


def storage(
    status: int, error: str, message: str, code: str, *, http_status: int = 400
) -> Refusal:
    """Storage hides the true status in the body and answers 400 to nearly all."""
    body = {"statusCode": str(status), "error": error, "message": message, "code": code}
    return Refusal(http_status, body)


def auth(status: int, error_code: str, message: str) -> Refusal:
    return Refusal(status, {"code": status, "error_code": error_code, "msg": message})
