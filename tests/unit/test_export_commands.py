"""The files that `zapbase session` writes and reads, before any project is asked."""

from __future__ import annotations

import base64
import errno
import logging
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from connector import cli
from connector.commands import CommandFailed
from connector.export_commands import new_file

KEY = base64.b64encode(bytes(32)).decode()
ID = "8b5c1c1e-6d5e-4b0e-9a4e-0a4c9f6f2c11"


@pytest.fixture(autouse=True)
def settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    monkeypatch.setenv("SUPABASE_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("SUPABASE_SECRET_KEY", "sb_secret_" + "x" * 30)
    monkeypatch.setenv("WA_STATE_KEY", KEY)
    monkeypatch.setenv("WA_DATA_DIR", str(tmp_path / "nowhere"))
    before, handlers = structlog.get_config(), logging.getLogger().handlers[:]
    yield
    structlog.configure(**before)
    logging.getLogger().handlers[:] = handlers


def test_what_cannot_be_reached_leaves_no_files(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, key = tmp_path / "ana", tmp_path / "ana.key"
    command = ["session", "export", ID, "--to", str(file), "--new-key", str(key)]

    assert cli.main(command) == 1

    assert capsys.readouterr().err == "Supabase cannot be reached.\n"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("content", "sentence"),
    [(None, "No such file"), (b"nonsense", "32 bytes"), (b"b25seQ==", "32 bytes")],
)
def test_a_key_file_without_a_key_is_named(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    content: bytes | None,
    sentence: str,
) -> None:
    file = tmp_path / "ana.key"
    if content is not None:
        file.write_bytes(content)

    assert cli.main(["session", "import", "a", "--key-file", str(file)]) in (1, 2)

    said = capsys.readouterr().err
    assert sentence in said
    assert "nonsense" not in said


def test_another_file_than_an_exported_one_is_refused_before_anything_is_asked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "store.db"
    file.write_bytes(b"SQLite format 3\0" * 100)

    assert cli.main(["session", "import", str(file)]) == 1
    assert capsys.readouterr().err == "This is no exported session.\n"


def test_a_session_is_named_by_its_id(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["session", "export", "../etc", "--to", "a"]) == 2
    assert "its id" in capsys.readouterr().err


def test_a_rotation_that_meets_nobody_says_so(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert cli.main(["keys", "rotate"]) == 1
    assert "cannot be reached" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["nowhere/ana", f"{'a' * 250}"])
def test_a_file_that_cannot_be_made_is_named_as_it_was_given(
    tmp_path: Path, name: str
) -> None:
    with (
        pytest.raises(CommandFailed, match=f"{name} cannot be written: "),
        new_file(tmp_path / name),
    ):
        raise AssertionError("it was made")

    assert list(tmp_path.iterdir()) == []


def test_a_file_that_breaks_off_is_not_there(tmp_path: Path) -> None:
    def broken_off() -> None:
        with new_file(tmp_path / "ana") as file:
            file.write(b"half")
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with pytest.raises(CommandFailed, match="No space left"):
        broken_off()

    assert list(tmp_path.iterdir()) == []
