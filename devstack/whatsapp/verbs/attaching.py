"""Files: pictures, films, sound, documents, stickers, through the media host."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, Unpack

from devstack.whatsapp import context
from devstack.whatsapp.context import How
from devstack.whatsapp.messages import Failing, SentMessage
from devstack.whatsapp.verbs.speaking import THUMBNAIL, Speaker
from devstack.whatsapp.wire.media import MediaKind, encrypt_media
from devstack.whatsapp.wire.protobufs import E2E

if TYPE_CHECKING:
    from devstack.whatsapp.groups import Group
    from devstack.whatsapp.people import Person

OPUS = "audio/ogg; codecs=opus"
WEBP = "image/webp"
Forged: TypeAlias = Literal["hash", "encrypted_hash", "key"]
SILENT_WAVEFORM = bytes(64)


class FileHow(How, total=False):
    """What every verb that sends a file takes by name besides."""

    mime_type: str  # what the message claims; never what the bytes are
    width: int
    height: int
    thumbnail: bytes
    claimed_size: int  # instead of the true one
    expired: bool  # WhatsApp no longer has it: 410
    forged: bool | Forged  # True is "hash": the file is not what the message says


class Attacher(Speaker):
    async def sends_image(
        self, to: Person | Group, data: bytes, caption: str = "", **how: Unpack[FileHow]
    ) -> SentMessage:
        """A JPEG, unless `mime_type` says otherwise."""
        image = self._image(data, caption, how)
        return await self._tell(to, E2E.Message(imageMessage=image), how)

    async def sends_video(
        self,
        to: Person | Group,
        data: bytes,
        caption: str = "",
        *,
        seconds: int = 3,
        **how: Unpack[FileHow],
    ) -> SentMessage:
        video = self._video(data, caption, seconds, how)
        return await self._tell(to, E2E.Message(videoMessage=video), how)

    async def sends_gif(
        self, to: Person | Group, data: bytes, caption: str = "", **how: Unpack[FileHow]
    ) -> SentMessage:
        """An MP4 that plays by itself, over and over."""
        video = self._video(data, caption, 2, how)
        video.gifPlayback = True
        return await self._tell(to, E2E.Message(videoMessage=video), how)

    async def sends_video_note(
        self,
        to: Person | Group,
        data: bytes,
        *,
        seconds: int = 5,
        **how: Unpack[FileHow],
    ) -> SentMessage:
        """A round video, recorded on the spot."""
        video = self._video(data, "", seconds, how)
        return await self._tell(to, E2E.Message(ptvMessage=video), how)

    async def sends_audio(
        self,
        to: Person | Group,
        data: bytes,
        *,
        seconds: int = 60,
        **how: Unpack[FileHow],
    ) -> SentMessage:
        """A file of sound, such as music."""
        audio = E2E.AudioMessage(
            seconds=seconds, **self._uploaded(data, "audio", "audio/mpeg", how)
        )
        return await self._tell(to, E2E.Message(audioMessage=audio), how)

    async def sends_voice(
        self,
        to: Person | Group,
        data: bytes,
        *,
        seconds: int = 5,
        waveform: Iterable[int] = SILENT_WAVEFORM,
        **how: Unpack[FileHow],
    ) -> SentMessage:
        """A voice message; the waveform is 64 numbers up to 100."""
        audio = self._voice(data, seconds, waveform, how)
        return await self._tell(to, E2E.Message(audioMessage=audio), how)

    async def sends_document(
        self,
        to: Person | Group,
        data: bytes,
        *,
        file_name: str = "document.pdf",
        caption: str = "",
        **how: Unpack[FileHow],
    ) -> SentMessage:
        """With a caption it travels in an envelope of its own, as on WhatsApp."""
        document = E2E.DocumentMessage(
            fileName=file_name,
            title=file_name,
            caption=caption,
            pageCount=1,
            JPEGThumbnail=how.get("thumbnail", THUMBNAIL),
            **self._uploaded(data, "document", "application/pdf", how),
        )
        message = E2E.Message()
        if caption:
            inner = message.documentWithCaptionMessage.message
            inner.documentMessage.CopyFrom(document)
        else:
            message.documentMessage.CopyFrom(document)
        return await self._tell(to, message, how)

    async def sends_sticker(
        self,
        to: Person | Group,
        data: bytes,
        *,
        animated: bool = False,
        **how: Unpack[FileHow],
    ) -> SentMessage:
        sticker = E2E.StickerMessage(
            isAnimated=animated,
            width=how.get("width", 512),
            height=how.get("height", 512),
            **self._uploaded(data, "sticker", WEBP, how),
        )
        return await self._tell(to, E2E.Message(stickerMessage=sticker), how)

    async def sends_view_once(
        self,
        to: Person | Group,
        data: bytes,
        *,
        of: Literal["image", "video", "voice"] = "image",
        readable: bool = True,
        **how: Unpack[FileHow],
    ) -> SentMessage:
        """To be opened once. If not `readable`, linked devices get only the news of it."""
        message = E2E.Message()
        if of == "image":
            inner = message.viewOnceMessageV2.message
            inner.imageMessage.CopyFrom(self._image(data, "", how))
            inner.imageMessage.viewOnce = True
        elif of == "video":
            inner = message.viewOnceMessageV2.message
            inner.videoMessage.CopyFrom(self._video(data, "", 3, how))
            inner.videoMessage.viewOnce = True
        else:
            inner = message.viewOnceMessageV2Extension.message
            inner.audioMessage.CopyFrom(self._voice(data, 3, SILENT_WAVEFORM, how))
            inner.audioMessage.viewOnce = True
        failing = None if readable else Failing(unavailable="view_once")
        return await self._tell(to, message, how, failing)

    async def sends_album(
        self, to: Person | Group, pictures: Sequence[bytes], **how: Unpack[How]
    ) -> list[SentMessage]:
        """The announcement of an album, and then its pictures, in this order."""
        album = E2E.AlbumMessage(expectedImageCount=len(pictures))
        announced = await self._tell(to, E2E.Message(albumMessage=album), how)
        sent = [announced]
        for number, data in enumerate(pictures):
            message = E2E.Message(imageMessage=self._image(data, "", {}))
            belongs = message.messageContextInfo.messageAssociation
            belongs.associationType = E2E.MessageAssociation.MEDIA_ALBUM
            belongs.messageIndex = number
            belongs.parentMessageKey.CopyFrom(
                context.key_for(self._self, announced, context.addressing_in(to, how))
            )
            sent.append(await self._tell(to, message, _address_only(how)))
        return sent

    # --- what they are made of --------------------------------------------------------

    def _image(self, data: bytes, caption: str, how: FileHow) -> E2E.ImageMessage:
        return E2E.ImageMessage(
            caption=caption,
            width=how.get("width", 64),
            height=how.get("height", 48),
            JPEGThumbnail=how.get("thumbnail", THUMBNAIL),
            **self._uploaded(data, "image", "image/jpeg", how),
        )

    def _video(
        self, data: bytes, caption: str, seconds: int, how: FileHow
    ) -> E2E.VideoMessage:
        return E2E.VideoMessage(
            caption=caption,
            seconds=seconds,
            width=how.get("width", 64),
            height=how.get("height", 48),
            JPEGThumbnail=how.get("thumbnail", THUMBNAIL),
            **self._uploaded(data, "video", "video/mp4", how),
        )

    def _voice(
        self, data: bytes, seconds: int, waveform: Iterable[int], how: FileHow
    ) -> E2E.AudioMessage:
        return E2E.AudioMessage(
            PTT=True,
            seconds=seconds,
            waveform=bytes(waveform),
            **self._uploaded(data, "audio", OPUS, how),
        )

    def _uploaded(
        self, data: bytes, kind: MediaKind, mime_type: str, how: FileHow
    ) -> dict[str, Any]:
        """The fields that every kind of file has, once it lies on the media host."""
        media = encrypt_media(data, kind)
        path = self._network.media.put(media.blob)
        if how.get("expired"):
            self._network.media.expire(path)
        fields = {
            "URL": f"https://mmg.whatsapp.net{path}",
            "directPath": path,
            "mimetype": how.get("mime_type", mime_type),
            "mediaKey": media.media_key,
            "mediaKeyTimestamp": int(time.time()),
            "fileSHA256": media.file_sha256,
            "fileEncSHA256": media.file_enc_sha256,
            "fileLength": how.get("claimed_size", media.file_length),
        }
        forged = how.get("forged")
        if forged:
            wrong = FORGED_FIELDS["hash" if forged is True else forged]
            fields[wrong] = os.urandom(32)
        return fields


FORGED_FIELDS: dict[Forged, str] = {
    "hash": "fileSHA256",
    "encrypted_hash": "fileEncSHA256",
    "key": "mediaKey",
}


def _address_only(how: How) -> How:
    return {"addressing": how["addressing"]} if "addressing" in how else {}
