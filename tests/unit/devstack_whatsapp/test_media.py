from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devstack.whatsapp.wire.errors import DecryptError
from devstack.whatsapp.wire.media import INFO, MediaKind, decrypt_media, encrypt_media


@given(st.binary(max_size=100), st.sampled_from(sorted(INFO)))
def test_a_file_survives_the_media_host(data: bytes, kind: MediaKind) -> None:
    media = encrypt_media(data, kind)

    assert decrypt_media(media.blob, media.media_key, kind) == data
    assert media.file_sha256 == hashlib.sha256(data).digest()
    assert media.file_enc_sha256 == hashlib.sha256(media.blob).digest()
    assert media.file_length == len(data)


def test_a_changed_file_is_refused() -> None:
    media = encrypt_media(b"a picture", "image")
    for changed in (b"", media.blob[:-1], b"\x00" + media.blob):
        with pytest.raises(DecryptError):
            decrypt_media(changed, media.media_key, "image")


def test_the_key_of_one_kind_does_not_open_another() -> None:
    media = encrypt_media(b"a picture", "image")

    with pytest.raises(DecryptError):
        decrypt_media(media.blob, media.media_key, "video")
