from __future__ import annotations

import fcntl
import subprocess
import sys
from pathlib import Path

import pytest

from connector.data_folder import DataFolder, keys_in_use
from connector.errors import InvalidSetting


def test_a_folder_keeps_its_name_across_restarts_and_machines(tmp_path: Path) -> None:
    first = DataFolder.open(tmp_path / "data", {"FLY_MACHINE_ID": "machine1"})
    first.close()
    second = DataFolder.open(tmp_path / "data", {"FLY_MACHINE_ID": "machine2"})
    second.close()

    assert first.holder.startswith("machine1-")
    assert second.holder == first.holder


def test_two_folders_have_two_names(tmp_path: Path) -> None:
    one, two = (DataFolder.open(tmp_path / name, {}) for name in ("one", "two"))
    one.close()
    two.close()

    assert one.holder != two.holder


def test_an_empty_name_is_made_anew(tmp_path: Path) -> None:
    (tmp_path / "holder").write_text("")

    folder = DataFolder.open(tmp_path, {})
    folder.close()

    assert folder.holder


def test_only_its_owner_may_look_into_the_folder(tmp_path: Path) -> None:
    folder = DataFolder.open(tmp_path / "data", {})
    folder.close()

    assert folder.path.stat().st_mode & 0o777 == 0o700


def test_a_folder_in_which_nothing_can_be_written_is_named_in_a_sentence(
    tmp_path: Path,
) -> None:
    (tmp_path / "holder.new").mkdir()

    with pytest.raises(InvalidSetting, match="on a disk that has room"):
        DataFolder.open(tmp_path, {})


HOLD_THE_LOCK = """
import fcntl, sys
file = open(sys.argv[1], "w")
fcntl.lockf(file, fcntl.LOCK_EX)
print("locked", flush=True)
sys.stdin.read()
"""


def test_a_second_connector_on_the_same_folder_is_refused(tmp_path: Path) -> None:
    # The lock is the process's own: only another process meets it.
    with subprocess.Popen(  # noqa: S603 - our own words
        [sys.executable, "-S", "-c", HOLD_THE_LOCK, tmp_path / "lock"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"locked\n"
        with pytest.raises(InvalidSetting, match="another connector is using"):
            DataFolder.open(tmp_path, {})
        other.communicate(timeout=5)

    DataFolder.open(tmp_path, {}).close()


def test_a_folder_that_cannot_be_used_is_named_with_the_cure(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(InvalidSetting, match="WA_DATA_DIR names a folder that cannot"):
        DataFolder.open(tmp_path / "file" / "data", {})


def test_the_keys_of_a_connector_are_known_as_long_as_it_runs(tmp_path: Path) -> None:
    folder = DataFolder.open(tmp_path, {})
    folder.note_keys(["11111111", "22222222"])
    folder.close()
    assert keys_in_use(tmp_path) is None

    with subprocess.Popen(  # noqa: S603 - our own words
        [sys.executable, "-S", "-c", HOLD_THE_LOCK, tmp_path / "lock"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as other:
        assert other.stdout is not None
        other.stdout.readline()
        assert keys_in_use(tmp_path) == ["11111111", "22222222"]
        (tmp_path / "keys").unlink()
        assert keys_in_use(tmp_path) == ()


def test_who_asks_for_the_keys_keeps_no_connector_from_starting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert keys_in_use(tmp_path) is None
    DataFolder.open(tmp_path, {}).close()
    monkeypatch.delattr(fcntl, "lockf")

    assert keys_in_use(tmp_path) is None
