from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from connector.adapters.whatsapp.media.folder import KEPT_SECONDS, MediaFolder, Room
from connector.ports import SessionId

SESSION = SessionId("s1")
IDS = [f"0000000{number}-0000-4000-8000-000000000000" for number in range(4)]


@pytest.fixture
def folder(tmp_path: Path) -> MediaFolder:
    return MediaFolder(tmp_path, Room(most_bytes=1000, free_bytes=0))


def leave(folder: MediaFolder, name: str, size: int, age: float) -> Path:
    folder.part(SESSION, name)  # makes the folder
    path = folder.whole(SESSION, name)
    path.write_bytes(bytes(size))
    os.utime(path, (time.time() - age,) * 2)
    return path


def test_the_oldest_that_nobody_is_at_gives_way(folder: MediaFolder) -> None:
    oldest, old, new = (
        leave(folder, name, 300, age)
        for name, age in zip(IDS, (30.0, 20.0, 10.0), strict=False)
    )
    wanted = folder.whole(SESSION, IDS[3])

    with folder.using(oldest), folder.using(wanted):
        assert folder.expect(wanted, 200)

    assert (oldest.exists(), old.exists(), new.exists()) == (True, False, True)


def test_what_somebody_is_at_never_gives_way(folder: MediaFolder) -> None:
    path = leave(folder, IDS[0], 900, 10.0)
    part = folder.part(SESSION, IDS[1])
    part.write_bytes(bytes(90))
    wanted = folder.whole(SESSION, IDS[1])

    with folder.using(path), folder.using(wanted):
        assert not folder.expect(wanted, 200)

    assert path.exists()
    assert part.exists()


def test_nothing_gives_way_to_what_would_not_fit_all_the_same(
    folder: MediaFolder,
) -> None:
    path = leave(folder, IDS[0], 300, 10.0)
    wanted = folder.whole(SESSION, IDS[1])

    with folder.using(wanted):
        assert not folder.expect(wanted, 1001)

    assert path.exists()


def test_room_is_promised_once(folder: MediaFolder) -> None:
    first, second = (folder.whole(SESSION, name) for name in IDS[:2])
    with folder.using(first):
        assert folder.expect(first, 700)
        with folder.using(second):
            assert not folder.expect(second, 400)
            # What has come of the first is not expected any more.
            folder.part(SESSION, IDS[0]).write_bytes(bytes(600))
            assert not folder.expect(second, 400)
            assert folder.expect(second, 300)

    with folder.using(second):
        folder.forget(SESSION, IDS[0])
        assert folder.expect(second, 1000)


def test_a_disk_that_others_filled_has_no_room(tmp_path: Path) -> None:
    folder = MediaFolder(tmp_path, Room(most_bytes=1000, free_bytes=1 << 60))

    assert not folder.make_room()
    assert not folder.allows(1)


def test_what_nobody_came_back_for_is_swept(folder: MediaFolder) -> None:
    forgotten = leave(folder, IDS[0], 1, KEPT_SECONDS + 60)
    waiting = leave(folder, IDS[1], 1, KEPT_SECONDS - 60)
    in_use = leave(folder, IDS[2], 1, KEPT_SECONDS + 60)

    with folder.using(in_use):
        folder.sweep()

    assert [path.exists() for path in (forgotten, waiting, in_use)] == [
        False,
        True,
        True,
    ]


def test_a_file_is_forgotten_with_its_part(folder: MediaFolder) -> None:
    whole = leave(folder, IDS[0], 1, 0)
    folder.part(SESSION, IDS[0]).write_bytes(b"x")

    folder.forget(SESSION, IDS[0])
    folder.forget(SESSION, IDS[0])

    assert list(whole.parent.iterdir()) == []


@pytest.mark.parametrize("name", ["../x", "", IDS[0] + "/..", "a" * 36 + "\n"])
def test_no_id_is_a_path(folder: MediaFolder, name: str) -> None:
    with pytest.raises(ValueError, match="id"):
        folder.whole(SESSION, name)
    with pytest.raises(ValueError, match="id"):
        folder.whole(SessionId(name), IDS[0])
