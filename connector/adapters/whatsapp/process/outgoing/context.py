"""What accompanies any message: a quote, mentions, its being a forward, a time to live."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from connector.adapters.whatsapp.protobufs import e2e
from connector.domain.addresses import Jid
from connector.domain.outgoing import OutgoingMessage, Quoted


def context(to: Jid, outgoing: OutgoingMessage) -> Any:
    """A waE2E.ContextInfo; None when there is nothing to say."""
    beside = e2e.ContextInfo(mentionedJID=[str(jid) for jid in outgoing.mentions])
    if outgoing.quoted is not None:
        _quote(to, outgoing.quoted, beside)
    if outgoing.times_forwarded:
        beside.isForwarded = True
        beside.forwardingScore = outgoing.times_forwarded
    if outgoing.expiration is not None:
        beside.expiration = int(outgoing.expiration.total_seconds())
    return beside if beside.ListFields() else None


def _quote(to: Jid, quoted: Quoted, beside: Any) -> None:
    beside.stanzaID = quoted.target.whatsapp_id
    beside.participant = str(quoted.author)
    beside.quotedMessage.CopyFrom(snapshot(quoted.kind, quoted.body))
    elsewhere = quoted.target.chat
    # A person has two addresses, so only of groups can be said that they are not `to`.
    if elsewhere != to and (elsewhere.is_group or to.is_group):
        beside.remoteJID = str(elsewhere)


def snapshot(kind: str, body: str | None) -> Any:
    """As much of a message as its reader sees above the reply."""
    return _SNAPSHOTS.get(kind, _words)(body)


def _words(body: str | None) -> Any:
    return e2e.Message(conversation=body or "")


_SNAPSHOTS: Final[Mapping[str, Callable[[str | None], Any]]] = {
    "image": lambda body: e2e.Message(imageMessage=e2e.ImageMessage(caption=body)),
    "video": lambda body: e2e.Message(videoMessage=e2e.VideoMessage(caption=body)),
    "gif": lambda body: e2e.Message(
        videoMessage=e2e.VideoMessage(caption=body, gifPlayback=True)
    ),
    "video_note": lambda _: e2e.Message(ptvMessage=e2e.VideoMessage()),
    "audio": lambda _: e2e.Message(audioMessage=e2e.AudioMessage()),
    "voice": lambda _: e2e.Message(audioMessage=e2e.AudioMessage(PTT=True)),
    "document": lambda body: e2e.Message(
        documentMessage=e2e.DocumentMessage(caption=body)
    ),
    "sticker": lambda _: e2e.Message(stickerMessage=e2e.StickerMessage()),
    "location": lambda body: e2e.Message(
        locationMessage=e2e.LocationMessage(name=body)
    ),
    "live_location": lambda body: e2e.Message(
        liveLocationMessage=e2e.LiveLocationMessage(caption=body)
    ),
    "contact": lambda body: e2e.Message(
        contactMessage=e2e.ContactMessage(displayName=body)
    ),
    "poll": lambda body: e2e.Message(
        pollCreationMessage=e2e.PollCreationMessage(name=body)
    ),
    "event": lambda body: e2e.Message(eventMessage=e2e.EventMessage(name=body)),
}
