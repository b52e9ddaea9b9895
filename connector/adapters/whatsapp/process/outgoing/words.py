"""Texts, with or without a link's preview."""

from __future__ import annotations

from typing import Any

from connector.adapters.whatsapp.protobufs import e2e
from connector.domain.outgoing import LinkPreview, OutgoingText


def text(outgoing: OutgoingText, beside: Any) -> Any:
    """A bare text as WhatsApp's own apps send it; the longer form when it has company."""
    if beside is None and outgoing.preview is None:
        return e2e.Message(conversation=outgoing.text)
    extended = e2e.ExtendedTextMessage(text=outgoing.text, contextInfo=beside)
    if outgoing.preview is not None:
        _show(outgoing.preview, extended)
    return e2e.Message(extendedTextMessage=extended)


def _show(preview: LinkPreview, extended: Any) -> None:
    extended.matchedText = preview.url
    extended.title = preview.title
    extended.previewType = (
        e2e.ExtendedTextMessage.NONE
    )  # a page: not a video, not a place
    if preview.description is not None:
        extended.description = preview.description
    if preview.thumbnail is not None:
        extended.JPEGThumbnail = preview.thumbnail
