"""What an app may insert into `wa_outbox.payload`, kind by kind: the one source.

types/outbox.schema.json and types/outbox.ts are written from these classes, docs/outbox.md
shows each, and the checks in Postgres refuse what is plainly none of them.
"""

from connector.payloads.actions import (
    DeletePayload,
    EditPayload,
    ForwardPayload,
    ReactionPayload,
    ReadPayload,
    TypingPayload,
)
from connector.payloads.checks import LARGEST_INLINE, LONGEST_TEXT
from connector.payloads.fields import NewMessage
from connector.payloads.media import (
    AudioPayload,
    Captioned,
    DocumentPayload,
    GifPayload,
    ImagePayload,
    MediaPayload,
    SeenOnce,
    VideoPayload,
    VoicePayload,
)
from connector.payloads.messages import (
    ContactPayload,
    ContactPerson,
    GivenPreview,
    LocationPayload,
    PollPayload,
    TextPayload,
)
from connector.payloads.model import OutboxPayload
from connector.payloads.reading import MODELS, MessagePayload, Payload, read

__all__ = [
    "LARGEST_INLINE",
    "LONGEST_TEXT",
    "MODELS",
    "AudioPayload",
    "Captioned",
    "ContactPayload",
    "ContactPerson",
    "DeletePayload",
    "DocumentPayload",
    "EditPayload",
    "ForwardPayload",
    "GifPayload",
    "GivenPreview",
    "ImagePayload",
    "LocationPayload",
    "MediaPayload",
    "MessagePayload",
    "NewMessage",
    "OutboxPayload",
    "Payload",
    "PollPayload",
    "ReactionPayload",
    "ReadPayload",
    "SeenOnce",
    "TextPayload",
    "TypingPayload",
    "VideoPayload",
    "VoicePayload",
    "read",
]
