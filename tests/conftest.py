"""What all tests share."""

from __future__ import annotations

import gc

from hypothesis import settings

# How long an example takes says more about the machine than about the code.
settings.register_profile("zapbase", deadline=None, max_examples=30)
settings.load_profile("zapbase")


def pytest_collection_finish() -> None:
    """What is loaded by now stays: looking through it again and again is half a second."""
    gc.freeze()
