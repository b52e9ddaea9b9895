"""Logging set-up: JSON lines, or coloured ones on a terminal, and never a payload.

Only keys on the allow-list reach an output; anything else is dropped and counted. A
message body, a phone number or a QR code can therefore not slip into a log by a careless
keyword, and an exception is shown as its type and place, never with its text, unless it
is one of ours.
"""

from __future__ import annotations

import errno
import logging
import re
import sqlite3
import sys
import traceback
from collections.abc import Mapping
from typing import Final, TextIO

import structlog
from structlog.typing import EventDict, WrappedLogger

from connector.errors import ConnectorError

ALLOWED: Final = frozenset(
    {
        "event",
        "level",
        "timestamp",
        "dropped_keys",
        # identifiers
        "session_id",
        "outbox_id",
        "holder",
        "term",
        "pid",
        # what happened
        "state",
        "code",
        "signal",
        "outcome",
        "reason",
        "error",
        "error_at",
        "healthy",
        "version",
        "library",
        # how much, how long (seconds), how often
        "count",
        "attempts",
        "failures",
        "depth",
        "rejected",
        "seconds",
        "bytes",
        # what it was about: a group, a picture, a video
        "aspect",
        "kind",
        # numbers by plain names, and nothing else
        "figures",
    }
)
_PLAIN_NAME: Final = re.compile(r"[a-z][a-z_]{0,39}")
_LONGEST_VALUE: Final = 200


def configure(level: str, output: TextIO = sys.stderr) -> None:
    """Send our own and the libraries' warnings to `output`."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            describe_error,
            keep_allowed,
            _renderer(output),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(
            logging.getLevelNamesMapping()[level.upper()]
        ),
        logger_factory=lambda *_: _Lines(output),
        cache_logger_on_first_use=False,
    )
    logging.basicConfig(level=logging.ERROR, handlers=[_Libraries()], force=True)
    # It complains at every try to reconnect; the doorbell says once that it is down.
    logging.getLogger("realtime").setLevel(logging.CRITICAL)


class _Lines(structlog.WriteLogger):
    """Says what it can: a full disk, or a reader that is gone, stops nothing but lines."""

    def msg(self, message: str) -> None:
        try:
            super().msg(message)
            if dropped.lines:
                count, dropped.lines = dropped.lines, 0
                structlog.get_logger().warning("log lines lost", count=count)
        except OSError:
            dropped.lines += 1

    log = debug = info = warn = warning = msg
    fatal = failure = err = error = critical = exception = msg


class _Libraries(logging.Handler):
    """Says that a library complained, not what: its words may quote a payload."""

    def emit(self, record: logging.LogRecord) -> None:
        structlog.get_logger().error(
            "library error",
            library=record.name,
            error=record.exc_info[1] if record.exc_info else None,
        )


def describe_error(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Replace an exception under `error` by its type and place; ours keep their text."""
    if event.pop("exc_info", None):
        event["error"] = sys.exception()
    error = event.get("error")
    if not isinstance(error, BaseException):
        return event
    event["error"] = _name(error)
    if isinstance(error, BaseExceptionGroup):
        leaves = _leaves(error)
        event["error"] = ", ".join(sorted({_name(one) for one in leaves}))
        error = leaves[0]  # where the group was made says nothing
    frames = traceback.extract_tb(error.__traceback__)
    if frames:
        event["error_at"] = f"{frames[-1].filename}:{frames[-1].lineno}"
    return event


def _name(error: BaseException) -> str:
    """What it is; the system's own number of it, such as ENOSPC or EMFILE, tells the cure."""
    name = type(error).__name__
    if isinstance(error, ConnectorError):
        return f"{name}: {error}"
    if isinstance(error, OSError) and error.errno is not None:
        return f"{name}: {errno.errorcode.get(error.errno, error.errno)}"
    if isinstance(error, sqlite3.Error) and hasattr(error, "sqlite_errorname"):
        return f"{name}: {error.sqlite_errorname}"
    return name


class Dropped:
    """What was kept out of the log."""

    def __init__(self) -> None:
        self.count = 0  # keys that are not allowed, since the start
        self.lines = 0  # lines that could not be written, and nobody was told of


dropped: Final = Dropped()


def keep_allowed(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    kept = {key: _short(value) for key, value in event.items() if key in ALLOWED}
    if "figures" in kept:
        kept["figures"] = _numbers(event["figures"])
    if missing := len(event) - len(kept):
        kept["dropped_keys"] = missing
        dropped.count += missing
    return kept


def _short(value: object) -> object:
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, str):  # enumerations of ours as well
        return str(value)[:_LONGEST_VALUE]
    # What it is, not what it says: it may hold anything.
    return f"<{type(value).__name__}>"


def _numbers(figures: object) -> Mapping[str, float]:
    if not isinstance(figures, Mapping):
        return {}
    return {
        name: number
        for name, number in figures.items()
        if _PLAIN_NAME.fullmatch(str(name)) and isinstance(number, int | float)
    }


def _leaves(group: BaseExceptionGroup[BaseException]) -> list[BaseException]:
    leaves: list[BaseException] = []
    for error in group.exceptions:
        leaves += _leaves(error) if isinstance(error, BaseExceptionGroup) else [error]
    return leaves


def _renderer(output: TextIO) -> structlog.typing.Processor:
    if output.isatty():
        return structlog.dev.ConsoleRenderer(pad_event_to=0)
    return structlog.processors.JSONRenderer()
