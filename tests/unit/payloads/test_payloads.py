"""What apps may insert, kind by kind: every example of tests/payloads/examples.json."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector import payloads
from connector.domain.addresses import Jid
from connector.domain.messages import Json
from connector.domain.outgoing import Typing
from connector.domain.outgoing.references import StoredFile
from connector.errors import InvalidPayload
from connector.payloads import (
    LARGEST_INLINE,
    MODELS,
    MediaPayload,
    TextPayload,
    TypingPayload,
)
from connector.ports import InlineFile, UrlFile

EXAMPLES = json.loads(
    (Path(__file__).parents[2] / "payloads" / "examples.json").read_text("utf-8")
)
MESSAGE_ID = "7d4447a1-9a3c-4c0e-9b8f-0e2f5a4d9e10"


def of_kind(kind: str, sort: str) -> list[dict[str, Any]]:
    return [example for example in EXAMPLES[sort] if example["kind"] == kind]


@pytest.mark.parametrize("kind", MODELS)
def test_what_can_be_sent_is_read_as_its_kind(kind: str) -> None:
    for example in of_kind(kind, "good"):
        payload = payloads.read(kind, example["payload"])

        assert type(payload) is MODELS[kind]
        said = payload.model_dump(mode="json", exclude_unset=True)
        assert said == example["payload"]


@pytest.mark.parametrize("kind", sorted({each["kind"] for each in EXAMPLES["bad"]}))
def test_what_cannot_is_refused_with_the_field_and_the_cure(kind: str) -> None:
    for example in of_kind(kind, "bad"):
        with pytest.raises(InvalidPayload) as refused:
            payloads.read(kind, example["payload"])

        assert refused.value.reason == example["code"], example
        assert str(refused.value).startswith(example["says"]), example


def test_every_kind_has_an_example_of_each_sort() -> None:
    assert {example["kind"] for example in EXAMPLES["good"]} == set(MODELS)
    assert {example["kind"] for example in EXAMPLES["bad"]} >= set(MODELS)


@pytest.mark.parametrize("kind", ["text", "edit"])
def test_a_text_that_is_too_long_says_how_long_it_is(kind: str) -> None:
    payload: dict[str, Json] = {"text": "é" * 65_537}
    if kind == "edit":
        payload["message_id"] = MESSAGE_ID

    with pytest.raises(InvalidPayload, match="65,537 characters: at most") as refused:
        payloads.read(kind, payload)

    assert refused.value.reason == "text_too_long"
    payloads.read(kind, payload | {"text": "é" * 65_536})


def test_64_kb_may_stand_in_the_row_and_not_a_byte_more() -> None:
    whole = InlineFile(data=b"\0" * LARGEST_INLINE).data
    encoded = "AAAA" * (LARGEST_INLINE // 3) + "AA=="

    payload = payloads.read("image", {"base64": encoded})

    assert isinstance(payload, MediaPayload)
    assert payload.source == InlineFile(data=whole)
    with pytest.raises(InvalidPayload, match="at most 64 kB"):
        payloads.read("image", {"base64": encoded.replace("==", "A=")})


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                sorted(
                    {name for model in MODELS.values() for name in model.model_fields}
                )
            )
            | st.text(max_size=5),
            inner,
            max_size=4,
        )
    ),
    max_leaves=8,
)


@given(kind=st.sampled_from(sorted(MODELS)), payload=json_values)
def test_whatever_comes_is_read_or_refused_in_our_words(
    kind: str, payload: Json
) -> None:
    try:
        payloads.read(kind, payload)
    except InvalidPayload as refused:
        assert str(refused).startswith("payload")  # noqa: PT017 - either is right


def test_a_refusal_quotes_nothing_that_was_said() -> None:
    secret = "tell nobody"
    asked: dict[str, Json] = {"text": [secret], secret: secret, "mentions": [secret]}

    with pytest.raises(InvalidPayload) as refused:
        payloads.read("text", asked)

    assert secret not in repr(refused.value)
    assert refused.value.__cause__ is None
    assert refused.value.__context__ is None


def test_what_was_said_is_in_no_representation() -> None:
    payload = payloads.read("text", {"text": "tell nobody"})

    assert repr(payload) == "TextPayload()"
    assert str(payload) == ""


def test_a_file_is_in_storage_behind_an_address_or_in_the_row() -> None:
    stored = payloads.read("voice", {"storage_path": "a/b.ogg"})
    elsewhere = payloads.read("voice", {"storage_path": "a/b.ogg", "bucket": "c"})
    linked = payloads.read("voice", {"url": "https://example.org/b.ogg"})
    inline = payloads.read("voice", {"base64": "T2dnUw=="})

    assert [file.source for file in media(stored, elsewhere, linked, inline)] == [
        StoredFile(bucket="wa-media", path="a/b.ogg"),
        StoredFile(bucket="c", path="a/b.ogg"),
        UrlFile(url="https://example.org/b.ogg"),
        InlineFile(data=b"OggS"),
    ]


def media(*read: payloads.Payload) -> list[MediaPayload]:
    return [payload for payload in read if isinstance(payload, MediaPayload)]


def test_a_voice_note_is_recorded_and_anything_else_typed() -> None:
    voice, image = media(
        payloads.read("voice", {"storage_path": "a"}),
        payloads.read("image", {"storage_path": "a"}),
    )

    assert (voice.typing, image.typing) == (Typing.RECORDING, Typing.TYPING)
    shown = payloads.read("typing", {"state": "paused"})
    assert isinstance(shown, TypingPayload)
    assert shown.typing is Typing.PAUSED


def test_whoever_is_mentioned_is_mentioned_once() -> None:
    people = ["+55 (21) 98765-4321", "5521987654321", "1:3@lid"]

    text = payloads.read("text", {"text": "hi", "mentions": people})

    assert isinstance(text, TextPayload)
    assert text.mentioned == (Jid("5521987654321", "s.whatsapp.net"), Jid("1", "lid"))
