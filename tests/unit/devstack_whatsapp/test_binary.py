from __future__ import annotations

import contextlib
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devstack.whatsapp.wire.binary import (
    GROUP,
    LID,
    PN,
    SERVER_JID,
    DecodeError,
    Jid,
    Node,
    decode,
    encode,
)
from devstack.whatsapp.wire.tokens import DOUBLE, SINGLE

TOKENS = [*SINGLE[1:], *(token for page in DOUBLE for token in page)]
words = st.one_of(
    st.integers(0, len(TOKENS) - 1).map(lambda n: TOKENS[n]),
    st.text("0123456789-.", min_size=1, max_size=140),
    st.text("0123456789ABCDEF", min_size=1, max_size=140),
    st.text(min_size=1, max_size=40),
)
device_jids = st.builds(
    Jid, words, st.sampled_from([PN, LID, "hosted"]), st.integers(0, 255)
)
jids = st.one_of(
    device_jids, st.builds(Jid, words, st.just(GROUP), st.just(0)), st.just(SERVER_JID)
)
attributes = st.dictionaries(words, words | jids, max_size=4)
nodes = st.recursive(
    st.builds(Node, words, attributes, st.none() | st.binary(max_size=300)),
    lambda inner: st.builds(
        Node, words, attributes, st.lists(inner, min_size=1, max_size=3)
    ),
    max_leaves=5,
)


@settings(max_examples=15)
@given(nodes)
def test_what_is_encoded_decodes_to_the_same(node: Node) -> None:
    assert decode(encode(node)) == node


@given(st.binary(max_size=200))
def test_garbage_is_refused_and_nothing_else_happens(garbage: bytes) -> None:
    with contextlib.suppress(DecodeError):
        decode(garbage)


@settings(max_examples=10)
@given(nodes, st.data())
def test_a_frame_cut_off_anywhere_is_refused(node: Node, data: st.DataObject) -> None:
    frame = encode(node)
    cut = data.draw(st.integers(0, len(frame) - 1))

    with pytest.raises(DecodeError):
        decode(frame[:cut])


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("", "00f802" + "fc0178" + "fc00"),
        ("result", "00f802fc017814"),
        ("12.3-4", "00f802fc0178ff0312b3a4"),
        ("123", "00f802fc0178ff82123f"),
        ("3EB0FF", "00f802fc0178fb033eb0ff"),
        ("x" * 3, "00f802fc0178fc03787878"),
    ],
)
def test_a_string_takes_its_shortest_form(value: str, expected: str) -> None:
    assert encode(Node("x", {}, value)).hex() == expected


@pytest.mark.parametrize(
    ("jid", "encoded"),
    [
        (Jid("5521", PN), "faff02552103"),
        (Jid("5521", PN, 3), "f70003ff025521"),
        (Jid("5521", LID, 3), "f70103ff025521"),
        (SERVER_JID, "fa0003"),
    ],
)
def test_only_a_companion_device_is_written_with_its_number(
    jid: Jid, encoded: str
) -> None:
    assert encode(Node("x", {"to": jid})).hex() == "00f803fc017811" + encoded


@pytest.mark.parametrize("length", [0, 255, 256, (1 << 20) - 1, 1 << 20])
def test_content_of_any_length_survives(length: int) -> None:
    assert decode(encode(Node("x", {}, bytes(length)))).data() == bytes(length)


def test_a_list_may_be_longer_than_a_byte_can_count() -> None:
    node = Node("list", {}, [Node("item", {"id": str(n)}) for n in range(300)])

    assert decode(encode(node)) == node


def test_empty_attributes_are_not_sent_and_booleans_are_words() -> None:
    node = Node("x", {"a": None, "b": "", "c": True, "d": 5})

    assert decode(encode(node)).attrs == {"c": "true", "d": "5"}


def test_a_compressed_frame_is_inflated() -> None:
    plain = encode(Node("iq", {"id": "1"}))

    assert decode(b"\x02" + zlib.compress(plain[1:])) == Node("iq", {"id": "1"})


@pytest.mark.parametrize(
    "frame",
    [
        b"",
        b"\x00",
        b"\x02garbage",
        b"\x02" + zlib.compress(b"\xf8\x01\x19")[:-4],
        encode(Node("x")) + b"\x00",
        b"\x00\x00",
        b"\x00" + b"\xf8\x02\x19\xf8\x01" * 100,
        b"\x00\xf8\x01\xff\x01\xcc",
        b"\x00\xf8\x01\xfc\x01\xff",
        b"\x00\xf8\x01\xfa\x19\x03",
        b"\x00\xf8\x02\x19\xf4",
    ],
)
def test_a_broken_frame_is_refused(frame: bytes) -> None:
    with pytest.raises(DecodeError):
        decode(frame)


def test_an_address_reads_in_every_form_clients_write() -> None:
    assert Jid.parse("12.0:3@s.whatsapp.net") == Jid("12", PN, 3)
    assert Jid.parse("55-66@g.us") == Jid("55-66", GROUP)
    assert Jid.parse("s.whatsapp.net") == SERVER_JID
    assert str(Jid("12", LID, 3)) == "12:3@lid"
    assert str(Jid("12", LID, 3).bare) == "12@lid"
    assert Jid("12").with_device(4).ad_string == "12.0:4@s.whatsapp.net"
    with pytest.raises(DecodeError):
        Jid.parse("12:x@lid")


def test_a_node_is_asked_for_what_is_inside_it() -> None:
    node = Node(
        "a",
        {"from": Jid("1", LID), "to": "2@lid", "n": 3},
        [
            Node("b", {}, [Node("c", {}, b"bytes"), Node("c", {}, "text")]),
        ],
    )

    assert node.data("b", "c") == b"bytes"
    assert node.child("b", "x", "y") is None
    assert [n.data() for n in node.children[0].all("c")] == [b"bytes", b"text"]
    assert (node.jid("from"), node.jid("to")) == (Jid("1", LID), Jid("2", LID))
    assert (node.attr("n"), node.attr("m", "?")) == ("3", "?")
    for missing in (lambda: node.data("x"), lambda: node.jid("x")):
        with pytest.raises(DecodeError):
            missing()


def test_a_printed_node_hides_what_people_wrote() -> None:
    node = Node("message", {"id": "1"}, [Node("enc", {}, b"secret"), Node("ack")])

    assert node.xml() == '<message id="1"><enc><!-- 6 bytes --></enc><ack/></message>'
    assert node.xml(most_children=1).endswith("<!-- 1 more --></message>")
