"""Files under a key that only memory knows."""

from __future__ import annotations

from pathlib import Path

import pytest

from connector import sealed_files


@pytest.mark.parametrize("size", [0, 1, sealed_files.PIECE, sealed_files.PIECE + 17])
def test_what_was_sealed_in_pieces_opens_to_the_same_bytes(
    tmp_path: Path, size: int
) -> None:
    plain = bytes(range(256)) * (size // 256 + 1)
    plain = plain[:size]
    path, key = tmp_path / "file", sealed_files.new_key()

    sealing = sealed_files.sealing(key)
    pieces = [plain[at : at + 1000] for at in range(0, size, 1000)]
    path.write_bytes(b"".join(map(sealing.update, pieces)))

    assert b"".join(sealed_files.opened(path, key)) == plain
    assert path.stat().st_size == size


def test_the_disk_holds_nothing_that_could_be_read(tmp_path: Path) -> None:
    plain = b"a letter" * 100
    path = tmp_path / "file"

    path.write_bytes(sealed_files.sealing(sealed_files.new_key()).update(plain))

    assert b"letter" not in path.read_bytes()
    another = b"".join(sealed_files.opened(path, sealed_files.new_key()))
    assert another != plain
