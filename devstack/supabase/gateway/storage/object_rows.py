"""Rows of storage.objects as uploads write them, under the caller's policies."""

from __future__ import annotations

import enum
import json
import uuid
from contextlib import suppress
from datetime import UTC, datetime

import asyncpg

from devstack.supabase.gateway.database import Connection
from devstack.supabase.gateway.identity import Identity
from devstack.supabase.gateway.storage import errors
from devstack.supabase.gateway.storage.endpoints import Call
from devstack.supabase.gateway.storage.incoming import Received

# Without `returning`: a caller who may only insert must not need to see the row.
INSERT = """
insert into storage.objects
  (id, bucket_id, name, owner, owner_id, metadata, user_metadata, version)
values ($1, $2, $3, $4, $5, $6::jsonb, $7::jsonb, $8)
"""
UPSERT = f"""
with before as (
  select version from storage.objects where bucket_id = $2 and name = $3
)
{INSERT}
on conflict (bucket_id, name) do update set
  owner = excluded.owner, owner_id = excluded.owner_id, version = excluded.version,
  metadata = excluded.metadata, user_metadata = excluded.user_metadata
returning id, (select version from before) as replaced
"""  # noqa: S608 - a constant
UPDATE = """
with before as (
  select id, version from storage.objects where bucket_id = $1 and name = $2
)
update storage.objects as objects set
  owner = $3, owner_id = $4, metadata = $5::jsonb, user_metadata = $6::jsonb,
  version = $7
from before where objects.id = before.id
returning objects.id, before.version as replaced
"""


class Mode(enum.Enum):
    """What an upload does about an object of the same name."""

    NEW = enum.auto()  # refuses; needs insert
    UPSERT = enum.auto()  # replaces it if there is one; needs insert, select, update
    REPLACE = enum.auto()  # there must be one; needs select, update


async def demand_permission(
    call: Call, identity: Identity, owner: str | None, mode: Mode
) -> None:
    """Try the row and take it back, so that nobody sends a file to be refused."""
    trial = Received(
        version=str(uuid.uuid4()),
        size=0,
        etag="",
        mime_type="",
        cache_control="",
        user_metadata=None,
    )
    with suppress(_TakenBack):
        async with call.acting(identity) as connection:
            await write_row(connection, call, trial, owner, mode)
            raise _TakenBack


class _TakenBack(Exception):
    """Rolls a trial back."""


async def write_row(
    connection: Connection,
    call: Call,
    received: Received,
    owner: str | None,
    mode: Mode,
) -> tuple[str, str | None]:
    """The object's id, and the version that was replaced if there was one."""
    values = (
        *owner_columns(owner),
        _metadata(received),
        json.dumps(received.user_metadata) if received.user_metadata else None,
        received.version,
    )
    if mode is Mode.REPLACE:
        row = await connection.fetchrow(UPDATE, call.bucket, call.name, *values)
        return _written(row)
    new = str(uuid.uuid4())
    if mode is Mode.UPSERT:
        row = await connection.fetchrow(UPSERT, new, call.bucket, call.name, *values)
        return _written(row)
    await connection.execute(INSERT, new, call.bucket, call.name, *values)
    return new, None


def _written(row: asyncpg.Record | None) -> tuple[str, str | None]:
    if row is None:
        raise errors.no_such_key()
    return str(row["id"]), row["replaced"]


def owner_columns(owner: str | None) -> tuple[str | None, str | None]:
    """`owner` takes only UUIDs, `owner_id` any subject."""
    try:
        return str(uuid.UUID(owner or "")), owner
    except ValueError:
        return None, owner


def _metadata(received: Received) -> str:
    """As Storage keeps what S3 tells it about a file."""
    now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return json.dumps(
        {
            "eTag": f'"{received.etag}"',
            "size": received.size,
            "mimetype": received.mime_type,
            "cacheControl": received.cache_control,
            "lastModified": now,
            "contentLength": received.size,
            "httpStatusCode": 200,
        }
    )
