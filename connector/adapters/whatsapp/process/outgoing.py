"""What we send, as the protobufs WhatsApp wants."""

from __future__ import annotations

from connector.adapters.whatsapp.protobufs import e2e, events
from connector.domain.addresses import Jid
from connector.domain.outgoing import OutgoingMessage, OutgoingText


def message(outgoing: OutgoingMessage, secret: bytes) -> bytes:
    """Serialize a waE2E.Message that carries our own `secret` (32 bytes).

    whatsmeow stores the secret with the message's id before it sends: that is how an
    interrupted send is recognised afterwards (docs/outbox.md).
    """
    if not isinstance(outgoing.content, OutgoingText):
        raise TypeError(type(outgoing.content).__name__)
    return e2e.Message(
        conversation=outgoing.content.text,
        messageContextInfo=e2e.MessageContextInfo(messageSecret=secret),
    ).SerializeToString()


def address(jid: Jid) -> bytes:
    """Serialize a neonize JID."""
    return events.JID(
        User=jid.user, Server=jid.server, RawAgent=0, Device=0, Integrator=0
    ).SerializeToString()
