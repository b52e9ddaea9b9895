"""What is plainly wrong is refused at the insert, in the words in which the connector would fail it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from connector.payloads import MODELS
from connector.payloads.messages import ContactPerson, GivenPreview
from tests.database.scene import Connection

EXAMPLES = json.loads(
    (Path(__file__).parents[1] / "payloads" / "examples.json").read_text("utf-8")
)
SHAPES: dict[str, type[BaseModel]] = {
    **MODELS,
    "link_preview": GivenPreview,
    "contact_person": ContactPerson,
}


async def fault(connection: Connection, kind: str, payload: Any) -> tuple[Any, Any]:
    row = await connection.fetchrow(
        "select * from wa_private.payload_fault($1, $2)", kind, payload
    )
    assert row is not None
    return row["code"], row["message"]


async def test_what_can_be_sent_is_let_through(service: Connection) -> None:
    found = [
        (example, refused)
        for example in EXAMPLES["good"]
        for refused in [await fault(service, example["kind"], example["payload"])]
        if refused != (None, None)
    ]

    assert found == []


async def test_what_can_never_be_sent_is_refused_in_the_connectors_words(
    service: Connection,
) -> None:
    found = [
        (example["kind"], example["says"], code, sentence)
        for example in EXAMPLES["bad"]
        for code, sentence in [
            await fault(service, example["kind"], example["payload"])
        ]
        if code != example["code"] or example["says"] not in sentence
    ]

    assert found == []


async def test_the_fields_are_those_of_the_connectors_models(
    service: Connection,
) -> None:
    for shape, model in SHAPES.items():
        fields = list(model.model_fields)
        needed = [name for name, it in model.model_fields.items() if it.is_required()]

        assert fields == await service.fetchval(
            "select wa_private.payload_fields($1)", shape
        )
        assert needed == await service.fetchval(
            "select coalesce(array_agg(field order by place)"
            " filter (where wa_private.needs_field($1, field)), '{}')"
            " from unnest(wa_private.payload_fields($1)) with ordinality as f (field, place)",
            shape,
        )


async def test_every_kind_has_an_example_that_can_be_sent(service: Connection) -> None:
    for kind in MODELS:
        example = await service.fetchval(
            "select replace(wa_private.payload_example($1), $2, $3)::jsonb",
            kind,
            "<id of a row in wa_messages>",
            "7d4447a1-9a3c-4c0e-9b8f-0e2f5a4d9e10",
        )
        assert await fault(service, kind, example) == (None, None), kind


async def test_what_is_long_is_refused_by_its_length(service: Connection) -> None:
    texts = {"text": "x" * 70_000}
    base64 = {"base64": "AAAA" * 21_846}

    assert await fault(service, "text", texts) == (
        "text_too_long",
        "payload.text has 70,000 characters: at most 65,536 can be sent in one message.",
    )
    assert "64 kB" in (await fault(service, "image", base64))[1]
    assert await fault(service, "text", {"text": "x" * 65_536}) == (None, None)
    inline = {"base64": "AAAA" * 21_845}
    assert await fault(service, "image", inline) == (None, None)


async def test_a_typo_is_named_rather_than_what_is_missing_for_it(
    service: Connection,
) -> None:
    preview = {"text": "x", "link_preview": {"url": "https://x.org", "titel": "x"}}

    assert (await fault(service, "text", preview))[1] == (
        "payload.link_preview has titel: it can have url, title, description."
    )


async def test_null_says_what_leaving_a_field_out_says_where_it_has_no_value(
    service: Connection,
) -> None:
    picture = {"url": "https://x.org/a.jpg"}
    for name in ("caption", "storage_path", "base64", "reply_to"):
        assert await fault(service, "image", picture | {name: None}) == (None, None)
    for name in ("view_once", "typing_seconds", "mentions"):
        code, _ = await fault(service, "image", picture | {name: None})
        assert code == "invalid_payload"
