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
        Edit="",
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


def remembered(said: str, seconds_ago: int, **key: Any) -> history.HistorySyncMsg:
    return history.HistorySyncMsg(
        message=web.WebMessageInfo(
            key={"ID": key.pop("ID", f"OLD{seconds_ago}"), **key},
            message=e2e.Message(conversation=said),
            messageTimestamp=int(NOW.timestamp()) - seconds_ago,
            status=web.WebMessageInfo.READ,
        )
    )


def history_event(**data: Any) -> bytes:
    data.setdefault("syncType", history.HistorySync.RECENT)
    return events.HistorySync(Data=history.HistorySync(**data)).SerializeToString()
