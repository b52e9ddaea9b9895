"""A chunk is cut up exactly as protobuf would read it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.adapters.whatsapp.protobufs import history
from connector.adapters.whatsapp.reading.history.chunk import split, wrapped

CONVERSATIONS = history.HistorySync.CONVERSATIONS_FIELD_NUMBER
texts = st.text(max_size=300)
conversations = st.builds(
    history.Conversation,
    ID=texts,
    name=texts,
    unreadCount=st.integers(0, 2**32 - 1),
    muteEndTime=st.integers(0, 2**64 - 1),
)
syncs = st.builds(
    history.HistorySync,
    syncType=st.sampled_from(list(history.HistorySync.HistorySyncType.values())),
    progress=st.integers(0, 2**32 - 1),
    conversations=st.lists(conversations, max_size=4),
    pushnames=st.lists(st.builds(history.Pushname, ID=texts), max_size=2),
)


@given(syncs)
def test_the_parts_and_the_rest_are_what_protobuf_reads(
    sync: history.HistorySync,
) -> None:
    parts, rest = split(sync.SerializeToString(), CONVERSATIONS)

    read = [history.Conversation.FromString(bytes(part)) for part in parts]
    others = history.HistorySync.FromString(rest)
    assert read == list(sync.conversations)
    others.conversations.extend(read)
    assert others == sync


@given(conversations)
def test_wrapping_is_what_splitting_undoes(
    conversation: history.Conversation,
) -> None:
    body = conversation.SerializeToString()

    alone = wrapped(CONVERSATIONS, body)

    assert [bytes(part) for part in split(alone, CONVERSATIONS).parts] == [body]
    assert list(history.HistorySync.FromString(alone).conversations) == [conversation]


@pytest.mark.parametrize("size", [0, 127, 128, 255, 256, 16_383, 16_384, 2**21])
def test_wrapping_is_protobufs_own_for_every_length(size: int) -> None:
    contact = history.Pushname(ID="x" * size)
    number = history.Pushname.ID_FIELD_NUMBER

    assert wrapped(number, b"x" * size) == contact.SerializeToString()


@pytest.mark.parametrize(
    "damaged",
    [
        b"\x12\x05abc",  # cut off
        b"\x12" + b"\xff" * 11,  # a length without an end
        b"\x00\x01",  # field number 0
        b"\x13\x01\x14",  # a group, which nobody sends
        b"\x12",
    ],
)
def test_what_is_no_protobuf_is_refused(damaged: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        split(damaged, CONVERSATIONS)


@given(st.binary(max_size=60))
def test_what_protobuf_reads_can_be_split(raw: bytes) -> None:
    try:
        parts, rest = split(raw, CONVERSATIONS)
    except ValueError:
        return
    assert sum(len(part) for part in parts) + len(rest) <= len(raw)
