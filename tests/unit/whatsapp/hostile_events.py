"""Events that nobody sends in good faith, and honest ones to be damaged."""

from __future__ import annotations

from typing import Any, Final

from connector.adapters.whatsapp.event_codes import Code
from connector.adapters.whatsapp.protobufs import e2e, events, history, web
from connector.adapters.whatsapp.reading.history.chunk import wrapped
from tests.unit.whatsapp import neonize_events as neonize
from tests.unit.whatsapp.neonize_events import (
    ANA_LID,
    BOB_LID,
    BOB_PHONE,
    FAMILY,
    NOW_MS,
    source,
)

Event = tuple[Code, bytes]
said = e2e.Message
LONG: Final = "\0\U0001f600a" * 30_000
HUGE: Final = LONG * 12  # a megabyte and more
EXTREME: Final = 2**63 - 1
_JPEG: Final = b"\xff\xd8\xff" + bytes(16_000)
_FILE: Final[dict[str, Any]] = {
    "directPath": "/v/x",
    "mediaKey": b"k" * 32,
    "fileSHA256": b"s" * 32,
    "fileEncSHA256": b"e" * 32,
}


def _key(name: str = "3EB0") -> Any:
    return {"ID": name, "participant": ANA_LID, "remoteJID": FAMILY, "fromMe": False}


def _context(text: str = "x") -> e2e.ContextInfo:
    return e2e.ContextInfo(
        stanzaID=text,
        participant=text,
        quotedMessage=e2e.Message(conversation=text),
        mentionedJID=[BOB_LID, text],
        isForwarded=True,
        expiration=86_400,
    )


def _sayings(text: str) -> list[e2e.Message]:
    """A message of every kind that has a reader, all texts being this one."""
    context = _context(text)
    return [
        said(conversation=text),
        said(
            extendedTextMessage=e2e.ExtendedTextMessage(
                text=text, matchedText=text, title=text, contextInfo=context
            )
        ),
        said(
            imageMessage=e2e.ImageMessage(
                caption=text, mimetype=text, JPEGThumbnail=_JPEG, **_FILE
            )
        ),
        said(videoMessage=e2e.VideoMessage(caption=text, seconds=2**32 - 1, **_FILE)),
        said(audioMessage=e2e.AudioMessage(waveform=b"\xff" * 64, **_FILE)),
        said(documentMessage=e2e.DocumentMessage(fileName=text, title=text, **_FILE)),
        said(stickerMessage=e2e.StickerMessage(fileLength=2**64 - 1, **_FILE)),
        said(locationMessage=e2e.LocationMessage(name=text, address=text, URL=text)),
        said(liveLocationMessage=e2e.LiveLocationMessage(caption=text)),
        said(contactMessage=e2e.ContactMessage(displayName=text, vcard=f"TEL:{text}")),
        said(
            pollCreationMessageV3=e2e.PollCreationMessage(
                name=text,
                options=[e2e.PollCreationMessage.Option(optionName=text[:1_000])] * 99,
                endTime=EXTREME,
            )
        ),
        said(
            eventMessage=e2e.EventMessage(name=text, startTime=EXTREME, joinLink=text)
        ),
        said(groupInviteMessage=e2e.GroupInviteMessage(groupJID=text, caption=text)),
        said(listMessage=e2e.ListMessage(title=text, description=text)),
        said(interactiveResponseMessage=e2e.InteractiveResponseMessage()),
        said(orderMessage=e2e.OrderMessage(message=text)),
        said(callLogMesssage=e2e.CallLogMessage(durationSecs=EXTREME)),
        *_changes(text),
    ]


def _changes(text: str) -> list[e2e.Message]:
    sealed = {"encIV": b"n" * 12, "encPayload": b"p" * 40}
    protocol = e2e.ProtocolMessage(
        key=_key(text),
        type=e2e.ProtocolMessage.MESSAGE_EDIT,
        editedMessage=said(conversation=text),
        timestampMS=EXTREME,
    )
    return [
        said(protocolMessage=protocol),
        said(
            protocolMessage=e2e.ProtocolMessage(
                key=_key(text), type=e2e.ProtocolMessage.REVOKE
            )
        ),
        said(
            protocolMessage=e2e.ProtocolMessage(
                type=e2e.ProtocolMessage.EPHEMERAL_SETTING,
                ephemeralExpiration=2**32 - 1,
            )
        ),
        said(
            reactionMessage=e2e.ReactionMessage(
                key=_key(text), text=text, senderTimestampMS=-EXTREME
            )
        ),
        said(
            pollUpdateMessage=e2e.PollUpdateMessage(
                pollCreationMessageKey=_key(), vote=e2e.PollEncValue(**sealed)
            )
        ),
        said(
            encCommentMessage=e2e.EncCommentMessage(targetMessageKey=_key(), **sealed)
        ),
        said(pinInChatMessage=e2e.PinInChatMessage(key=_key(text))),
    ]


