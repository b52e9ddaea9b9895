"""Where WhatsApp put a file, as a worker tells it."""

from __future__ import annotations

from typing import Final

from connector.adapters.whatsapp.process.frames import Frame
from connector.domain.outgoing import Uploaded
from connector.errors import UploadFailed

_KEY_SIZE: Final = 32  # of a media key, and of a SHA-256


def uploaded(answer: Frame) -> Uploaded:
    """Raises UploadFailed when WhatsApp's servers told less than it takes to fetch it."""
    header, body = answer.header, answer.body
    if len(body) != 3 * _KEY_SIZE or not header["direct_path"].startswith("/"):
        raise UploadFailed
    return Uploaded(
        url=header["url"],
        direct_path=header["direct_path"],
        media_key=body[:_KEY_SIZE],
        file_sha256=body[_KEY_SIZE : 2 * _KEY_SIZE],
        file_enc_sha256=body[2 * _KEY_SIZE :],
        size=header["size"],
    )
