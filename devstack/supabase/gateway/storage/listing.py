"""What is in a folder of a bucket, as far as the caller's policies let them see."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from devstack.supabase.gateway.storage import errors
from devstack.supabase.gateway.storage.endpoints import Call, Endpoints

DEFAULT_LIMIT = 100
LARGEST_LIMIT = 1000
COLUMNS = ("name", "updated_at", "created_at", "last_accessed_at")
ORDERS = ("asc", "desc")
# Folders are not stored: each is the common beginning of some names.
LIST = """
with visible as (
  select *, substr(name, length($2) + 1) as rest
  from storage.objects
  where bucket_id = $1 and starts_with(name, $2)
    and starts_with(lower(substr(name, length($2) + 1)), lower($3))
),
entries as (
  select
    split_part(rest, '/', 1) as name, null::uuid as id,
    null::timestamptz as updated_at, null::timestamptz as created_at,
    null::timestamptz as last_accessed_at, null::jsonb as metadata
  from visible where rest like '%/%' group by 1
  union all
  select rest, id, updated_at, created_at, last_accessed_at, metadata
  from visible where rest not like '%/%'
)
select to_jsonb(entries)::text from entries
order by (id is not null), {column} {order}, name
limit $4 offset $5
"""


def serve(endpoints: Endpoints) -> None:
    endpoints.add("POST", "/object/list/{bucket}", list_folder)


async def list_folder(call: Call) -> Response:
    body = await call.json()
    prefix = str(body.get("prefix") or "").strip("/")
    statement = LIST.format(**_sorting(body))
    async with call.acting() as connection:
        rows = await connection.fetch(
            statement,
            call.bucket,
            f"{prefix}/" if prefix else "",
            str(body.get("search") or "").lstrip("/"),
            _number(body, "limit", DEFAULT_LIMIT, LARGEST_LIMIT),
            _number(body, "offset", 0),
        )
    return Response(
        f"[{','.join(row[0] for row in rows)}]", media_type="application/json"
    )


def _sorting(body: dict[str, Any]) -> dict[str, str]:
    wanted = body.get("sortBy") or {}
    column, order = wanted.get("column", "name"), wanted.get("order", "asc")
    if column not in COLUMNS or order not in ORDERS:
        message = "body/sortBy must match one of the allowed columns and orders"
        raise errors.invalid_request(message)
    return {"column": column, "order": order}


def _number(
    body: dict[str, Any], name: str, default: int, largest: int | None = None
) -> int:
    value = body.get(name, default)
    if not isinstance(value, int) or value < 0:
        raise errors.invalid_request(f"body/{name} must be integer")
    return value if largest is None else min(value, largest)
