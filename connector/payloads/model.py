"""What every payload is: strict, closed, silent about what it holds; and how it refuses.

Pydantic's own sentences quote what they refuse and speak of Python; ours name the field and
the cure. `Must` ends such a sentence: "payload.options must be a list of …".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict
from pydantic_core import PydanticCustomError


@dataclass(frozen=True, slots=True)
class Must:
    """What a value has to be, in words that follow "must"."""

    words: str


class PayloadModel(BaseModel):
    """A JSON object of which nothing is coerced and nothing unknown is let through."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, strict=True, hide_input_in_errors=True
    )

    def __repr_args__(self) -> list[tuple[str | None, Any]]:
        """Nothing: what is said belongs in no log."""
        return []


class OutboxPayload(PayloadModel):
    """The payload of one kind."""

    kind: ClassVar[str]


def refuse(sentence: str, code: str = "invalid_payload") -> PydanticCustomError:
    """An error of a validator that is told to the app as it stands."""
    return PydanticCustomError(code, sentence)
