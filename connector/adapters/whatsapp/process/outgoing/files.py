"""Files: where WhatsApp keeps them, the keys to them, and what they look like."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from connector.adapters.whatsapp.protobufs import e2e
from connector.domain.outgoing import (
    FileFacts,
    MediaKind,
    OutgoingFile,
    OutgoingMedia,
)

WAVEFORM_STEPS: Final = 64
# Phones play Ogg as a voice note only if it says exactly this.
OGG: Final = "audio/ogg"
VOICE_TYPE: Final = "audio/ogg; codecs=opus"


def media(outgoing: OutgoingMedia, beside: Any, written_at: datetime) -> Any:
    """A message that holds the file, in the envelope that its kind travels in."""
    named = {"contextInfo": beside, **_whereabouts(outgoing.file, written_at)}
    return _enveloped(_BARE[outgoing.kind](outgoing, named), outgoing)


def _whereabouts(file: OutgoingFile, written_at: datetime) -> dict[str, Any]:
    uploaded = file.uploaded
    return {
        "URL": uploaded.url,
        "directPath": uploaded.direct_path,
        "mediaKey": uploaded.media_key,
        "mediaKeyTimestamp": int(written_at.timestamp()),
        "fileSHA256": uploaded.file_sha256,
        "fileEncSHA256": uploaded.file_enc_sha256,
        "fileLength": uploaded.size,
        "mimetype": file.facts.mime_type,
    }


def _image(outgoing: OutgoingMedia, named: dict[str, Any]) -> Any:
    image = e2e.ImageMessage(caption=outgoing.caption, **named)
    _look(image, outgoing.file.facts)
    return e2e.Message(imageMessage=image)


def _video(outgoing: OutgoingMedia, named: dict[str, Any]) -> Any:
    facts = outgoing.file.facts
    video = e2e.VideoMessage(caption=outgoing.caption, **named)
    _look(video, facts)
    if facts.duration is not None:
        video.seconds = _seconds(facts.duration)
    if outgoing.kind is MediaKind.GIF:
        video.gifPlayback = True
    return e2e.Message(videoMessage=video)


def _audio(outgoing: OutgoingMedia, named: dict[str, Any]) -> Any:
    facts = outgoing.file.facts
    audio = e2e.AudioMessage(**named)
    if facts.duration is not None:
        audio.seconds = _seconds(facts.duration)
    if outgoing.kind is MediaKind.VOICE:
        audio.PTT = True
        if facts.mime_type.startswith(OGG):
            audio.mimetype = VOICE_TYPE
        if facts.waveform is not None and len(facts.waveform) == WAVEFORM_STEPS:
            audio.waveform = facts.waveform
    return e2e.Message(audioMessage=audio)


def _document(outgoing: OutgoingMedia, named: dict[str, Any]) -> Any:
    facts = outgoing.file.facts
    document = e2e.DocumentMessage(
        caption=outgoing.caption,
        fileName=facts.file_name,
        title=facts.file_name,
        **named,
    )
    if facts.thumbnail is not None:
        document.JPEGThumbnail = facts.thumbnail
    return e2e.Message(documentMessage=document)


def _look(picture: Any, facts: FileFacts) -> None:
    if facts.width is not None and facts.height is not None:
        picture.width, picture.height = facts.width, facts.height
    if facts.thumbnail is not None:
        picture.JPEGThumbnail = facts.thumbnail


def _seconds(duration: timedelta) -> int:
    """Something that plays at all plays for a second: nought is shown as unknown."""
    return max(1, round(duration.total_seconds()))


_BARE: Final[Mapping[MediaKind, Callable[[OutgoingMedia, dict[str, Any]], Any]]] = {
    MediaKind.IMAGE: _image,
    MediaKind.VIDEO: _video,
    MediaKind.GIF: _video,
    MediaKind.AUDIO: _audio,
    MediaKind.VOICE: _audio,
    MediaKind.DOCUMENT: _document,
}


def _enveloped(bare: Any, outgoing: OutgoingMedia) -> Any:
    if outgoing.view_once:
        return _once(bare, outgoing.kind)
    if outgoing.kind is MediaKind.DOCUMENT and outgoing.caption is not None:
        return e2e.Message(
            documentWithCaptionMessage=e2e.FutureProofMessage(message=bare)
        )
    return bare


def _once(bare: Any, kind: MediaKind) -> Any:
    """Older apps see that there is something, and cannot open it again and again."""
    envelope = e2e.FutureProofMessage(message=bare)
    inner = envelope.message
    if kind is MediaKind.VOICE:
        inner.audioMessage.viewOnce = True
        return e2e.Message(viewOnceMessageV2Extension=envelope)
    picture = inner.imageMessage if kind is MediaKind.IMAGE else inner.videoMessage
    picture.viewOnce = True
    return e2e.Message(viewOnceMessageV2=envelope)
