"""Tells a file's type by its first bytes; what its sender claims is not asked."""

from __future__ import annotations

from typing import Final

import filetype

from connector.domain.media import OCTETS

JPEG: Final = "image/jpeg"
# The names that browsers use for what filetype calls otherwise.
_USUAL: Final = {"audio/x-wav": "audio/wav"}


def sniffed(head: bytes) -> str:
    """The MIME type found; octets when none is, as for text, HTML and SVG."""
    found = filetype.guess(head) if head else None
    return _USUAL.get(found.mime, found.mime) if found else OCTETS
