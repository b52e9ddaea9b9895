"""Buckets, guarded by the policies on storage.buckets."""

from __future__ import annotations

from typing import Any

from starlette.responses import JSONResponse, Response

from devstack.supabase.gateway.storage import errors
from devstack.supabase.gateway.storage.changes import ALLOW_DELETE
from devstack.supabase.gateway.storage.endpoints import Call, Endpoints
from devstack.supabase.gateway.storage.limits import (
    demand_valid_bucket_name,
    parse_size,
)
from devstack.supabase.gateway.storage.object_rows import owner_columns

SHOWN = """
select json_build_object(
  'id', id, 'name', name, 'owner', coalesce(owner::text, ''), 'public', public,
  'file_size_limit', file_size_limit, 'allowed_mime_types', allowed_mime_types,
  'created_at', created_at, 'updated_at', updated_at, 'type', 'STANDARD'
)::text
from storage.buckets
"""


def serve(endpoints: Endpoints) -> None:
    endpoints.add("GET", "/bucket", list_all)
    endpoints.add("POST", "/bucket", create)
    endpoints.add("POST", "/bucket/{bucket}/empty", empty)
    endpoints.add("GET", "/bucket/{bucket}", show)
    endpoints.add("PUT", "/bucket/{bucket}", change)
    endpoints.add("DELETE", "/bucket/{bucket}", delete)


async def list_all(call: Call) -> Response:
    if call.request.query_params:
        raise errors.not_supported("filtering of buckets")
    async with call.acting() as connection:
        rows = await connection.fetch(f"{SHOWN} order by name")
    return Response(
        f"[{','.join(row[0] for row in rows)}]", media_type="application/json"
    )


async def create(call: Call) -> Response:
    body = await call.json()
    name = str(body.get("name") or "")
    bucket = str(body.get("id") or name)
    demand_valid_bucket_name(bucket)
    if body.get("type", "STANDARD") != "STANDARD":
        raise errors.not_supported(f"buckets of type {body['type']}")
    identity = call.identity()
    async with call.acting(identity, "BucketAlreadyExists") as connection:
        await connection.execute(
            "insert into storage.buckets (id, name, owner, owner_id, public,"
            " file_size_limit, allowed_mime_types) values ($1, $2, $3, $4, $5, $6, $7)",
            bucket,
            name or bucket,
            *owner_columns(identity.user_id),
            bool(body.get("public", False)),
            parse_size(body.get("file_size_limit")),
            _mime_types(body),
        )
    return JSONResponse({"name": bucket})


async def show(call: Call) -> Response:
    async with call.acting() as connection:
        shown = await connection.fetchval(f"{SHOWN} where id = $1", call.bucket)
    if shown is None:
        raise errors.no_such_bucket()
    return Response(shown, media_type="application/json")


async def change(call: Call) -> Response:
    """What the body does not mention stays."""
    body = await call.json()
    async with call.acting() as connection:
        changed = await connection.fetchval(
            """
            update storage.buckets set
              public = coalesce($2, public),
              file_size_limit = case when $3 then $4 else file_size_limit end,
              allowed_mime_types = case when $5 then $6 else allowed_mime_types end,
              updated_at = now()
            where id = $1 returning id
            """,
            call.bucket,
            body.get("public"),
            "file_size_limit" in body,
            parse_size(body.get("file_size_limit")),
            "allowed_mime_types" in body,
            _mime_types(body),
        )
    if changed is None:
        raise errors.no_such_bucket()
    return JSONResponse({"message": "Successfully updated"})


async def delete(call: Call) -> Response:
    async with call.context.database.as_admin() as connection:
        full = await connection.fetchval(
            "select exists (select from storage.objects where bucket_id = $1)",
            call.bucket,
        )
    if full:
        raise errors.bucket_not_empty()
    async with call.acting() as connection:
        await connection.execute(ALLOW_DELETE)
        deleted = await connection.fetchval(
            "delete from storage.buckets where id = $1 returning id", call.bucket
        )
    if deleted is None:
        raise errors.no_such_bucket()
    return JSONResponse({"message": "Successfully deleted"})


async def empty(call: Call) -> Response:
    async with call.acting() as connection:
        if not await connection.fetchval(
            "select true from storage.buckets where id = $1", call.bucket
        ):
            raise errors.no_such_bucket()
        await connection.execute(ALLOW_DELETE)
        rows = await connection.fetch(
            "delete from storage.objects where bucket_id = $1 returning version",
            call.bucket,
        )
    for row in rows:
        call.files.remove(row["version"])
    return JSONResponse({"message": "Successfully emptied"})


def _mime_types(body: dict[str, Any]) -> list[str] | None:
    types = body.get("allowed_mime_types")
    if types is None:
        return None
    if not isinstance(types, list) or not all(isinstance(one, str) for one in types):
        raise errors.invalid_request("body/allowed_mime_types must be array")
    return types or None
