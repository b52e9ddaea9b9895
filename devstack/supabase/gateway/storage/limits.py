"""What may be stored: names, sizes and MIME types."""

from __future__ import annotations

import re

import asyncpg

from devstack.supabase.gateway.database import Connection
from devstack.supabase.gateway.storage import errors

# What S3 guarantees to take, as Storage checks it.
VALID_KEY = re.compile(r"[\w/!\-.*'() &$@=;:+,?]+", re.ASCII)
VALID_BUCKET = re.compile(r"[\w!\-.*'() &$@=;:+,?]+", re.ASCII)
LONGEST_BUCKET_NAME = 100
SIZE = re.compile(r"(?P<number>\d+(\.\d+)?)\s*(?P<unit>[kmgt]?b)?", re.IGNORECASE)
UNITS = {"b": 1, "kb": 1000, "mb": 1000**2, "gb": 1000**3, "tb": 1000**4}


def demand_valid_key(name: str) -> None:
    if not VALID_KEY.fullmatch(name) or name.startswith("/") or name.endswith("/"):
        raise errors.invalid_key(name)


def demand_valid_bucket_name(name: str) -> None:
    if not VALID_BUCKET.fullmatch(name) or len(name) > LONGEST_BUCKET_NAME:
        raise errors.invalid_bucket_name()


def parse_size(value: int | str | None) -> int | None:
    """A number of bytes, also written as "20MB"; raises Refusal."""
    if value is None:
        return None
    match = SIZE.fullmatch(str(value).strip())
    if match is None:
        message = "Invalid file size format, hint: use 20GB / 20MB / 30KB / 3B"
        raise errors.invalid_request(message)
    unit = (match["unit"] or "b").lower()
    return int(float(match["number"]) * UNITS[unit])


class BucketLimits:
    """The limits of one bucket."""

    def __init__(self, row: asyncpg.Record, largest: int) -> None:
        self._largest: int = min(row["file_size_limit"] or largest, largest)
        self._mime_types: list[str] = row["allowed_mime_types"] or []

    @classmethod
    async def of(
        cls, connection: Connection, bucket: str, largest: int
    ) -> BucketLimits:
        """`largest` is the project's own limit. Raises Refusal without such a bucket."""
        row = await connection.fetchrow(
            "select file_size_limit, allowed_mime_types from storage.buckets"
            " where id = $1",
            bucket,
        )
        if row is None:
            raise errors.no_such_bucket()
        return cls(row, largest)

    def demand_size(self, size: int) -> None:
        if size > self._largest:
            raise errors.too_large()

    def demand_mime_type(self, mime_type: str) -> None:
        plain = mime_type.partition(";")[0].strip().lower()
        family = plain.partition("/")[0] + "/*"
        if self._mime_types and not {plain, family, "*/*"} & set(self._mime_types):
            raise errors.invalid_mime_type(mime_type)
