"""What several kinds of payload have in common: their fields, and what is refused of each.

Pydantic's own sentences quote what they refuse and speak of Python; ours name the field and
the cure. `Must` ends that sentence: "payload.options must be a list of …".
"""

from __future__ import annotations

import re
from base64 import b64decode
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Final, TypeAlias

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic_core import PydanticCustomError

from connector.domain.addresses import LID_SERVER, PHONE_SERVER, Jid
from connector.errors import InvalidAddress

# WhatsApp cuts longer texts off, or drops them, depending on the recipient's app.
LONGEST_TEXT: Final = 65_536
LONGEST_CAPTION: Final = 1_024
LONGEST_NAME: Final = 256
LONGEST_LINK: Final = 2_048
MOST_MENTIONS: Final = 256
LARGEST_INLINE: Final = 65_536  # bytes
_LONGEST_BASE64: Final = (LARGEST_INLINE + 2) // 3 * 4


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


def person(text: str) -> Jid:
    """The address of a phone number or JID. Raises InvalidAddress."""
    jid = Jid.parse(text) if "@" in text else Jid.of_phone(text)
    if jid.server not in (PHONE_SERVER, LID_SERVER):
        raise InvalidAddress
    return jid


def _person(text: str) -> str:
    try:
        person(text)
    except InvalidAddress:
        raise ValueError from None
    return text


def _phone_number(text: str) -> str:
    try:
        Jid.of_phone(text)
    except InvalidAddress:
        raise ValueError from None
    return text


def not_blank(text: str) -> str:
    if not text.strip():
        raise ValueError
    return text


def _readable(text: str) -> str:
    if not text.strip():
        raise refuse(
            "payload.text is empty: write at least one character.", "text_empty"
        )
    if len(text) > LONGEST_TEXT:
        raise refuse(
            f"payload.text has {len(text):,} characters: at most {LONGEST_TEXT:,} can be "
            "sent in one message.",
            "text_too_long",
        )
    return text


def _inside_bucket(path: str) -> str:
    """No segment that climbs out of the folder which the workspace may read."""
    if any(segment in ("", ".", "..") for segment in path.split("/")):
        raise ValueError
    return path


def _decodable(text: str) -> str:
    # binascii.Error is a ValueError.
    if not 0 < len(b64decode(text, validate=True)) <= LARGEST_INLINE:
        raise ValueError
    return text


_UUID: Final = r"^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$"
_WEB: Final = r"^[hH][tT][tT][pP][sS]?://[^\s/?#]\S*$"
_HTTPS: Final = r"^[hH][tT][tT][pP][sS]://[^\s/?#]\S*$"

MessageId: TypeAlias = Annotated[
    str,
    Field(pattern=_UUID, json_schema_extra={"format": "uuid"}),
    Must("be the id of a row in wa_messages"),
]
Text: TypeAlias = Annotated[
    str,
    AfterValidator(_readable),
    Field(json_schema_extra={"minLength": 1, "maxLength": LONGEST_TEXT}),
    Must(f"be a string of 1 to {LONGEST_TEXT:,} characters"),
]
Caption: TypeAlias = Annotated[
    str,
    Field(max_length=LONGEST_CAPTION),
    Must(f"be a string of at most {LONGEST_CAPTION:,} characters"),
]
Name: TypeAlias = Annotated[
    str,
    Field(min_length=1, max_length=LONGEST_NAME),
    AfterValidator(not_blank),
    Must(f"be a string of 1 to {LONGEST_NAME} characters"),
]
Link: TypeAlias = Annotated[
    str,
    Field(pattern=_WEB, max_length=LONGEST_LINK),
    Must(f"be an http or https address of at most {LONGEST_LINK:,} characters"),
]
HttpsLink: TypeAlias = Annotated[
    str,
    Field(pattern=_HTTPS, max_length=LONGEST_LINK),
    Must(f"be an https address of at most {LONGEST_LINK:,} characters"),
]
PersonAddress: TypeAlias = Annotated[
    str,
    Field(max_length=100),
    AfterValidator(_person),
    Must("be a phone number with country code, or the JID of a person"),
]
PhoneNumber: TypeAlias = Annotated[
    str,
    Field(max_length=100),
    AfterValidator(_phone_number),
    Must("be a phone number with country code"),
]
Mentions: TypeAlias = Annotated[
    tuple[PersonAddress, ...],
    Field(
        strict=False,
        max_length=MOST_MENTIONS,
        description=(
            "Whom the text mentions: phone numbers with country code, or JIDs. Each shows "
            "where the text has @ and the same digits: 'Hi @5511912345678'."
        ),
    ),
    Must(f"be a list of at most {MOST_MENTIONS} phone numbers or JIDs"),
]
StoragePath: TypeAlias = Annotated[
    str,
    Field(min_length=1, max_length=1_024),
    AfterValidator(_inside_bucket),
    Must("be the path of a file in its bucket, without a leading slash"),
]
BucketName: TypeAlias = Annotated[
    str,
    Field(min_length=1, max_length=100, pattern=r"^[^/\s]+$"),
    Must("be the name of a bucket in Storage"),
]
Base64: TypeAlias = Annotated[
    str,
    Field(
        min_length=1,
        max_length=_LONGEST_BASE64,
        json_schema_extra={"contentEncoding": "base64"},
    ),
    AfterValidator(_decodable),
    Must(
        f"be base64, without data: before it, of at most {LARGEST_INLINE // 1_024} kB; "
        "put larger files into Storage"
    ),
]
TypingSeconds: TypeAlias = Annotated[
    float,
    Field(ge=0, le=20, allow_inf_nan=False),
    Must("be a number from 0 to 20"),
]


class NewMessage(OutboxPayload):
    """What any new message may carry."""

    reply_to: MessageId | None = Field(
        default=None,
        description="The message that this one answers.",
    )
    mentions: Mentions = ()

    @property
    def mentioned(self) -> tuple[Jid, ...]:
        return addresses(self.mentions)


def addresses(people: tuple[str, ...]) -> tuple[Jid, ...]:
    """Each once, in their order."""
    return tuple(dict.fromkeys(person(text) for text in people))


def one_of(choices: tuple[str, ...]) -> Must:
    return Must("be one of: " + ", ".join(choices))


WHITESPACE: Final = re.compile(r"\s")
