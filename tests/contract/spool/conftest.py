from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.contract.spool.both_halves import Spool


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Spool]:
    both = Spool(tmp_path)
    yield both
    both.close()
