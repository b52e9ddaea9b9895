"""What is done with messages and chats that are there already."""

from __future__ import annotations

from typing import Annotated, ClassVar, Final, Literal

from pydantic import AfterValidator, Field

from connector.domain.addresses import Jid
from connector.domain.outgoing.content import Typing
from connector.payloads.checks import an_emoji
from connector.payloads.fields import Mentions, MessageId, Text, addresses
from connector.payloads.model import Must, OutboxPayload

LONGEST_EMOJI: Final = 64  # families and flags are many characters that show as one


class ReactionPayload(OutboxPayload):
    """An emoji at a message."""

    kind: ClassVar[str] = "reaction"

    message_id: MessageId = Field(description="The message.")
    emoji: Annotated[
        str,
        Field(max_length=LONGEST_EMOJI),
        AfterValidator(an_emoji),
        Must('be an emoji, or "" to take the reaction back'),
    ] = Field(description='One emoji; "" takes the reaction back.')


class EditPayload(OutboxPayload):
    """Another text for a text of ours, at most 20 minutes after it was sent."""

    kind: ClassVar[str] = "edit"

    message_id: MessageId = Field(description="Our text.")
    text: Text = Field(description="The new text.")
    mentions: Mentions = ()

    @property
    def mentioned(self) -> tuple[Jid, ...]:
        return addresses(self.mentions)


class DeletePayload(OutboxPayload):
    """Deletes a message for everyone, at most 60 hours after it was sent."""

    kind: ClassVar[str] = "delete"

    message_id: MessageId = Field(
        description="A message of ours, or in a group that we administer, of anybody."
    )


class ForwardPayload(OutboxPayload):
    """Sends a message on to another chat."""

    kind: ClassVar[str] = "forward"

    message_id: MessageId = Field(description="The message.")


class ReadPayload(OutboxPayload):
    """Ticks what others wrote as read."""

    kind: ClassVar[str] = "read"

    message_id: MessageId | None = Field(
        default=None,
        description="Everything unread up to this message; left out: the whole chat.",
    )


class TypingPayload(OutboxPayload):
    """Shows in a chat what we are doing."""

    kind: ClassVar[str] = "typing"

    state: Annotated[
        Literal["typing", "recording", "paused"],
        Must("be one of: typing, recording, paused"),
    ] = "typing"
    seconds: Annotated[
        float,
        Field(ge=1, le=30, allow_inf_nan=False),
        Must("be a number from 1 to 30"),
    ] = Field(default=5, description="How long it shows.")

    @property
    def typing(self) -> Typing:
        return Typing(self.state)
