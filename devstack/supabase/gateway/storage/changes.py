"""Objects renamed, copied and removed."""

from __future__ import annotations

import uuid
from typing import Any

from starlette.responses import JSONResponse, Response

from devstack.supabase.gateway.database import Connection
from devstack.supabase.gateway.storage import errors
from devstack.supabase.gateway.storage.endpoints import Call, Endpoints
from devstack.supabase.gateway.storage.limits import demand_valid_key
from devstack.supabase.gateway.storage.object_rows import owner_columns

# storage.protect_delete() lets only the Storage server delete rows.
ALLOW_DELETE = "select set_config('storage.allow_delete_query', 'true', true)"
REMOVE = """
with removed as (
  delete from storage.objects where bucket_id = $1 and name = any($2) returning *
)
select version, (to_jsonb(removed) - 'path_tokens')::text as shown from removed
"""
MOST_REMOVED_AT_ONCE = 1000
COPY = """
insert into storage.objects
  (id, bucket_id, name, owner, owner_id, metadata, user_metadata, version)
select $1, $2, $3, $4, $5, metadata, user_metadata, $6 from storage.objects
where bucket_id = $7 and name = $8
"""


def serve(endpoints: Endpoints) -> None:
    endpoints.add("POST", "/object/move", move)
    endpoints.add("POST", "/object/copy", copy)
    endpoints.add("DELETE", "/object/{bucket}", remove_many)
    endpoints.add("DELETE", "/object/{bucket}/{name:path}", remove)


async def move(call: Call) -> Response:
    """The file keeps its version, so only the row changes."""
    body = await call.json()
    bucket, source, destination = _places(body)
    async with call.acting() as connection:
        moved = await connection.fetchval(
            "update storage.objects set bucket_id = $3, name = $4"
            " where bucket_id = $1 and name = $2 returning id",
            bucket,
            source,
            *destination,
        )
        if moved is None:
            raise errors.no_such_key()
    return JSONResponse({"message": "Successfully moved"})


async def copy(call: Call) -> Response:
    """Killed before the commit: the second name of the file stays behind, unseen."""
    body = await call.json()
    if body.get("copyMetadata") is False or body.get("metadata"):
        raise errors.not_supported("metadata of copies")
    bucket, source, destination = _places(body)
    identity = call.identity()
    new = str(uuid.uuid4())
    version: str | None = None
    try:
        async with call.acting(identity) as connection:
            original = await _version(connection, bucket, source)
            version = call.files.duplicate(original)
            owner = owner_columns(identity.user_id)
            await connection.execute(
                COPY, new, *destination, *owner, version, bucket, source
            )
    except BaseException:
        call.files.remove(version)
        raise
    return JSONResponse({"Id": new, "Key": "/".join(destination)})


async def remove_many(call: Call) -> Response:
    prefixes = (await call.json()).get("prefixes")
    if not isinstance(prefixes, list) or not all(isinstance(p, str) for p in prefixes):
        raise errors.invalid_request("body must have required property 'prefixes'")
    if len(prefixes) > MOST_REMOVED_AT_ONCE:
        message = f"body/prefixes must NOT have more than {MOST_REMOVED_AT_ONCE} items"
        raise errors.invalid_request(message)
    shown = await _remove(call, prefixes)
    return Response(f"[{','.join(shown)}]", media_type="application/json")


async def remove(call: Call) -> Response:
    if not await _remove(call, [call.name]):
        raise errors.no_such_key()
    return JSONResponse({"message": "Successfully deleted"})


async def _remove(call: Call, names: list[str]) -> list[str]:
    """Rows first: killed in between, files stay behind that nobody can see."""
    async with call.acting() as connection:
        await connection.execute(ALLOW_DELETE)
        rows = await connection.fetch(REMOVE, call.bucket, names)
    for row in rows:
        call.files.remove(row["version"])
    return [row["shown"] for row in rows]


async def _version(connection: Connection, bucket: str, name: str) -> str:
    version: str | None = await connection.fetchval(
        "select version from storage.objects where bucket_id = $1 and name = $2",
        bucket,
        name,
    )
    if version is None:
        raise errors.no_such_key()
    return version


def _places(body: dict[str, Any]) -> tuple[str, str, tuple[str, str]]:
    """Source bucket, source name, and where it goes; raises Refusal."""
    try:
        bucket, source = str(body["bucketId"]), str(body["sourceKey"])
        name = str(body["destinationKey"])
    except KeyError as error:
        message = f"body must have required property {error}"
        raise errors.invalid_request(message) from error
    demand_valid_key(name)
    return bucket, source, (str(body.get("destinationBucket") or bucket), name)
