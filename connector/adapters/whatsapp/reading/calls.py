"""Calls that ring: one message a call. They are not answered, only told of."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, Final

from connector.adapters.whatsapp import identity
from connector.adapters.whatsapp.bounds import moment, whatsapp_id
from connector.adapters.whatsapp.protobufs import events
from connector.adapters.whatsapp.reading.content.said import CALL, Said
from connector.adapters.whatsapp.reading.envelope import Envelope
from connector.adapters.whatsapp.reading.rules import ReadingRules
from connector.domain.addresses import Jid
from connector.domain.incoming import Incoming
from connector.domain.messages import Json, Source, Status

_SECOND: Final = timedelta(seconds=1)
_VIDEO: Final = "video"
_GROUP: Final = "group"
_GROUP_JID: Final = "group-jid"


def read_offer(
    raw: bytes, received_at: datetime, rules: ReadingRules
) -> Iterator[Incoming]:
    event = events.CallOffer.FromString(raw)
    video = any(node.Tag == _VIDEO for node in event.data.Nodes)
    yield from _call(event, received_at, rules, video=video, group=False)


def read_notice(
    raw: bytes, received_at: datetime, rules: ReadingRules
) -> Iterator[Incoming]:
    """What WhatsApp tells of a call that rings elsewhere, mostly in groups."""
    event = events.CallOfferNotice.FromString(raw)
    video, group = event.media == _VIDEO, event.type == _GROUP
    yield from _call(event, received_at, rules, video=video, group=group)


def _call(
    event: Any, received_at: datetime, rules: ReadingRules, *, video: bool, group: bool
) -> Iterator[Incoming]:
    meta = event.basicCallMeta
    told = identity.jid_of(getattr(meta, "from"))
    where = _rings_in(event.data) or told  # who rings may be all that is told
    caller = identity.person(
        identity.jid_of(meta.callCreator), identity.jid_of(meta.callCreatorAlt), told
    )
    call_id = whatsapp_id(meta.callID)
    if caller is None or rules.ignore_calls or identity.is_same(caller, rules.own):
        return
    if where is not None and where.is_group:
        chat, group = identity.group_chat(where), True
    else:
        chat = identity.direct_chat(caller)
    envelope = Envelope(
        whatsapp_id=f"call-{call_id}",
        chat=chat,
        sender=caller,
        from_me=False,
        sent_at=moment(meta.timestamp, _SECOND, received_at),
        source=Source.LIVE,
        status=Status.DELIVERED,
    )
    content: dict[str, Json] = {"call_id": call_id, "video": video, "group": group}
    yield envelope.message(Said(CALL, None, content))


def _rings_in(data: Any) -> Jid | None:
    """The group of a group's call, which neonize leaves among the raw attributes."""
    for attribute in data.Attrs:
        if attribute.name == _GROUP_JID:
            text = identity.address(attribute.text)
            return text if text is not None else identity.jid_of(attribute.jid)
    return None
