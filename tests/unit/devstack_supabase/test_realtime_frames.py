import json

import pytest

from devstack.supabase.gateway.realtime.frames import (
    ArrayCodec,
    Codec,
    FramedBroadcast,
    JsonBroadcast,
    MalformedFrame,
    ObjectCodec,
    codec_for,
)

TOPIC = "realtime:room"
EXACT = '{"n":9007199254740993}'


def binary_push(payload: bytes, *, is_json: bool) -> bytes:
    """As realtime-js `_encodeUserBroadcastPush` writes it."""
    fields = [b"1", b"2", TOPIC.encode(), "olá".encode(), b""]
    lengths = bytes(len(field) for field in fields)
    return b"\x03" + lengths + bytes([is_json]) + b"".join(fields) + payload


def test_version_one_speaks_objects() -> None:
    codec = codec_for("1.0.0")

    push = codec.decode(
        '{"topic":"t","event":"phx_join","payload":{"a":1},"ref":"7","join_ref":"6"}'
    )

    assert (push.topic, push.event, push.payload) == ("t", "phx_join", {"a": 1})
    assert (push.ref, push.join_ref) == ("7", "6")
    assert json.loads(codec.encode("t", "e", "{}", ref="7")) == {
        "topic": "t",
        "event": "e",
        "payload": {},
        "ref": "7",
    }


def test_version_two_speaks_arrays() -> None:
    codec = codec_for("2.0.0")

    push = codec.decode('["6","7","t","phx_join",{"a":1}]')

    assert (push.ref, push.join_ref, push.payload) == ("7", "6", {"a": 1})
    text = codec.encode("t", "e", "{}", ref="7", join_ref="6")
    assert json.loads(text) == ["6", "7", "t", "e", {}]


@pytest.mark.parametrize("codec", [ObjectCodec(), ArrayCodec()])
def test_a_payload_is_passed_on_letter_by_letter(codec: Codec) -> None:
    assert EXACT in codec.encode("t", "e", EXACT)


@pytest.mark.parametrize(
    ("codec", "frame"),
    [
        (ObjectCodec(), "[]"),
        (ObjectCodec(), b"\x03"),
        (ObjectCodec(), '{"topic":1,"event":"e"}'),
        (ArrayCodec(), "{}"),
        (ArrayCodec(), "not json"),
        (ArrayCodec(), '["1","2","t"]'),
        (ArrayCodec(), b""),
        (ArrayCodec(), b"\x05" + bytes(9)),
        (ArrayCodec(), b"\x03\x09\x00\x00\x00\x00\x01"),
        (ArrayCodec(), binary_push(b"{", is_json=True)),
    ],
)
def test_what_is_no_frame_is_refused(codec: Codec, frame: str | bytes) -> None:
    with pytest.raises(MalformedFrame):
        codec.decode(frame)


def test_a_binary_push_becomes_a_broadcast() -> None:
    push = ArrayCodec().decode(binary_push(EXACT.encode(), is_json=True))

    assert (push.topic, push.event, push.ref, push.join_ref) == (
        TOPIC,
        "broadcast",
        "2",
        "1",
    )
    assert push.payload == FramedBroadcast(event="olá", payload=EXACT.encode())


def test_a_framed_broadcast_goes_out_as_kind_four() -> None:
    broadcast = FramedBroadcast(event="olá", payload=b"{}", meta='{"id":"x"}')

    frame = ArrayCodec().encode_broadcast(TOPIC, broadcast)

    assert isinstance(frame, bytes)
    assert frame[:5] == bytes([4, len(TOPIC), 4, 10, 1])
    assert frame[5:] == TOPIC.encode() + "olá".encode() + b'{"id":"x"}{}'


def test_a_field_too_long_for_a_frame_goes_out_as_json() -> None:
    broadcast = FramedBroadcast(event="e" * 256, payload=b"{}")

    frame = ArrayCodec().encode_broadcast(TOPIC, broadcast)

    assert isinstance(frame, str)
    assert json.loads(frame)[4]["event"] == "e" * 256


def test_version_one_gets_a_framed_broadcast_as_json() -> None:
    broadcast = FramedBroadcast(event="e", payload=b'{"a":1}', meta='{"id":"x"}')

    frame = ObjectCodec().encode_broadcast(TOPIC, broadcast)

    assert isinstance(frame, str)
    assert json.loads(frame)["payload"] == {
        "type": "broadcast",
        "event": "e",
        "payload": {"a": 1},
        "meta": {"id": "x"},
    }


def test_version_one_cannot_carry_bytes() -> None:
    broadcast = FramedBroadcast(event="e", payload=b"\xff", is_json=False)

    assert ObjectCodec().encode_broadcast(TOPIC, broadcast) is None


@pytest.mark.parametrize("codec", [ObjectCodec(), ArrayCodec()])
def test_a_broadcast_that_came_as_json_leaves_as_it_came(codec: Codec) -> None:
    text = '{"type":"broadcast","event":"e","payload":{},"extra":1}'

    frame = codec.encode_broadcast(TOPIC, JsonBroadcast(text=text))

    assert isinstance(frame, str)
    assert text in frame
