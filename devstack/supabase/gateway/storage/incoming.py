"""Receives an upload onto disk, from a form or from a bare body, in bounded memory."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import json
from collections.abc import AsyncGenerator
from typing import Any

import anyio
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request

from devstack.supabase.gateway.storage import errors
from devstack.supabase.gateway.storage.files import Files
from devstack.supabase.gateway.storage.limits import BucketLimits

CHUNK = 256 * 1024
# Boundaries, headers and the small fields of a form.
FORM_OVERHEAD = 1024 * 1024
OCTETS = "application/octet-stream"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """A whole file on disk under `version`, which no row names yet."""

    version: str
    size: int
    etag: str
    mime_type: str
    cache_control: str
    user_metadata: dict[str, Any] | None


async def receive(request: Request, files: Files, limits: BucketLimits) -> Received:
    """Raises Refusal; nothing is left on disk then."""
    declared = request.headers.get("content-length", "")
    is_form = request.headers.get("content-type", "").startswith("multipart/form-data")
    if declared.isdigit():
        limits.demand_size(int(declared) - (FORM_OVERHEAD if is_form else 0))
    if is_form:
        return await _receive_form(request, files, limits)
    return await _receive_body(request, files, limits)


async def _receive_body(
    request: Request, files: Files, limits: BucketLimits
) -> Received:
    mime_type = request.headers.get("content-type") or OCTETS
    limits.demand_mime_type(mime_type)
    version, size, etag = await _write(request.stream(), files, limits)
    return Received(
        version=version,
        size=size,
        etag=etag,
        mime_type=mime_type,
        cache_control=request.headers.get("cache-control") or "no-cache",
        user_metadata=_header_metadata(request.headers.get("x-metadata")),
    )


async def _receive_form(
    request: Request, files: Files, limits: BucketLimits
) -> Received:
    """Starlette spools the file part to a temporary file beyond one megabyte."""
    bounded = _bounded(request.stream(), limits)
    parser = MultiPartParser(request.headers, bounded, max_files=1)
    try:
        form = await parser.parse()
    except MultiPartException as error:
        raise errors.invalid_request(error.message) from error
    try:
        part = next((v for v in form.values() if isinstance(v, UploadFile)), None)
        if part is None:
            raise errors.invalid_request("No file provided")
        mime_type = part.content_type or OCTETS
        limits.demand_mime_type(mime_type)
        version, size, etag = await _write(_chunks(part), files, limits)
        cache_time = form.get("cacheControl")
        return Received(
            version=version,
            size=size,
            etag=etag,
            mime_type=mime_type,
            cache_control=f"max-age={cache_time}" if cache_time else "no-cache",
            user_metadata=_form_metadata(form.get("metadata")),
        )
    finally:
        await form.close()


async def _write(
    chunks: AsyncGenerator[bytes, None], files: Files, limits: BucketLimits
) -> tuple[str, int, str]:
    """Version, size in bytes and MD5 of what was written."""
    version = files.new_version()
    size = 0
    digest = hashlib.md5(usedforsecurity=False)
    try:
        async with await anyio.open_file(files.unfinished(version), "wb") as target:
            async for chunk in chunks:
                size += len(chunk)
                limits.demand_size(size)
                digest.update(chunk)
                await target.write(chunk)
        files.finish(version)
    except BaseException:
        files.remove(version)
        raise
    return version, size, digest.hexdigest()


async def _bounded(
    chunks: AsyncGenerator[bytes, None], limits: BucketLimits
) -> AsyncGenerator[bytes, None]:
    received = 0
    async for chunk in chunks:
        received += len(chunk)
        limits.demand_size(received - FORM_OVERHEAD)
        yield chunk


async def _chunks(part: UploadFile) -> AsyncGenerator[bytes, None]:
    while chunk := await part.read(CHUNK):
        yield chunk


def _form_metadata(field: object) -> dict[str, Any] | None:
    return _metadata(field) if isinstance(field, str) else None


def _header_metadata(header: str | None) -> dict[str, Any] | None:
    return _metadata(base64.b64decode(header)) if header else None


def _metadata(raw: str | bytes) -> dict[str, Any]:
    try:
        metadata = json.loads(raw)
    except ValueError as error:
        raise errors.invalid_request("Invalid metadata") from error
    if not isinstance(metadata, dict):
        raise errors.invalid_request("Invalid metadata")
    return metadata
