"""A QR text as a picture that an `<img src>` shows without any library."""

from __future__ import annotations

import segno

PIXELS_PER_MODULE = 5  # about 400 pixels wide, about 2 kB


def png_data_uri(text: str) -> str:
    """Return `data:image/png;base64,…` with the quiet zone that scanners need."""
    return segno.make_qr(text, error="l").png_data_uri(
        scale=PIXELS_PER_MODULE, border=4
    )