def _history(said: e2e.Message, text: str, when: int) -> bytes:
    info = web.WebMessageInfo(
        key={"ID": "3EB0", "participant": BOB_LID},
        message=said,
        messageTimestamp=when,
        pushName=text,
        reactions=[web.Reaction(key=_key(), text=text, senderTimestampMS=EXTREME)],
        userReceipt=[web.UserReceipt(userJID=BOB_LID, readTimestamp=EXTREME)],
    )
    notice = web.WebMessageInfo(
        key={"ID": "STUB", "participant": BOB_LID},
        messageTimestamp=when,
        messageStubType=web.WebMessageInfo.GROUP_CHANGE_SUBJECT,
        messageStubParameters=[text, "{" * 500],
    )
    conversation = history.Conversation(
        ID=FAMILY,
        name=text,
        description=text,
        unreadCount=2**32 - 1,
        muteEndTime=2**64 - 1,
        participant=[history.GroupParticipant(userJID=BOB_LID)],
        messages=[
            history.HistorySyncMsg(message=info),
            history.HistorySyncMsg(message=notice),
        ],
    )
    return neonize.history_event(
        conversations=[conversation],
        pushnames=[{"ID": BOB_PHONE, "pushname": text}],
        progress=2**32 - 1,
    )


def _of_groups(text: str) -> list[Event]:
    return [
        (Code.GROUP_INFO, neonize.group_info(Name=events.GroupName(Name=text))),
        (Code.GROUP_INFO, neonize.group_info(Topic=events.GroupTopic(Topic=text))),
        (Code.GROUP_INFO, neonize.group_info(Join=[BOB_LID, ANA_LID])),
        (
            Code.JOINED_GROUP,
            neonize.joined_group(neonize.participant(BOB_LID, BOB_PHONE), version=text),
        ),
        (Code.PICTURE, neonize.picture(FAMILY)),
        (Code.CALL_OFFER, neonize.call_offer(video=True)),
        (Code.CALL_OFFER_NOTICE, neonize.call_notice()),
    ]


def events_saying(text: str) -> list[Event]:
    """An event of every sort, with this for every text."""
    where = source(FAMILY, BOB_LID, SenderAlt=BOB_PHONE)
    said = _sayings(text)
    now = NOW_MS // 1_000
    return [
        *((Code.MESSAGE, neonize.message(one, where, name=text)) for one in said),
        *((Code.HISTORY_SYNC, _history(one, text, now)) for one in said[:4]),
        *_of_groups(text),
        (Code.RECEIPT, neonize.receipt(events.Receipt.READ, text, where=where)),
        (Code.UNDECRYPTABLE_MESSAGE, neonize.undecryptable(where)),
    ]


def nested(depth: int) -> bytes:
    """A message in a message in a message: deeper than protobuf would build it."""
    body = said(conversation="deep").SerializeToString()
    for _ in range(depth):
        body = wrapped(said.EPHEMERALMESSAGE_FIELD_NUMBER, wrapped(1, body))
    return body


def quoting(depth: int) -> bytes:
    """A reply to a reply to a reply."""
    body = said(conversation="first").SerializeToString()
    for _ in range(depth):
        quote = wrapped(e2e.ContextInfo.QUOTEDMESSAGE_FIELD_NUMBER, body)
        context = e2e.ContextInfo(stanzaID="3EB0").SerializeToString() + quote
        number = e2e.ExtendedTextMessage.CONTEXTINFO_FIELD_NUMBER
        body = wrapped(said.EXTENDEDTEXTMESSAGE_FIELD_NUMBER, wrapped(number, context))
    return body


def saying_raw(body: bytes) -> list[Event]:
    """A live message that says this, and a chat of history that has it first."""
    live = neonize.message("") + wrapped(events.Message.MESSAGE_FIELD_NUMBER, body)
    info = web.WebMessageInfo(key={"ID": "DEEP"}, messageTimestamp=NOW_MS // 1_000)
    deep = info.SerializeToString() + wrapped(2, body)
    fine = neonize.remembered("fine", 60).SerializeToString()
    chat = history.Conversation(ID=BOB_LID).SerializeToString()
    for message in (wrapped(1, deep), fine):
        chat += wrapped(history.Conversation.MESSAGES_FIELD_NUMBER, message)
    number = history.HistorySync.CONVERSATIONS_FIELD_NUMBER
    return [
        (Code.MESSAGE, live),
        (Code.HISTORY_SYNC, wrapped(1, wrapped(number, chat))),
    ]


def crowded() -> e2e.Message:
    """A text that mentions ten thousand people."""
    mentioned = [f"{number}@lid" for number in range(10**14, 10**14 + 10_000)]
    text = e2e.ExtendedTextMessage(
        text="all", contextInfo=e2e.ContextInfo(mentionedJID=mentioned)
    )
    return e2e.Message(extendedTextMessage=text)
