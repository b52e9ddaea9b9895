"""What all tests share."""

from __future__ import annotations

import gc

import structlog
from hypothesis import settings

from connector.logs import describe_error, keep_allowed

# How long an example takes says more about the machine than about the code.
settings.register_profile("zapbase", deadline=None, max_examples=30)
settings.load_profile("zapbase")

# As in production; structlog's own way draws whole tracebacks, which takes for ever.
structlog.configure(
    processors=[
        structlog.processors.add_log_level,
        describe_error,
        keep_allowed,
        structlog.processors.KeyValueRenderer(),
    ]
)


def pytest_collectstart() -> None:
    """What is loaded now stays: looking through it again and again is a second."""
    gc.disable()


def pytest_collection_finish() -> None:
    gc.freeze()
    gc.enable()
