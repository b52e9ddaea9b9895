"""Signed URLs: permission given now, used later by whoever holds the URL."""

from __future__ import annotations

import dataclasses
import time
from typing import Any
from urllib.parse import quote

import jwt
from starlette.responses import JSONResponse, Response

from devstack.supabase.gateway.storage import errors
from devstack.supabase.gateway.storage.endpoints import (
    EXPIRED,
    MALFORMED,
    WRONG_SIGNATURE,
    Call,
    Endpoints,
)
from devstack.supabase.gateway.storage.object_rows import Mode, demand_permission

UPLOAD_SECONDS = 2 * 3600
UNSEEN = "Either the object does not exist or you do not have access to it"


def serve(endpoints: Endpoints) -> None:
    upload = "/object/upload/sign/{bucket}/{name:path}"
    endpoints.add("POST", upload, sign_upload)
    endpoints.add("POST", "/object/sign/{bucket}/{name:path}", sign_download)
    endpoints.add("POST", "/object/sign/{bucket}", sign_downloads)


async def sign_download(call: Call) -> Response:
    seconds = await _lifetime(call)
    if not await _visible(call, [call.name]):
        raise errors.no_such_key()
    return JSONResponse({"signedURL": _download_url(call, call.name, seconds)})


async def sign_downloads(call: Call) -> Response:
    seconds = await _lifetime(call)
    paths = (await call.json()).get("paths")
    if not isinstance(paths, list) or not all(isinstance(p, str) for p in paths):
        raise errors.invalid_request("body must have required property 'paths'")
    visible = await _visible(call, paths)
    return JSONResponse([_signed(call, path, seconds, visible) for path in paths])


async def sign_upload(call: Call) -> Response:
    upsert = call.request.headers.get("x-upsert") == "true"
    identity = call.identity()
    owner = identity.user_id
    mode = Mode.UPSERT if upsert else Mode.NEW
    await demand_permission(call, identity, owner, mode)
    claims = {"owner": owner, "url": f"{call.bucket}/{call.name}", "upsert": upsert}
    token = _token(call, claims, UPLOAD_SECONDS)
    path = quote(f"/object/upload/sign/{call.bucket}/{call.name}")
    return JSONResponse({"url": f"{path}?token={token}", "token": token})


def demand_download_token(call: Call) -> None:
    """Raises Refusal unless the URL's token opens exactly this object."""
    if _claims(call).get("scope") != "download":
        raise errors.invalid_signature()


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class UploadToken:
    owner: str | None
    upsert: bool

    @classmethod
    def read(cls, call: Call) -> UploadToken:
        """Raises Refusal unless the URL's token is for uploading this object."""
        claims = _claims(call)
        if "upsert" not in claims:
            raise errors.invalid_signature()
        return cls(owner=claims.get("owner"), upsert=bool(claims["upsert"]))


def _claims(call: Call) -> dict[str, Any]:
    token = call.request.query_params.get("token", "")
    try:
        claims = jwt.decode(token, call.context.config.jwt_secret, ["HS256"])
    except jwt.ExpiredSignatureError as error:
        raise errors.invalid_token(EXPIRED) from error
    except jwt.InvalidSignatureError as error:
        raise errors.invalid_token(WRONG_SIGNATURE) from error
    except jwt.PyJWTError as error:
        raise errors.invalid_token(MALFORMED) from error
    if claims.get("url") != f"{call.bucket}/{call.name}":
        raise errors.invalid_signature()
    return claims


async def _lifetime(call: Call) -> int:
    """Seconds; storage-py sends the number as a string."""
    body = await call.json()
    if body.get("transform"):
        raise errors.not_supported("image transformation")
    try:
        seconds = int(body["expiresIn"])
    except (KeyError, TypeError, ValueError) as error:
        message = "body must have required property 'expiresIn'"
        raise errors.invalid_request(message) from error
    if seconds < 1:
        raise errors.invalid_request("body/expiresIn must be >= 1")
    return seconds


async def _visible(call: Call, names: list[str]) -> set[str]:
    async with call.acting() as connection:
        rows = await connection.fetch(
            "select name from storage.objects where bucket_id = $1 and name = any($2)",
            call.bucket,
            names,
        )
    return {row["name"] for row in rows}


def _signed(
    call: Call, path: str, seconds: int, visible: set[str]
) -> dict[str, str | None]:
    if path not in visible:
        return {"error": UNSEEN, "path": path, "signedURL": None}
    url = _download_url(call, path, seconds)
    return {"error": None, "path": path, "signedURL": url}


def _download_url(call: Call, name: str, seconds: int) -> str:
    claims = {"url": f"{call.bucket}/{name}", "scope": "download"}
    path = quote(f"/object/sign/{call.bucket}/{name}")
    return f"{path}?token={_token(call, claims, seconds)}"


def _token(call: Call, claims: dict[str, Any], seconds: int) -> str:
    now = int(time.time())
    timed = claims | {"iat": now, "exp": now + seconds}
    return jwt.encode(timed, call.context.config.jwt_secret, "HS256")
