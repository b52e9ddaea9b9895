"""The JSON Schema of what apps insert is the one that the models say.

That types/outbox.ts is made from it is checked with Node.js: tests/contract/test_types.py.
"""

from __future__ import annotations

from tools import generate_types


def test_the_schema_is_up_to_date() -> None:
    written = generate_types.SCHEMA.read_text("utf-8")

    assert written == generate_types.as_text(generate_types.schema()), (
        "types/ is older than connector/payloads: run make types"
    )
