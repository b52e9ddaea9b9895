"""Whatever comes, reading it gives bounded words or Poison, and nothing else."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.adapters.whatsapp.bounds import FIRST_MOMENT
from connector.adapters.whatsapp.event_codes import STORED, Code
from connector.adapters.whatsapp.reading.content.said import LONGEST_TEXT
from connector.adapters.whatsapp.reading.incoming import decode
from connector.adapters.whatsapp.reading.rules import SENSELESS, Poison, Rejected
from connector.domain.incoming import Incoming
from connector.domain.messages import Message
from tests.unit.whatsapp import neonize_events as neonize
from tests.unit.whatsapp.hostile_events import (
    HUGE,
    LONG,
    crowded,
    events_saying,
    nested,
    quoting,
    saying_raw,
)
from tests.unit.whatsapp.neonize_events import NOW
from tests.unit.whatsapp.random_events import random_event
from tests.unit.whatsapp.reading_events import rules, said

EVERYTHING = rules(
    ignore_status=False,
    ignore_newsletters=False,
    ignore_calls=False,
    secret_of=lambda *_: b"s" * 32,
)
HONEST = events_saying("fine")
SENSELESS_NAMES = {"UnicodeDecodeError", *(kind.__name__ for kind in SENSELESS)}
LONGEST_LIFE = timedelta(days=368)
MOST_TEXT = 4 * LONGEST_TEXT  # characters in one item, all in all


def read_or_poison(code: Code, raw: bytes) -> list[Incoming]:
    found = []
    steps = decode(code, raw, NOW, EVERYTHING)
    try:
        for item in steps:
            if isinstance(item, Rejected):
                assert item.reason in SENSELESS_NAMES, "a mistake of ours"
                assert len(item.raw) <= len(raw) + 64
            else:
                found.append(item)
    except Poison as poison:
        if found:
            pytest.fail("Poison comes first or not at all")
        cause = poison.__cause__
        if not isinstance(cause, SENSELESS):
            pytest.fail(f"a mistake of ours: {type(cause).__name__}")
    for item in found:
        assert sum(map(checked, values(item))) <= MOST_TEXT
    return found


def values(item: Any) -> Iterator[Any]:
    if dataclasses.is_dataclass(item):
        for field in dataclasses.fields(item):
            yield from values(getattr(item, field.name))
    elif isinstance(item, Mapping):
        for name, value in item.items():
            yield from values(name)
            yield from values(value)
    elif isinstance(item, list | tuple):
        for value in item:
            yield from values(value)
    else:
        yield item


def checked(value: Any) -> int:
    """How long a value is; it has to be what Postgres can take."""
    match value:
        case str():
            assert "\0" not in value
            value.encode()
            assert len(value) <= LONGEST_TEXT
            return len(value)
        case bytes():
            return len(value)
        case datetime():
            assert FIRST_MOMENT <= value <= NOW + LONGEST_LIFE
        case float():
            assert abs(value) < 2**63
        case int():
            assert abs(value) <= 2**53
        case None:
            pass
        case _:
            pytest.fail(f"{type(value).__name__} has no place there")
    return 0


@given(st.sampled_from(sorted(STORED)), st.binary(max_size=400))
def test_random_bytes(code: Code, raw: bytes) -> None:
    read_or_poison(code, raw)


@given(
    st.sampled_from(HONEST),
    st.integers(0, 2**16),
    st.lists(st.tuples(st.integers(0, 2**16), st.integers(0, 255)), max_size=6),
)
def test_damaged_events(
    event: tuple[Code, bytes], cut: int, flips: list[tuple[int, int]]
) -> None:
    code, raw = event
    damaged = bytearray(raw if cut % 2 else raw[: cut % (len(raw) + 1)])
    for at, value in flips:
        if damaged:
            damaged[at % len(damaged)] = value
    read_or_poison(code, bytes(damaged))


def test_nonsense_that_is_valid_protobuf() -> None:
    random = Random(0)  # noqa: S311 - to be had again, not secret
    for _ in range(200):
        read_or_poison(*random_event(random))


def test_honest_events_say_something() -> None:
    for code, raw in HONEST:
        assert read_or_poison(code, raw), code


@pytest.mark.parametrize("text", ["", "\0", "../../x", LONG], ids=len)
def test_hostile_texts(text: str) -> None:
    for code, raw in events_saying(text):
        read_or_poison(code, raw)


def test_a_text_of_a_megabyte_is_cut() -> None:
    assert said(HUGE).content == {"truncated": True}


def test_invalid_unicode() -> None:
    for code, raw in events_saying("invalid"):
        read_or_poison(code, raw.replace(b"invalid", b"\xff\xfe\xed\xa0\x80\xc0."))


@pytest.mark.parametrize("when", [-(2**63), -1, 0, 1, 2**53, 2**63 - 1])
def test_absurd_moments(when: int) -> None:
    raw = neonize.message("x", timestamp=when)

    assert len(read_or_poison(Code.MESSAGE, raw)) == 1


def test_ten_thousand_mentions_are_cut() -> None:
    assert len(said(crowded()).mentions) == 1_024


@pytest.mark.parametrize("depth", [1, 4, 8, 40, 120])
@pytest.mark.parametrize("kind", [nested, quoting])
def test_however_deep_a_message_is_its_chat_is_read(kind: Any, depth: int) -> None:
    live, remembered = saying_raw(kind(depth))

    read_or_poison(*live)
    found = read_or_poison(*remembered)
    assert "fine" in [one.body for one in found if isinstance(one, Message)]
