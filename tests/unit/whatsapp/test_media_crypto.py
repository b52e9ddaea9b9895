"""WhatsApp's encrypted files, against what OpenSSL's own commands made of one."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connector.adapters.whatsapp.media.crypto import PIECE, MediaKeys, examine, opened
from connector.errors import MediaCorrupt
from devstack.whatsapp.wire.media import EncryptedMedia, encrypt_media

# openssl kdf … HKDF, openssl enc -aes-256-cbc, openssl dgst -mac HMAC
MEDIA_KEY = bytes(range(32))
PLAIN = b"A voice note of forty-one bytes, no more."
BLOB = bytes.fromhex(
    "8a520c1e64c9439391a7a4c4a4459dda5897496c70f003f3a5ee6bd07faea73aac2335d32083db3a"
    "86c7daa09ff658324ac9f4c59ed04c02becb"
)
SHA256 = bytes.fromhex(
    "f5b39358c6c3bbc15c7d6e7628970e678d795493abc2425fcd271469e669a7b8"
)
ENC_SHA256 = bytes.fromhex(
    "85ba09b5cac074b00f4c0a8be97006023c1a6f9199efe1e5028134f3d94fabb6"
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "file"
    path.write_bytes(BLOB)
    return path


def test_what_openssl_encrypted_opens(path: Path) -> None:
    keys = MediaKeys.of(MEDIA_KEY, "audio")

    found = examine(path, keys, enc_sha256=ENC_SHA256, sha256=SHA256)

    assert (found.size, found.sha256, found.head) == (len(PLAIN), SHA256, PLAIN)
    assert b"".join(opened(path, keys)) == PLAIN


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.binary(max_size=100), st.sampled_from(["image", "sticker", "video"]))
def test_every_length_opens(path: Path, data: bytes, kind: str) -> None:
    media = encrypt_media(data, "image" if kind == "sticker" else kind)  # type: ignore[arg-type]
    path.write_bytes(media.blob)
    keys = MediaKeys.of(media.media_key, kind)

    found = examine(
        path, keys, enc_sha256=media.file_enc_sha256, sha256=media.file_sha256
    )

    assert found.size == len(data)
    assert b"".join(opened(path, keys)) == data


def test_a_file_longer_than_a_piece_opens(path: Path) -> None:
    media = encrypt_media(os.urandom(2 * PIECE + 5), "video")
    path.write_bytes(media.blob)
    keys = MediaKeys.of(media.media_key, "video")

    pieces = list(opened(path, keys))

    assert max(len(piece) for piece in pieces) <= PIECE
    assert examined(path, media, "video") == 2 * PIECE + 5


def examined(path: Path, media: EncryptedMedia, kind: str) -> int:
    keys = MediaKeys.of(media.media_key, kind)
    found = examine(
        path, keys, enc_sha256=media.file_enc_sha256, sha256=media.file_sha256
    )
    return found.size


@pytest.mark.parametrize("blob", [b"", BLOB[:10], BLOB[:-1], BLOB[16:], b"x" + BLOB])
def test_another_length_is_another_file(path: Path, blob: bytes) -> None:
    path.write_bytes(blob)

    with pytest.raises(MediaCorrupt) as caught:
        examine(
            path,
            MediaKeys.of(MEDIA_KEY, "audio"),
            enc_sha256=ENC_SHA256,
            sha256=SHA256,
        )

    assert caught.value.reason == "wrong_hash"


@pytest.mark.parametrize("place", [0, 20, len(BLOB) - 1])
def test_a_single_changed_bit_is_another_file(path: Path, place: int) -> None:
    changed = bytearray(BLOB)
    changed[place] ^= 1
    path.write_bytes(changed)

    with pytest.raises(MediaCorrupt, match="not the file"):
        examine(
            path,
            MediaKeys.of(MEDIA_KEY, "audio"),
            enc_sha256=ENC_SHA256,
            sha256=SHA256,
        )


@pytest.mark.parametrize(
    ("media_key", "kind"), [(MEDIA_KEY, "video"), (bytes(32), "audio")]
)
def test_another_key_is_told_from_another_file(
    path: Path, media_key: bytes, kind: str
) -> None:
    keys = MediaKeys.of(media_key, kind)

    with pytest.raises(MediaCorrupt) as caught:
        examine(path, keys, enc_sha256=ENC_SHA256, sha256=SHA256)

    assert caught.value.reason == "wrong_key"


def test_a_file_that_decrypts_to_another_one_is_refused(path: Path) -> None:
    keys = MediaKeys.of(MEDIA_KEY, "audio")

    with pytest.raises(MediaCorrupt) as caught:
        examine(path, keys, enc_sha256=ENC_SHA256, sha256=bytes(32))

    assert caught.value.reason == "wrong_hash"


@pytest.mark.parametrize(
    ("media_key", "kind"), [(b"short", "audio"), (MEDIA_KEY, "app_state"), (b"", "")]
)
def test_what_is_no_key_is_refused(media_key: bytes, kind: str) -> None:
    with pytest.raises(MediaCorrupt):
        MediaKeys.of(media_key, kind)
