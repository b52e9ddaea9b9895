"""Builds the protobufs that neonize's Go side would hand us, of invented people."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from connector.adapters.whatsapp.protobufs import e2e, events, history, web

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
NOW_MS = int(NOW.timestamp() * 1000)
ANA_LID, ANA_PHONE = "111000111000111@lid", "5511912345678@s.whatsapp.net"
BOB_LID, BOB_PHONE = "222000222000222@lid", "5521987654321@s.whatsapp.net"
FAMILY = "120363000000000001@g.us"


def jid(text: str) -> events.JID:
    user, _, server = text.rpartition("@")
    user, _, device = user.partition(":")
    return events.JID(
        User=user, Server=server, Device=int(device or 0), RawAgent=0, Integrator=0
    )


def source(chat: str = BOB_LID, sender: str | None = None, **given: Any) -> Any:
    return events.MessageSource(
        Chat=jid(chat),
        Sender=jid(sender or chat),
        IsFromMe=given.pop("from_me", False),
        IsGroup=chat.endswith("@g.us"),
        SenderAlt=jid(given.pop("SenderAlt", "")),
        RecipientAlt=jid(given.pop("RecipientAlt", "")),
        BroadcastListOwner=jid(""),
    )


def info(where: Any, **given: Any) -> Any:
    return events.MessageInfo(
        MessageSource=where,
        ID=given.get("id", "3EB0C0FFEE"),
        ServerID=0,
        Type="text",
        Pushname=given.get("name", "Bob"),
        Timestamp=given.get("timestamp", NOW_MS),
        Category=given.get("category", ""),
        Multicast=False,
        MediaType="",
        Edit=given.get("edit", ""),
        VerifiedName=given.get("verified"),
    )


def message(said: e2e.Message | str, where: Any = None, **given: Any) -> bytes:
    content = e2e.Message(conversation=said) if isinstance(said, str) else said
    event = events.Message(
        Info=info(source() if where is None else where, **given),
        Message=content,
        IsEphemeral=False,
        IsViewOnce=given.get("view_once", False),
        IsViewOnceV2=False,
        IsViewOnceV2Extension=False,
        IsDocumentWithCaption=False,
        IsLottieSticker=False,
        IsEdit=False,
        UnavailableRequestID="",
        RetryCount=0,
    )
    return event.SerializeToString()


def receipt(kind: int, *ids: str, where: Any = None, timestamp: int = 0) -> bytes:
    return events.Receipt(
        MessageSource=source() if where is None else where,
        MessageIDs=ids,
        Timestamp=timestamp or int(NOW.timestamp()),
        Type=kind,  # type: ignore[arg-type] # an enum's value
    ).SerializeToString()


def undecryptable(where: Any = None, *, hidden: bool = False) -> bytes:
    return events.UndecryptableMessage(
        Info=info(source() if where is None else where),
        IsUnavailable=False,
        DecryptFailMode=(
            events.UndecryptableMessage.DECRYPT_FAIL_HIDE
            if hidden
            else events.UndecryptableMessage.DECRYPT_FAIL_SHOW
        ),
    ).SerializeToString()


def remembered(
    said: str | e2e.Message, seconds_ago: int, **key: Any
) -> history.HistorySyncMsg:
    """`more` holds what the phone keeps beside the message."""
    more = key.pop("more", {})
    content = e2e.Message(conversation=said) if isinstance(said, str) else said
    return history.HistorySyncMsg(
        message=web.WebMessageInfo(
            key={"ID": key.pop("ID", f"OLD{seconds_ago}"), **key},
            message=content,
            messageTimestamp=int(NOW.timestamp()) - seconds_ago,
            status=web.WebMessageInfo.READ,
            **more,
        )
    )


def stub(
    kind: Any, seconds_ago: int, *parameters: str, **key: Any
) -> history.HistorySyncMsg:
    """What the phone keeps of what is not a message."""
    return history.HistorySyncMsg(
        message=web.WebMessageInfo(
            key={"ID": f"STUB{seconds_ago}", **key},
            messageTimestamp=int(NOW.timestamp()) - seconds_ago,
            messageStubType=kind,
            messageStubParameters=parameters,
        )
    )


def history_event(**data: Any) -> bytes:
    data.setdefault("syncType", history.HistorySync.RECENT)
    return events.HistorySync(Data=history.HistorySync(**data)).SerializeToString()


def group_info(sender: str | None = BOB_LID, **given: Any) -> bytes:
    addresses: dict[str, Any] = {
        name: [jid(one) for one in given.pop(name)]
        for name in ("Join", "Leave", "Promote", "Demote")
        if name in given
    }
    return events.GroupInfoEvent(
        JID=jid(FAMILY),
        Notify="",
        Sender=None if sender is None else jid(sender),
        Timestamp=int(NOW.timestamp()),
        PrevParticipantsVersionID="1",
        ParticipantVersionID="2",
        JoinReason="",
        **addresses,
        **given,
    ).SerializePartialToString()


def joined_group(*participants: Any, **given: Any) -> bytes:
    return events.JoinedGroup(
        Reason="",
        Type="",
        CreateKey=given.get("key", ""),
        GroupInfo=events.GroupInfo(
            JID=jid(FAMILY),
            GroupName=events.GroupName(Name="Family"),
            GroupTopic=events.GroupTopic(Topic="all of us"),
            GroupAnnounce=events.GroupAnnounce(IsAnnounce=True),
            GroupEphemeral=events.GroupEphemeral(
                IsEphemeral=True, DisappearingTimer=86_400
            ),
            ParticipantVersionID=given.get("version", "1"),
            Participants=participants,
        ),
    ).SerializePartialToString()


def participant(lid: str, phone: str = "", **given: Any) -> Any:
    return events.GroupParticipant(
        JID=jid(lid), LID=jid(lid), PhoneNumber=jid(phone), **given
    )


def picture(whose: str, *, author: str = BOB_LID, removed: bool = False) -> bytes:
    return events.Picture(
        JID=jid(whose),
        Author=jid(author),
        Timestamp=int(NOW.timestamp()),
        Remove=removed,
    ).SerializePartialToString()


def _call(caller: str, phone: str, chat: str) -> Any:
    meta = events.BasicCallMeta(
        timestamp=int(NOW.timestamp()),
        callCreator=jid(caller),
        callCreatorAlt=jid(phone),
        callID="CA11",
    )
    getattr(meta, "from").CopyFrom(jid(chat))
    return meta


def call_offer(*, video: bool = False, caller: str = BOB_LID) -> bytes:
    nodes = [events.Node(Tag="audio"), *([events.Node(Tag="video")] * video)]
    return events.CallOffer(
        basicCallMeta=_call(caller, BOB_PHONE, caller),
        data=events.Node(Tag="offer", Nodes=nodes),
    ).SerializePartialToString()


def call_notice(chat: str = FAMILY) -> bytes:
    return events.CallOfferNotice(
        basicCallMeta=_call(BOB_LID, BOB_PHONE, chat), media="video", type="group"
    ).SerializePartialToString()
