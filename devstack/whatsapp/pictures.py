"""A profile picture, of a person or a group, as it lies on the media host."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

from devstack.whatsapp.media_host import MediaHost

_IDS = itertools.count(1_700_000_001)  # on WhatsApp, the Unix time of the upload


@dataclass(frozen=True, slots=True)
class Picture:
    id: str
    path: str
    preview_path: str


def keep(media: MediaHost, jpeg: bytes) -> Picture:
    """Upload one; its preview is the same picture, as another file."""
    path, preview_path = media.put(jpeg, "jpg"), media.put(jpeg, "jpg")
    return Picture(str(next(_IDS)), path, preview_path)
