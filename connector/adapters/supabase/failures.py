"""What Supabase's refusals and silences mean to us.

    by status, before anybody reads the answer   401 402 408 429, everything above 500
    by code, once postgrest-py has read it       PostgREST's, Postgres', our own

A gateway's own words carry no code to tell them by, so the status is believed first.
Statuses: supabase.com/docs/guides/platform/http-status-codes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Final

import httpx
from postgrest.exceptions import APIError

from connector.errors import (
    ConnectorError,
    InputRefused,
    KeyRefused,
    LeaseLost,
    OverQuota,
    SchemaMissing,
    SupabaseBusy,
    SupabasePaused,
    SupabaseRefused,
    SupabaseUnavailable,
)

# Raised by our RPCs when the caller's lease term is no longer the current one.
STALE_TERM: Final = "ZB001"
PAUSED: Final = 540  # Supabase's own

_BY_STATUS: Final[Mapping[int, type[ConnectorError]]] = {
    HTTPStatus.UNAUTHORIZED: KeyRefused,
    HTTPStatus.PAYMENT_REQUIRED: OverQuota,
    HTTPStatus.REQUEST_TIMEOUT: SupabaseUnavailable,
    HTTPStatus.TOO_MANY_REQUESTS: SupabaseBusy,
    PAUSED: SupabasePaused,
}
# Postgres' classes for "not now": connection, resources, operator intervention, a
# conflict between transactions; and PostgREST's own group for a database it lost.
_UNAVAILABLE_CLASSES: Final = ("08", "40", "53", "57", "58", "55", "PGRST00")
# Its classes for what was sent being at fault: cardinality, data, integrity, limits; a
# body that PostgREST cannot read, or that is too large. Nothing else may cost a message:
# a revoked key or a read-only database refuses good ones and bad ones alike.
_INPUT_CLASSES: Final = ("21", "22", "23", "54", "PGRST102")
# A token it cannot verify; a schema it does not serve, a table or function it does not
# know; a database without room, which Supabase makes read-only.
_KEY_CLASSES: Final = ("PGRST30",)
_SCHEMA_CODES: Final = ("PGRST106", "PGRST202", "PGRST205", "42883", "42P01", "3F000")
_READ_ONLY: Final = "25006"


async def raise_what_the_status_says(response: httpx.Response) -> None:
    """A hook of httpx's client. Raises ConnectorError where the status says it all."""
    status = response.status_code
    if status in _BY_STATUS:
        raise _BY_STATUS[status]
    if status > HTTPStatus.INTERNAL_SERVER_ERROR:
        raise SupabaseUnavailable
    if status == HTTPStatus.FORBIDDEN and not _says_more(await response.aread()):
        raise KeyRefused  # no server of the project's spoke, but what stands before them


def _says_more(body: bytes) -> bool:
    """Whether PostgREST or Storage refuse one thing, not the gateway everything."""
    try:
        answer = json.loads(body)
    except ValueError:
        return False
    return isinstance(answer, dict) and bool(answer.keys() & {"code", "statusCode"})


def translated(error: APIError) -> ConnectorError:
    code = error.code or ""
    if code == STALE_TERM:
        return LeaseLost()
    # postgrest-py puts the HTTP status here when the body is not PostgREST's.
    if len(code) == len("503") and code.isdecimal():
        return _by_status(int(code))
    return _by_code(code)


def _by_status(status: int) -> ConnectorError:
    if status in _BY_STATUS:
        return _BY_STATUS[status]()
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return SupabaseUnavailable()
    at_fault = status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    return _refused(str(status), InputRefused if at_fault else SupabaseRefused)


def _by_code(code: str) -> ConnectorError:
    # PostgREST's own errors have a code: without one, something before it spoke.
    if not code or code.startswith(_UNAVAILABLE_CLASSES):
        return SupabaseUnavailable()
    if code.startswith(_INPUT_CLASSES):
        return _refused(code, InputRefused)
    if code.startswith(_KEY_CLASSES):
        return KeyRefused()
    if code in _SCHEMA_CODES:
        return SchemaMissing()
    return OverQuota() if code == _READ_ONLY else _refused(code, SupabaseRefused)


def _refused(code: str, kind: type[SupabaseRefused]) -> SupabaseRefused:
    # The message may quote a row; the code alone is safe to show.
    return kind(f"Supabase refused the request with code {code}.")
