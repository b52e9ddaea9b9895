"""The sentence that says what is wrong with a payload: the field and the cure, never the value."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Annotated, Any, Final, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from connector.errors import InvalidPayload
from connector.payloads.model import Must, OutboxPayload

# What validators of ours say themselves (model.refuse); pydantic's types are none of these.
_OURS: Final = frozenset({"invalid_payload", "text_empty", "text_too_long"})
# A key that can be quoted: it is a name, and no number or message that got into its place.
_NAME: Final = re.compile(r"[A-Za-z_]{1,32}")


def refusal(model: type[OutboxPayload], error: ValidationError) -> InvalidPayload:
    """The first fault; an unknown field first of all, since it explains a missing one."""
    faults = error.errors(include_url=False, include_context=False, include_input=False)
    unknown = [fault for fault in faults if fault["type"] == "extra_forbidden"]
    fault = (unknown or faults)[0]
    if fault["type"] in _OURS:
        return InvalidPayload(fault["msg"], code=fault["type"])
    return InvalidPayload(_sentence(model, fault))


def words_of(field: FieldInfo) -> str | None:
    """What a field has to be, if that is not plain from its type."""
    return next(_words([*field.metadata, *_parts(field.annotation)]), None)


def models_within(model: type[BaseModel]) -> Iterator[type[BaseModel]]:
    """A model and those its fields consist of."""
    yield model
    for field in model.model_fields.values():
        for part in _parts(field.annotation):
            if _is_model(part):
                yield from models_within(part)


def _sentence(model: type[OutboxPayload], fault: ErrorDetails) -> str:
    place = _Place(model)
    for step in fault["loc"]:
        place.enter(step)
    if fault["type"] == "extra_forbidden":
        return place.unknown(str(fault["loc"][-1]))
    if fault["type"] == "missing":
        return f"{place.path} is missing: it must {place.words}."
    return f"{place.path} must {place.words}."


class _Place:
    """Walks from the payload to what is wrong in it."""

    def __init__(self, model: type[BaseModel]) -> None:
        self.path = "payload"
        self.words = "be a JSON object"
        self.model = model
        self._parts: list[Any] = []
        self._entry = ""  # of a list, told once it is known what has to be there

    def enter(self, step: str | int) -> None:
        if isinstance(step, int):
            self._enter_list(step)
        elif (field := self.model.model_fields.get(step)) is not None:
            self.path += f"{self._entry}.{step}"
            self._entry = ""
            self._arrive([*field.metadata, *_parts(field.annotation)])
        # Anything else names an alternative that pydantic tried, or an unknown field.

    def unknown(self, key: str) -> str:
        named = key if _NAME.fullmatch(key) else "a field that is unknown"
        known = ", ".join(self.model.model_fields)
        return f"{self.path}{self._entry} has {named}: it can have {known}."

    def _enter_list(self, index: int) -> None:
        entries = [
            get_args(part)[0] for part in self._parts if get_origin(part) is tuple
        ]
        self._entry = f"[{index}]"
        parts = list(_parts(entries[0]))
        if any(isinstance(part, Must) for part in parts):
            self.path += self._entry
            self._entry = ""
        self._arrive(parts)

    def _arrive(self, parts: list[Any]) -> None:
        self._parts = parts
        self.words = next(_words(parts), self.words)
        self.model = next((part for part in parts if _is_model(part)), self.model)


def _parts(annotation: Any) -> Iterator[Any]:
    """An annotation and all within it, from outside to inside."""
    yield annotation
    if get_origin(annotation) is Annotated:
        yield from annotation.__metadata__
    for inner in get_args(annotation):
        yield from _parts(inner)


def _words(parts: Iterable[Any]) -> Iterator[str]:
    return (part.words for part in parts if isinstance(part, Must))


def _is_model(part: Any) -> bool:
    return isinstance(part, type) and issubclass(part, BaseModel)
