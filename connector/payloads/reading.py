"""From what an app inserted to a payload, or to the sentence that says what is wrong with it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, TypeAlias, cast

from pydantic import ValidationError

from connector.domain.messages import Json
from connector.errors import InvalidPayload
from connector.payloads.actions import (
    DeletePayload,
    EditPayload,
    ForwardPayload,
    ReactionPayload,
    ReadPayload,
    TypingPayload,
)
from connector.payloads.media import (
    AudioPayload,
    DocumentPayload,
    GifPayload,
    ImagePayload,
    MediaPayload,
    VideoPayload,
    VoicePayload,
)
from connector.payloads.messages import (
    ContactPayload,
    LocationPayload,
    PollPayload,
    TextPayload,
)
from connector.payloads.model import OutboxPayload
from connector.payloads.sentences import refusal

# What reaches the other side as a message of its own, or changes one.
MessagePayload: TypeAlias = (
    TextPayload
    | MediaPayload
    | LocationPayload
    | ContactPayload
    | PollPayload
    | ReactionPayload
    | EditPayload
    | DeletePayload
    | ForwardPayload
)
Payload: TypeAlias = MessagePayload | ReadPayload | TypingPayload

MODELS: Final[Mapping[str, type[OutboxPayload]]] = {
    str(model.kind): model
    for model in (
        TextPayload,
        ImagePayload,
        VideoPayload,
        GifPayload,
        AudioPayload,
        VoicePayload,
        DocumentPayload,
        LocationPayload,
        ContactPayload,
        PollPayload,
        ReactionPayload,
        EditPayload,
        DeletePayload,
        ForwardPayload,
        ReadPayload,
        TypingPayload,
    )
}


def read(kind: str, payload: Json) -> Payload:
    """Read what a row wants to have sent.

    Raises InvalidPayload naming the field and the cure.
    """
    model = MODELS.get(kind)
    if model is None:
        raise InvalidPayload(
            f"kind must be one of: {', '.join(MODELS)}.", code="unknown_kind"
        )
    try:
        return cast(Payload, model.model_validate(payload))
    except ValidationError as error:
        refused = refusal(model, error)
    # Out here it has no context: pydantic's sentences name unknown fields, whatever they say.
    raise refused
