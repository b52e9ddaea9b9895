"""By what a message is known on the phones that hear it, whatever its kind."""

from __future__ import annotations

from devstack.whatsapp.messages import HeardMessage, text_of
from devstack.whatsapp.stanza_kinds import unwrapped
from devstack.whatsapp.wire.protobufs import E2E


def mark_of(heard: HeardMessage) -> str:
    """What was put into the message to know it by; empty in what we did not send."""
    message = unwrapped(heard.message)
    if message.HasField("protocolMessage"):
        return _change(message.protocolMessage)
    if message.HasField("reactionMessage"):
        return reaction(message.reactionMessage.key.ID)
    if message.HasField("audioMessage"):
        return voice(message.audioMessage.contextInfo.stanzaID)
    if message.extendedTextMessage.contextInfo.isForwarded:
        return forward(message.extendedTextMessage.text)
    return (
        message.locationMessage.name
        or message.imageMessage.caption
        or message.documentMessage.caption
        or _question(message)
        or text_of(message)
    )


def reaction(target: str) -> str:
    return f"reaction to {target}"


def voice(target: str) -> str:
    return f"voice about {target}"


def deletion(target: str) -> str:
    return f"deletion of {target}"


def edit(text: str) -> str:
    return f"edit to {text}"


def forward(text: str) -> str:
    return f"forward of {text}"


def _change(change: E2E.ProtocolMessage) -> str:
    if change.type == E2E.ProtocolMessage.REVOKE:
        return deletion(change.key.ID)
    return edit(text_of(change.editedMessage))


def _question(message: E2E.Message) -> str:
    for field in ("pollCreationMessage", "pollCreationMessageV3"):
        if message.HasField(field):
            return str(getattr(message, field).name)
    return ""
