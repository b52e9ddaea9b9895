"""What is sent with a file, and where the file is."""

from __future__ import annotations

from base64 import b64decode
from typing import Annotated, ClassVar, Final, Self

from pydantic import ConfigDict, Field, model_validator

from connector.domain.outgoing.content import MediaKind, Typing
from connector.domain.outgoing.references import StoredFile
from connector.payloads.fields import (
    LONGEST_NAME,
    Base64,
    BucketName,
    Caption,
    HttpsLink,
    NewMessage,
    StoragePath,
    TypingSeconds,
)
from connector.payloads.model import Must, PayloadModel, refuse
from connector.ports.files import FileSource, InlineFile, UrlFile

DEFAULT_BUCKET: Final = "wa-media"
_PLACES: Final = ("storage_path", "url", "base64")


class MediaPayload(NewMessage):
    """A file; each kind of it is a class below."""

    model_config = ConfigDict(
        json_schema_extra={
            "oneOf": [
                {"required": [name], "properties": {name: {"type": "string"}}}
                for name in _PLACES
            ]
        }
    )

    kind: ClassVar[MediaKind]

    storage_path: StoragePath | None = Field(
        default=None, description="The file's path in a bucket of Supabase Storage."
    )
    bucket: BucketName = Field(
        default=DEFAULT_BUCKET,
        description="The bucket that storage_path is in; wa-media if left out.",
    )
    url: HttpsLink | None = Field(
        default=None, description="Or the https address of the file."
    )
    base64: Base64 | None = Field(
        default=None, description="Or the file itself, of at most 64 kB, as base64."
    )
    typing_seconds: TypingSeconds = Field(
        default=0,
        description=(
            "How long the chat shows that you are typing, before it; for a voice note: "
            "that you are recording."
        ),
    )

    @model_validator(mode="after")
    def _has_one_file(self) -> Self:
        if sum(getattr(self, place) is not None for place in _PLACES) != 1:
            raise refuse(
                "payload must have exactly one of storage_path, url and base64."
            )
        if self.storage_path is None and "bucket" in self.model_fields_set:
            raise refuse("payload.bucket must stand with storage_path only.")
        return self

    @property
    def source(self) -> FileSource:
        if self.storage_path is not None:
            return StoredFile(bucket=self.bucket, path=self.storage_path)
        if self.url is not None:
            return UrlFile(url=self.url)
        return InlineFile(data=b64decode(self.base64 or ""))

    @property
    def typing(self) -> Typing:
        """What the chat shows before it."""
        return Typing.RECORDING if self.kind is MediaKind.VOICE else Typing.TYPING


class Captioned(PayloadModel):
    """A file with a text below it."""

    caption: Caption | None = Field(
        default=None, description="Text below it; WhatsApp's marks work here too."
    )


class SeenOnce(PayloadModel):
    """A file that may be looked at once."""

    view_once: Annotated[bool, Must("be true or false")] = Field(
        default=False, description="It can be opened once, and only on the phone."
    )


class ImagePayload(MediaPayload, Captioned, SeenOnce):
    """A picture."""

    kind: ClassVar[MediaKind] = MediaKind.IMAGE


class VideoPayload(MediaPayload, Captioned, SeenOnce):
    """A film."""

    kind: ClassVar[MediaKind] = MediaKind.VIDEO


class GifPayload(MediaPayload, Captioned):
    """A short film without sound that repeats."""

    kind: ClassVar[MediaKind] = MediaKind.GIF


class AudioPayload(MediaPayload):
    """A sound file."""

    kind: ClassVar[MediaKind] = MediaKind.AUDIO


class VoicePayload(MediaPayload, SeenOnce):
    """A voice note: any common audio file, sent as if recorded."""

    kind: ClassVar[MediaKind] = MediaKind.VOICE


class DocumentPayload(MediaPayload, Captioned):
    """Any file, sent as it is."""

    kind: ClassVar[MediaKind] = MediaKind.DOCUMENT

    file_name: (
        Annotated[
            str,
            Field(min_length=1, max_length=LONGEST_NAME, pattern=r"^[^/\\\x00-\x1f]+$"),
            Must(f"be a string of 1 to {LONGEST_NAME} characters without slashes"),
        ]
        | None
    ) = Field(
        default=None,
        description="What the recipient sees it called; otherwise what it is called at its source.",
    )
    mime_type: (
        Annotated[
            str,
            Field(
                max_length=LONGEST_NAME,
                pattern=r"^[A-Za-z0-9!#$&^_.+-]+/[A-Za-z0-9!#$&^_.+-]+(;[^\x00-\x1f]*)?$",
            ),
            Must("be a media type such as application/pdf"),
        ]
        | None
    ) = Field(default=None, description="Otherwise found out from the file.")
