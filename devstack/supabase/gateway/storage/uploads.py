"""Uploads: new, overwriting, and by a signed URL."""

from __future__ import annotations

from starlette.responses import JSONResponse, Response

from devstack.supabase.gateway.identity import Identity
from devstack.supabase.gateway.storage.endpoints import SERVICE, Call, Endpoints
from devstack.supabase.gateway.storage.incoming import receive
from devstack.supabase.gateway.storage.limits import BucketLimits, demand_valid_key
from devstack.supabase.gateway.storage.object_rows import (
    Mode,
    demand_permission,
    write_row,
)
from devstack.supabase.gateway.storage.signing import UploadToken


def serve(endpoints: Endpoints) -> None:
    endpoints.add("PUT", "/object/upload/sign/{bucket}/{name:path}", by_signed_url)
    endpoints.add("POST", "/object/{bucket}/{name:path}", upload)
    endpoints.add("PUT", "/object/{bucket}/{name:path}", overwrite)


async def upload(call: Call) -> Response:
    upsert = call.request.headers.get("x-upsert") == "true"
    identity = call.identity()
    stored = await _store(
        call, identity, identity.user_id, Mode.UPSERT if upsert else Mode.NEW
    )
    return JSONResponse({"Key": f"{call.bucket}/{call.name}", "Id": stored})


async def overwrite(call: Call) -> Response:
    identity = call.identity()
    stored = await _store(call, identity, identity.user_id, Mode.REPLACE)
    return JSONResponse({"Key": f"{call.bucket}/{call.name}", "Id": stored})


async def by_signed_url(call: Call) -> Response:
    """The permission was checked when the URL was signed."""
    token = UploadToken.read(call)
    await _store(call, SERVICE, token.owner, Mode.UPSERT if token.upsert else Mode.NEW)
    return JSONResponse({"Key": f"{call.bucket}/{call.name}"})


async def _store(call: Call, identity: Identity, owner: str | None, mode: Mode) -> str:
    """Ask for permission, receive, write the row; returns the object's id.

    Killed before the row is committed: nothing was uploaded. After: all of it was, and
    the file it replaced may stay behind, unseen.
    """
    demand_valid_key(call.name)
    largest = call.context.config.largest_file
    async with call.context.database.as_admin() as connection:
        limits = await BucketLimits.of(connection, call.bucket, largest)
    await demand_permission(call, identity, owner, mode)
    received = await receive(call.request, call.files, limits)
    try:
        async with call.acting(identity) as connection:
            stored, replaced = await write_row(connection, call, received, owner, mode)
    except BaseException:
        call.files.remove(received.version)
        raise
    call.files.remove(replaced)
    return stored
