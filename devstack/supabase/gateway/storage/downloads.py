"""Downloads: as a user, in public, by a signed URL; and what is known about a file."""

from __future__ import annotations

import json
from email.utils import format_datetime
from typing import Any
from urllib.parse import quote

import asyncpg
from starlette.responses import FileResponse, JSONResponse, Response

from devstack.supabase.gateway.identity import Identity
from devstack.supabase.gateway.storage import errors
from devstack.supabase.gateway.storage.endpoints import SERVICE, Call, Endpoints
from devstack.supabase.gateway.storage.signing import demand_download_token

FIND = """
select id, name, bucket_id, version, metadata, user_metadata, created_at, updated_at
from storage.objects where bucket_id = $1 and name = $2
"""


def serve(endpoints: Endpoints) -> None:
    endpoints.add("GET", "/object/public/{bucket}/{name:path}", download_public)
    endpoints.add("GET", "/object/sign/{bucket}/{name:path}", download_signed)
    endpoints.add("GET", "/object/authenticated/{bucket}/{name:path}", download)
    endpoints.add("GET", "/object/info/public/{bucket}/{name:path}", describe_public)
    endpoints.add("GET", "/object/info/authenticated/{bucket}/{name:path}", describe)
    endpoints.add("GET", "/object/info/{bucket}/{name:path}", describe)
    endpoints.add("GET", "/object/{bucket}/{name:path}", download)


async def download(call: Call) -> Response:
    return _file(call, await _find(call, call.identity()))


async def download_public(call: Call) -> Response:
    await _demand_public(call)
    return _file(call, await _find(call, SERVICE))


async def download_signed(call: Call) -> Response:
    demand_download_token(call)
    return _file(call, await _find(call, SERVICE))


async def describe(call: Call) -> Response:
    return _description(await _find(call, call.identity()))


async def describe_public(call: Call) -> Response:
    await _demand_public(call)
    return _description(await _find(call, SERVICE))


async def _demand_public(call: Call) -> None:
    async with call.acting(SERVICE) as connection:
        if not await connection.fetchval(
            "select public from storage.buckets where id = $1", call.bucket
        ):
            raise errors.no_such_bucket()


async def _find(call: Call, identity: Identity) -> asyncpg.Record:
    async with call.acting(identity) as connection:
        row = await connection.fetchrow(FIND, call.bucket, call.name)
    if row is None:
        raise errors.no_such_key()
    return row


def _file(call: Call, row: asyncpg.Record) -> Response:
    """Streamed from disk; Range is honoured. The row decides, the disk obeys."""
    metadata = _metadata(row)
    try:
        path = call.files.path(row["version"] or "")
    except ValueError as error:
        raise errors.no_such_key() from error
    if not path.is_file():
        raise errors.no_such_key()
    headers = {
        "etag": metadata.get("eTag", ""),
        "cache-control": metadata.get("cacheControl", "no-cache"),
        "last-modified": format_datetime(row["updated_at"], usegmt=True),
    }
    if (disposition := _disposition(call)) is not None:
        headers["content-disposition"] = disposition
    return FileResponse(path, media_type=metadata.get("mimetype"), headers=headers)


def _disposition(call: Call) -> str | None:
    """`?download` saves under the browser's own choice, `?download=x` under x."""
    if (name := call.request.query_params.get("download")) is None:
        return None
    if not name:
        return "attachment;"
    return f"attachment; filename={quote(name)}; filename*=UTF-8''{quote(name)};"


def _description(row: asyncpg.Record) -> Response:
    metadata = _metadata(row)
    return JSONResponse(
        {
            "id": str(row["id"]),
            "name": row["name"],
            "version": row["version"],
            "bucket_id": row["bucket_id"],
            "size": metadata.get("size"),
            "content_type": metadata.get("mimetype"),
            "cache_control": metadata.get("cacheControl"),
            "etag": metadata.get("eTag"),
            "last_modified": metadata.get("lastModified"),
            "metadata": json.loads(row["user_metadata"] or "null"),
            "created_at": row["created_at"].isoformat(),
        }
    )


def _metadata(row: asyncpg.Record) -> dict[str, Any]:
    metadata: dict[str, Any] = json.loads(row["metadata"] or "{}")
    return metadata
