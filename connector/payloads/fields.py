"""Fields that several kinds of payload have."""

from __future__ import annotations

from typing import Annotated, Final, TypeAlias

from pydantic import AfterValidator, Field

from connector.domain.addresses import Jid
from connector.payloads.checks import (
    LARGEST_INLINE,
    LONGEST_TEXT,
    decodable,
    inside_bucket,
    not_blank,
    of_person,
    person,
    phone_number,
    readable,
)
from connector.payloads.model import Must, OutboxPayload

LONGEST_CAPTION: Final = 1_024
LONGEST_NAME: Final = 256
LONGEST_LINK: Final = 2_048
MOST_MENTIONS: Final = 256
_LONGEST_BASE64: Final = (LARGEST_INLINE + 2) // 3 * 4

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
    AfterValidator(readable),
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
    AfterValidator(of_person),
    Must("be a phone number with country code, or the JID of a person"),
]
PhoneNumber: TypeAlias = Annotated[
    str,
    Field(max_length=100),
    AfterValidator(phone_number),
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
    AfterValidator(inside_bucket),
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
    AfterValidator(decodable),
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
