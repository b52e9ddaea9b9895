"""Phoenix channel frames, in both versions clients speak.

1.0.0 (realtime-py): JSON objects. 2.0.0 (supabase-js): JSON arrays
`[join_ref, ref, topic, event, payload]`, and broadcasts as binary frames: kind 3 from
the client, kind 4 from the server. Source: supabase/realtime `v2_serializer.ex`,
realtime-js `serializer.ts`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

USER_BROADCAST_PUSH = 3
USER_BROADCAST = 4
LONGEST_FIELD = 255  # bytes: lengths are one byte each
PUSH_HEADER = 7  # kind, five lengths, encoding

Frame: TypeAlias = str | bytes


class MalformedFrame(Exception):
    """Not a Phoenix frame of the version this connection speaks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JsonBroadcast:
    """A broadcast that came as JSON and is passed on as it came."""

    text: str  # {"type":"broadcast","event":…,"payload":…}

    @property
    def size(self) -> int:
        return len(self.text)


@dataclass(frozen=True, slots=True, kw_only=True)
class FramedBroadcast:
    """A broadcast whose payload is carried beside its event: kind 3, or from SQL."""

    event: str
    payload: bytes
    is_json: bool = True
    meta: str = ""  # a JSON object, or nothing

    @property
    def size(self) -> int:
        return len(self.payload)


Broadcast: TypeAlias = JsonBroadcast | FramedBroadcast


@dataclass(frozen=True, slots=True, kw_only=True)
class Push:
    """What a client sent; `payload` is a FramedBroadcast for a binary frame."""

    topic: str
    event: str
    payload: Any
    ref: str | None
    join_ref: str | None


class Codec(Protocol):
    def decode(self, frame: Frame) -> Push:
        """Raises MalformedFrame."""

    def encode(
        self,
        topic: str,
        event: str,
        payload: str,
        *,
        ref: str | None = None,
        join_ref: str | None = None,
    ) -> str:
        """`payload` is JSON text and is spliced in untouched: numbers stay exact."""

    def encode_broadcast(self, topic: str, broadcast: Broadcast) -> Frame | None:
        """None when this version cannot carry it."""


class ObjectCodec:
    """Version 1.0.0."""

    def decode(self, frame: Frame) -> Push:
        message = _parsed(frame)
        if not isinstance(message, dict):
            raise MalformedFrame("expected a JSON object")
        return _push(
            message.get("join_ref"),
            message.get("ref"),
            message.get("topic"),
            message.get("event"),
            message.get("payload"),
        )

    def encode(
        self,
        topic: str,
        event: str,
        payload: str,
        *,
        ref: str | None = None,
        join_ref: str | None = None,  # noqa: ARG002 - version 1 does not carry it
    ) -> str:
        head = f'{{"topic":{json.dumps(topic)},"event":{json.dumps(event)},'
        return f'{head}"payload":{payload},"ref":{json.dumps(ref)}}}'

    def encode_broadcast(self, topic: str, broadcast: Broadcast) -> Frame | None:
        payload = _broadcast_text(broadcast)
        return None if payload is None else self.encode(topic, "broadcast", payload)


class ArrayCodec:
    """Version 2.0.0."""

    def decode(self, frame: Frame) -> Push:
        if isinstance(frame, bytes):
            return _decode_broadcast_push(frame)
        message = _parsed(frame)
        if not isinstance(message, list) or len(message) != 5:  # noqa: PLR2004 - the format
            raise MalformedFrame("expected a JSON array of five")
        return _push(*message)

    def encode(
        self,
        topic: str,
        event: str,
        payload: str,
        *,
        ref: str | None = None,
        join_ref: str | None = None,
    ) -> str:
        head = f"{json.dumps(join_ref)},{json.dumps(ref)},{json.dumps(topic)}"
        return f"[{head},{json.dumps(event)},{payload}]"

    def encode_broadcast(self, topic: str, broadcast: Broadcast) -> Frame | None:
        if isinstance(broadcast, FramedBroadcast):
            fields = [topic.encode(), broadcast.event.encode(), broadcast.meta.encode()]
            if all(len(field) <= LONGEST_FIELD for field in fields):
                lengths = bytes(len(field) for field in fields)
                head = bytes([USER_BROADCAST]) + lengths + bytes([broadcast.is_json])
                return head + b"".join(fields) + broadcast.payload
        payload = _broadcast_text(broadcast)
        return None if payload is None else self.encode(topic, "broadcast", payload)


def codec_for(version: str) -> Codec:
    return ArrayCodec() if version.startswith("2") else ObjectCodec()


def dumps(value: object) -> str:
    return json.dumps(value, separators=(",", ":"))


def _broadcast_text(broadcast: Broadcast) -> str | None:
    if isinstance(broadcast, JsonBroadcast):
        return broadcast.text
    if not broadcast.is_json:
        return None
    meta = f',"meta":{broadcast.meta}' if broadcast.meta else ""
    head = f'{{"type":"broadcast","event":{json.dumps(broadcast.event)}'
    return f'{head},"payload":{broadcast.payload.decode()}{meta}}}'


def _parsed(frame: Frame) -> Any:
    if isinstance(frame, bytes):
        raise MalformedFrame("version 1.0.0 has no binary frames")
    try:
        return json.loads(frame)
    except ValueError as error:
        raise MalformedFrame("not JSON") from error


def _push(join_ref: Any, ref: Any, topic: Any, event: Any, payload: Any) -> Push:
    if not isinstance(topic, str) or not isinstance(event, str):
        raise MalformedFrame("topic and event must be text")
    return Push(
        topic=topic,
        event=event,
        payload=payload if isinstance(payload, dict) else {},
        ref=None if ref is None else str(ref),
        join_ref=None if join_ref is None else str(join_ref),
    )


def _decode_broadcast_push(frame: bytes) -> Push:
    if len(frame) < PUSH_HEADER or frame[0] != USER_BROADCAST_PUSH:
        raise MalformedFrame("unknown binary frame")
    fields, position = [], PUSH_HEADER
    for length in frame[1:6]:
        fields.append(frame[position : position + length])
        position += length
    if position > len(frame):
        raise MalformedFrame("binary frame is cut short")
    try:
        join_ref, ref, topic, event, _ = (field.decode() for field in fields)
    except UnicodeDecodeError as error:
        raise MalformedFrame("binary frame is not UTF-8") from error
    body, is_json = frame[position:], bool(frame[6])
    if is_json:
        _parsed_body(body)
    return Push(
        topic=topic,
        event="broadcast",
        payload=FramedBroadcast(event=event, payload=body, is_json=is_json),
        ref=ref or None,
        join_ref=join_ref or None,
    )


def _parsed_body(body: bytes) -> None:
    try:
        json.loads(body)
    except ValueError as error:
        raise MalformedFrame("broadcast payload is not JSON") from error
