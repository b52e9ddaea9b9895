"""Who and what a message is for or about."""

from __future__ import annotations

from typing import Any

from connector.adapters.whatsapp.protobufs import common, events
from connector.domain.addresses import Jid
from connector.domain.outgoing import Target


def address(jid: Jid) -> bytes:
    """Serialize a neonize JID."""
    return events.JID(
        User=jid.user, Server=jid.server, RawAgent=0, Device=0, Integrator=0
    ).SerializeToString()


def key(target: Target) -> Any:
    """The message that another one is about, as whatsmeow's BuildMessageKey names it."""
    named = common.MessageKey(
        remoteJID=str(target.chat),
        fromMe=target.sender is None,
        ID=target.whatsapp_id,
    )
    if target.sender is not None and target.chat.is_group:
        named.participant = str(target.sender)
    return named
