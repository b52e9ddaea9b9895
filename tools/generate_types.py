"""Writes types/outbox.schema.json and types/outbox.ts from connector/payloads.

    make types

The schema describes a whole row as an app inserts it into wa_outbox. TypeScript is made from
the schema by json-schema-to-typescript (generate_types.mjs), so that both say the same.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from functools import reduce
from operator import or_
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, create_model
from pydantic.json_schema import GenerateJsonSchema

from connector.payloads import MODELS, OutboxPayload
from connector.payloads.sentences import models_within, words_of

ROOT: Final = Path(__file__).parents[1]
SCHEMA: Final = ROOT / "types" / "outbox.schema.json"
TYPESCRIPT: Final = ROOT / "types" / "outbox.ts"
# Their chat is that of the message they are about.
WITHOUT_RECIPIENT: Final = frozenset({"reaction", "edit", "delete", "read"})
_TO: Final = (
    "A phone number with country code as people write it, a JID, or the id of a chat of the "
    "session."
)
_TO_OF_MESSAGE: Final = f"{_TO} Left out, it is the chat of payload.message_id."
_PRIORITY: Final = "Higher goes first, then earlier send_after, then insertion."


class _Plain(GenerateJsonSchema):
    """Without a title for each field: its name says as much."""

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ARG002 - pydantic calls it
        return False


def schema() -> dict[str, Any]:
    """JSON Schema of a row to insert."""
    rows: Any = reduce(or_, (_row(kind, model) for kind, model in MODELS.items()))
    row = TypeAdapter(Annotated[rows, Field(discriminator="kind")])
    made = row.json_schema(schema_generator=_Plain)
    for model in {inner for kind in MODELS.values() for inner in models_within(kind)}:
        _say_what_must_be(model, made["$defs"][model.__name__])
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "OutboxInsert",
        "description": "A row to insert into wa_outbox: docs/outbox.md.",
        **made,
    }


def typescript(of: dict[str, Any]) -> str:
    """The same as TypeScript; needs Node.js and `npm ci`."""
    node = shutil.which("node")
    if node is None:
        raise SystemExit("Writing types/outbox.ts needs Node.js 20 or newer.")
    return subprocess.run(
        [node, str(Path(__file__).with_suffix(".mjs"))],
        input=json.dumps(of),
        capture_output=True,
        check=True,
        encoding="utf-8",
    ).stdout


def as_text(of: dict[str, Any]) -> str:
    return json.dumps(of, ensure_ascii=False, indent=2) + "\n"


def _row(kind: str, payload: type[OutboxPayload]) -> type[BaseModel]:
    """The columns that an app may write; what it leaves out has a default in Postgres."""
    columns: dict[str, Any] = {
        "session_id": (str, _needed("The number that sends: wa_sessions.id.", "uuid")),
        "to": (
            str,
            _free(_TO_OF_MESSAGE) if kind in WITHOUT_RECIPIENT else _needed(_TO),
        ),
        "kind": (Literal[kind], Field()),
        "payload": (payload, Field()),
        "id": (
            str,
            _free("Chosen by the app: inserting it twice is one send.", "uuid"),
        ),
        "send_after": (str, _free("Not before this moment.", "date-time")),
        "expires_at": (str | None, _free("Not after this moment.", "date-time")),
        "priority": (int, Field(default=0, description=_PRIORITY)),
    }
    return create_model(
        f"{payload.__name__.removesuffix('Payload')}Insert",
        __config__=ConfigDict(extra="forbid"),
        __doc__=payload.__doc__,
        **columns,
    )


def _needed(said: str, form: str | None = None) -> Any:
    return Field(description=said, json_schema_extra=_format(form))


def _free(said: str, form: str | None = None) -> Any:
    # A factory, since a default would be written into the schema.
    return Field(default_factory=str, description=said, json_schema_extra=_format(form))


def _format(form: str | None) -> dict[str, Any] | None:
    return None if form is None else {"format": form}


def _say_what_must_be(model: type[BaseModel], made: dict[str, Any]) -> None:
    """Add to each field's description what our refusals say of it: TypeScript has no bounds."""
    for name, field in model.model_fields.items():
        words = words_of(field)
        said = made["properties"][name].get("description")
        rule = f"Must {words}." if words else None
        made["properties"][name]["description"] = " ".join(filter(None, (said, rule)))


def main() -> None:
    made = schema()
    SCHEMA.parent.mkdir(exist_ok=True)
    SCHEMA.write_text(as_text(made), "utf-8")
    TYPESCRIPT.write_text(typescript(made), "utf-8")


if __name__ == "__main__":
    main()
