"""What passes between the connector and the child that reads hostile files."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from connector import sealed_files
from connector.adapters.files.convert.job import Answer, Job
from connector.adapters.files.convert.reader import opened

JPEG = b"\xff\xd8\xff\xe0picture"


def test_a_job_and_an_answer_arrive_as_they_were_sent() -> None:
    job = Job(kind="voice", descriptor=7, key=bytes(32), size=5, most_bytes=9)
    answer = Answer(
        mime_type="image/jpeg",
        width=3,
        height=4,
        milliseconds=5,
        waveform=bytes(range(64)),
        thumbnail=JPEG,
    )

    assert Job.read(job.encoded()) == job
    assert Answer.read(answer.encoded()) == answer
    assert "00" * 32 not in repr(job)


@pytest.mark.parametrize(
    "told",
    [
        [],
        "text",
        {"unknown": 1},
        {"width": -1},
        {"width": 2**40},
        {"width": "3"},
        {"width": True},
        {"milliseconds": 10**12},
        {"mime_type": 5},
        {"mime_type": "a\nb"},
        {"unsupported": "a\x1b[0m"},
        {"waveform": "AAAA"},
        {"waveform": "/" * 86 + "=="},
        {"waveform": 5},
        {"thumbnail": "AAAA"},
        {"thumbnail": "not base64!"},
        {"thumbnail": "/9j/" + "A" * 30_000},
    ],
)
def test_what_a_child_may_not_say_is_refused(told: Any) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - its words are for nobody
        Answer.read(json.dumps(told).encode())


def test_a_long_sentence_is_cut() -> None:
    assert (
        len(Answer.read(b'{"unsupported":"%s"}' % (b"a" * 999)).unsupported or "")
        == 300
    )


def test_a_sealed_file_is_read_from_anywhere(tmp_path: Path) -> None:
    plain = os.urandom(1000)
    key = sealed_files.new_key()
    path = tmp_path / "sealed"
    path.write_bytes(sealed_files.sealing(key).update(plain))
    descriptor = os.open(path, os.O_RDONLY)
    try:
        file = opened(descriptor, key, len(plain))
        for start, size in ((0, 1000), (1, 5), (15, 2), (16, 16), (17, 999), (999, 9)):
            assert file.seek(start) == start
            assert file.read(size) == plain[start : start + size]
        assert file.seek(-7, os.SEEK_END) == 993
        assert file.read() == plain[993:]
        assert file.read() == b""
        file.seek(2000)
        assert file.read() == b""
    finally:
        os.close(descriptor)
