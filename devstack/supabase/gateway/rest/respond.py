"""Status, headers and body of an answer, from the one row a statement gave."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

from starlette.responses import Response

from devstack.supabase.gateway import refusals
from devstack.supabase.gateway.rest.plan import Plan, Wanted

OK = 200
CREATED = 201
NO_CONTENT = 204
PARTIAL = 206
# Preferences that say nothing of a read or a call, whoever sends them.
ONLY_FOR_WRITES = ("return=", "resolution=", "missing=")


@dataclasses.dataclass(frozen=True, slots=True)
class Outcome:
    """See plan.py for what each column says."""

    body: str | None
    rows: int
    total: int | None
    inserted: int | None
    location: str | None
    headers: str | None
    status: str | None


def check(wanted: Wanted, outcome: Outcome) -> None:
    """Refuse, so that the transaction rolls back: PGRST116 or PGRST124."""
    if wanted.media.single and outcome.rows != 1:
        raise refusals.postgrest(
            "PGRST116",
            "Cannot coerce the result to a single JSON object",
            f"The result contains {outcome.rows} rows",
            status=406,
        )
    limit = wanted.preferences.max_affected
    if limit is not None and outcome.rows > limit and wanted.method != "GET":
        raise refusals.postgrest(
            "PGRST124",
            "Query result exceeds max-affected preference constraint",
            f"The query affects {outcome.rows} rows",
        )


def respond_read(wanted: Wanted, plan: Plan, outcome: Outcome) -> Response:
    """A page of a relation or of a function's rows."""
    last = plan.offset + outcome.rows - 1
    headers = {"Content-Range": _range(plan.offset, last, outcome.total)}
    applied = wanted.preferences.applied
    _confirm(headers, [one for one in applied if not one.startswith(ONLY_FOR_WRITES)])
    status = OK
    if outcome.total is not None and plan.offset > outcome.total:
        raise _out_of_bounds(plan.offset, outcome.total, headers)
    if outcome.total is not None and outcome.rows < outcome.total:
        status = PARTIAL
    if plan.returns_void:
        return _response(wanted, outcome, NO_CONTENT, headers, None)
    return _response(wanted, outcome, status, headers, outcome.body or "")


def respond_write(wanted: Wanted, outcome: Outcome) -> Response:
    full = wanted.preferences.returning == "representation"
    total = outcome.rows if wanted.preferences.count else None
    updated = wanted.method == "PATCH"
    first, last = (0, outcome.rows - 1) if updated else (1, 0)
    headers = {"Content-Range": _range(first, last, total)}
    _confirm(headers, wanted.preferences.applied)
    if outcome.location:
        headers["Location"] = _location(wanted.name[1], outcome.location)
    if wanted.method == "POST":
        merged = outcome.inserted is not None and outcome.inserted <= 0
        status = OK if merged else CREATED
    else:
        status = OK if full else NO_CONTENT
    return _response(wanted, outcome, status, headers, outcome.body if full else None)


def _response(
    wanted: Wanted,
    outcome: Outcome,
    status: int,
    headers: dict[str, str],
    body: str | None,
) -> Response:
    if body is not None:
        headers["Content-Type"] = wanted.media.content_type
    own = _own_headers(outcome.headers)
    return Response(
        body,
        int(outcome.status) if outcome.status else status,
        {name: value for name, value in headers.items() if name not in own} | own,
    )


def _confirm(headers: dict[str, str], applied: Sequence[str]) -> None:
    if applied:
        headers["Preference-Applied"] = ", ".join(applied)


def _own_headers(text: str | None) -> dict[str, str]:
    """What a function set as `response.headers`: `[{"name": "value"}, …]`."""
    if not text:
        return {}
    try:
        return {name: value for one in json.loads(text) for name, value in one.items()}
    except (ValueError, TypeError, AttributeError) as error:
        raise refusals.postgrest(
            "PGRST111",
            "response.headers guc must be a JSON array composed of objects with a "
            "single key and a string value",
            status=500,
        ) from error


def _range(first: int, last: int, total: int | None) -> str:
    page = f"{first}-{last}" if first <= last and total != 0 else "*"
    return f"{page}/{'*' if total is None else total}"


def _location(table: str, row: str) -> str:
    # Numbers stay text: a numeric key must not become a float.
    key: dict[str, Any] = json.loads(row, parse_float=str)
    return f"/{table}?" + urlencode({name: f"eq.{key[name]}" for name in key})


def _out_of_bounds(
    offset: int, total: int, headers: dict[str, str]
) -> refusals.Refusal:
    return refusals.postgrest(
        "PGRST103",
        "Requested range not satisfiable",
        f"An offset of {offset} was requested, but there are only {total} rows.",
        status=416,
        headers=headers,
    )
