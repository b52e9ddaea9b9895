from __future__ import annotations

import base64

from connector.sessions.qr_image import png_data_uri

# As long as WhatsApp's: a link, a reference and three keys.
TEXT = "https://wa.me/settings/linked_devices#" + "2@" + "A" * 200


def test_a_qr_text_becomes_a_small_png() -> None:
    head, body = png_data_uri(TEXT).split(",")

    assert head == "data:image/png;base64"
    assert base64.b64decode(body).startswith(b"\x89PNG")
    assert len(body) < 8_000
