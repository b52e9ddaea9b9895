"""The errors Storage answers with, by the names its source gives them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import asyncpg

from devstack.supabase.gateway.refusals import Refusal, storage


def no_such_bucket() -> Refusal:
    return storage(404, "Bucket not found", "Bucket not found", "NoSuchBucket")


def no_such_key() -> Refusal:
    return storage(404, "not_found", "Object not found", "NoSuchKey")


def access_denied(reason: str) -> Refusal:
    return storage(403, "Unauthorized", reason, "AccessDenied")


def already_exists(code: str) -> Refusal:
    return storage(409, "Duplicate", "The resource already exists", code)


def bucket_not_empty() -> Refusal:
    message = "The bucket you tried to delete is not empty"
    return storage(409, "ResourceNotEmpty", message, "ResourceNotEmpty")


def too_large() -> Refusal:
    message = "The object exceeded the maximum allowed size"
    return storage(413, "Payload too large", message, "EntityTooLarge")


def invalid_mime_type(mime_type: str) -> Refusal:
    message = f"mime type {mime_type} is not supported"
    return storage(415, "invalid_mime_type", message, "InvalidMimeType")


def invalid_key(key: str) -> Refusal:
    return storage(400, "InvalidKey", f"Invalid key: {key}", "InvalidKey")


def invalid_bucket_name() -> Refusal:
    return storage(400, "Invalid Input", "Bucket name invalid", "InvalidBucketName")


def invalid_request(message: str) -> Refusal:
    return storage(400, "InvalidRequest", message, "InvalidRequest")


def invalid_token(message: str) -> Refusal:
    return storage(400, "InvalidJWT", message, "InvalidJWT")


def invalid_signature() -> Refusal:
    return storage(400, "InvalidSignature", "Invalid signature", "InvalidSignature")


def not_supported(feature: str) -> Refusal:
    message = f"The feature {feature} is not enabled for this resource"
    return storage(409, "NotSupported", message, "NotSupported")


def database_error(status: int) -> Refusal:
    message = "The database refused the request"
    return storage(status, "DatabaseError", message, "DatabaseError", http_status=500)


def no_such_route(method: str, path: str) -> Refusal:
    """Fastify's own answer, which alone has a numeric statusCode."""
    message = f"Route {method}:{path} not found"
    return Refusal(404, {"message": message, "error": "Not Found", "statusCode": 404})


@contextmanager
def from_postgres(duplicate: str = "KeyAlreadyExists") -> Iterator[None]:
    """What Storage says when Postgres refuses a statement of a caller."""
    try:
        yield
    except asyncpg.InsufficientPrivilegeError as error:
        raise access_denied(str(error)) from error
    except asyncpg.UniqueViolationError as error:
        raise already_exists(duplicate) from error
    except asyncpg.ForeignKeyViolationError as error:
        raise no_such_bucket() from error
