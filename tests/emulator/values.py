"""How test and client process write values to each other: JSON, and what it lacks."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from typing import Any

from google.protobuf import descriptor_pool, message_factory
from google.protobuf.message import Message


def packed(value: Any) -> Any:
    """Protobuf messages become their full name and bytes; sequences become lists."""
    if isinstance(value, Message):
        body = base64.b64encode(value.SerializePartialToString()).decode()
        return {"message": value.DESCRIPTOR.full_name, "body": body}
    if isinstance(value, bytes):
        return {"bytes": base64.b64encode(value).decode()}
    if isinstance(value, str | int | float | None):
        return value
    if isinstance(value, Iterable):
        return [packed(item) for item in value]
    raise TypeError(f"cannot write a {type(value).__name__}")


def unpacked(value: Any) -> Any:
    if isinstance(value, list):
        return [unpacked(item) for item in value]
    if not isinstance(value, dict):
        return value
    if "bytes" in value:
        return base64.b64decode(value["bytes"])
    descriptor = descriptor_pool.Default().FindMessageTypeByName(value["message"])
    message = message_factory.GetMessageClass(descriptor)()
    message.ParseFromString(base64.b64decode(value["body"]))
    return message
