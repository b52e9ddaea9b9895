"""What is said without a file: texts, places, contacts, polls."""

from __future__ import annotations

from typing import Annotated, ClassVar, Final, Self, TypeAlias

from pydantic import AfterValidator, Field, model_validator

from connector.payloads.checks import distinct, not_blank
from connector.payloads.fields import (
    LONGEST_CAPTION,
    LONGEST_NAME,
    Link,
    Name,
    NewMessage,
    PhoneNumber,
    Text,
    TypingSeconds,
)
from connector.payloads.model import Must, PayloadModel, refuse

LONGEST_QUESTION: Final = 255
LONGEST_OPTION: Final = 100
MOST_OPTIONS: Final = 12
MOST_CONTACTS: Final = 20
MOST_NUMBERS: Final = 10


class GivenPreview(PayloadModel):
    """What is shown of a link, in the app's own words."""

    url: Link = Field(description="The link; it should be in the text as well.")
    title: Name
    description: (
        Annotated[
            str,
            Field(max_length=LONGEST_CAPTION),
            Must(f"be a string of at most {LONGEST_CAPTION:,} characters"),
        ]
        | None
    ) = None


class TextPayload(NewMessage):
    """A text."""

    kind: ClassVar[str] = "text"

    text: Text = Field(
        description="WhatsApp's marks work: *bold*, _italic_, ~struck~, ```code```."
    )
    link_preview: Annotated[
        bool | GivenPreview,
        Must("be true, or an object with url, title and perhaps description"),
    ] = Field(
        default=False,
        description=(
            "true: what the page of the first link says of itself is shown below the text. "
            "Or say yourself what is shown."
        ),
    )
    typing_seconds: TypingSeconds = Field(
        default=0, description="How long the chat shows that you are typing, before it."
    )


class LocationPayload(NewMessage):
    """A place on the map."""

    kind: ClassVar[str] = "location"

    latitude: Annotated[
        float,
        Field(ge=-90, le=90, allow_inf_nan=False),
        Must("be a number from -90 to 90"),
    ]
    longitude: Annotated[
        float,
        Field(ge=-180, le=180, allow_inf_nan=False),
        Must("be a number from -180 to 180"),
    ]
    name: Name | None = Field(default=None, description="What the place is called.")
    address: (
        Annotated[
            str,
            Field(max_length=LONGEST_CAPTION),
            Must(f"be a string of at most {LONGEST_CAPTION:,} characters"),
        ]
        | None
    ) = Field(default=None, description="Where it is, as people write it.")
    url: Link | None = Field(default=None, description="The place's own page.")


class ContactPerson(PayloadModel):
    """One contact card."""

    name: Name
    phone_numbers: Annotated[
        tuple[PhoneNumber, ...],
        Field(strict=False, min_length=1, max_length=MOST_NUMBERS),
        Must(f"be a list of 1 to {MOST_NUMBERS} phone numbers with country code"),
    ] = Field(description="With country code, as people write them.")
    organization: Name | None = None
    email: (
        Annotated[
            str,
            Field(pattern=r"^[^@\s]+@[^@\s]+$", max_length=LONGEST_NAME),
            Must("be an e-mail address"),
        ]
        | None
    ) = None


class ContactPayload(NewMessage):
    """One or several contacts."""

    kind: ClassVar[str] = "contact"

    contacts: Annotated[
        tuple[ContactPerson, ...],
        Field(strict=False, min_length=1, max_length=MOST_CONTACTS),
        Must(
            f"be a list of 1 to {MOST_CONTACTS} objects with name and phone_numbers, "
            "perhaps organization and email"
        ),
    ]


_Option: TypeAlias = Annotated[
    str,
    Field(min_length=1, max_length=LONGEST_OPTION),
    AfterValidator(not_blank),
    Must(f"be a string of 1 to {LONGEST_OPTION} characters"),
]


class PollPayload(NewMessage):
    """A question with answers to choose from."""

    kind: ClassVar[str] = "poll"

    question: Annotated[
        str,
        Field(min_length=1, max_length=LONGEST_QUESTION),
        AfterValidator(not_blank),
        Must(f"be a string of 1 to {LONGEST_QUESTION} characters"),
    ]
    options: Annotated[
        tuple[_Option, ...],
        Field(
            strict=False,
            min_length=2,
            max_length=MOST_OPTIONS,
            json_schema_extra={"uniqueItems": True},
        ),
        AfterValidator(distinct),
        Must(f"be a list of 2 to {MOST_OPTIONS} different strings"),
    ] = Field(description="The answers; no two alike.")
    selectable: Annotated[
        int,
        Field(ge=0, le=MOST_OPTIONS),
        Must("be a whole number from 0 to the number of options"),
    ] = Field(
        default=1, description="How many each may choose; 0: as many as they like."
    )

    @model_validator(mode="after")
    def _can_be_chosen(self) -> Self:
        if self.selectable > len(self.options):
            raise refuse(
                "payload.selectable must be a whole number from 0 to the number of options."
            )
        return self
