"""What a worker does besides sending: only what somebody still waits for."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest

from connector import sealed_files
from connector.adapters.whatsapp.answers.uploads import uploaded
from connector.adapters.whatsapp.process.errands import Errands
from connector.adapters.whatsapp.process.frames import Frame
from connector.errors import SendFailed, UploadFailed

if TYPE_CHECKING:
    from connector.adapters.whatsapp.process.connection import Connection

LONG, NO_TIME = 60.0, 0.0


class Phone:
    """What neonize would be asked to do."""

    def __init__(self) -> None:
        self.did: list[object] = []
        self.given_back: list[int] = []

    def upload(self, plain: Any, media_type: str) -> object:
        self.did.append((bytes(plain), media_type))
        return SimpleNamespace(
            url="https://a.example/x",
            DirectPath="/x",
            MediaKey=b"k" * 32,
            FileSHA256=b"p" * 32,
            FileEncSHA256=b"e" * 32,
            FileLength=len(plain),
        )

    def give_back(self, size: int) -> None:
        self.given_back.append(size)

    def mark_read(self, chat: bytes, sender: bytes, message_ids: list[str]) -> None:
        self.did.append((chat, sender, message_ids))


def errands(phone: Phone) -> Errands:
    return Errands(cast("Connection", phone))


def upload(path: Path, key: bytes, size: int) -> Frame:
    told = {"path": str(path), "size": size, "media_type": "video", "seconds": LONG}
    return Frame({"call": "upload", **told}, key)


def test_what_nobody_waits_for_any_more_is_not_begun() -> None:
    phone = Phone()
    late = {"call": "mark_read", "chat_size": 4, "ids": ["3EB0"]}

    with pytest.raises(SendFailed):
        errands(phone).taken(Frame({**late, "seconds": NO_TIME}, b"chatsender"))()
    assert phone.did == []

    errands(phone).taken(Frame({**late, "seconds": LONG}, b"chatsender"))()
    assert phone.did == [(b"chat", b"sender", ["3EB0"])]


@pytest.mark.parametrize("size", [17, 1024 * 1024 + 1])
def test_a_file_is_opened_on_its_way(tmp_path: Path, size: int) -> None:
    phone, path, key = Phone(), tmp_path / "sealed", sealed_files.new_key()
    plain = b"x" * size
    path.write_bytes(sealed_files.sealing(key).update(plain))

    answer = uploaded(Frame(*errands(phone).taken(upload(path, key, size))()))

    assert phone.did == [(plain, "video")]
    assert (answer.media_key, answer.size) == (b"k" * 32, size)
    assert (answer.file_sha256, answer.file_enc_sha256) == (b"p" * 32, b"e" * 32)
    assert phone.given_back == ([size] if size > 1024 else [])


@pytest.mark.parametrize("size", [0, 16, 18])
def test_a_file_of_another_size_is_not_uploaded(tmp_path: Path, size: int) -> None:
    phone, path, key = Phone(), tmp_path / "sealed", sealed_files.new_key()
    path.write_bytes(sealed_files.sealing(key).update(b"x" * 17))

    with pytest.raises(UploadFailed):
        errands(phone).taken(upload(path, key, size))()
    assert phone.did == []


def test_what_no_errand_is_has_nobody_to_do_it() -> None:
    mine = errands(Phone())

    assert mine.pool_for("upload") is not mine.pool_for("mark_read") is not None
    assert mine.pool_for("ping") is None


@pytest.mark.parametrize("body", [b"", b"k" * 95])
def test_an_upload_without_its_keys_is_none(body: bytes) -> None:
    told = {"url": "https://a.example", "direct_path": "/x", "size": 1}

    with pytest.raises(UploadFailed):
        uploaded(Frame(told, body))
