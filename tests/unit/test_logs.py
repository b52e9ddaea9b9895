from __future__ import annotations

import errno
import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from connector import logs
from connector.errors import WorkerGone


@pytest.fixture
def output() -> Iterator[io.StringIO]:
    before, handlers = structlog.get_config(), logging.getLogger().handlers[:]
    output = io.StringIO()
    logs.configure("info", output)
    yield output
    structlog.configure(**before)
    logging.getLogger().handlers[:] = handlers


def line(output: io.StringIO) -> dict[str, Any]:
    (text,) = output.getvalue().splitlines()
    return dict(json.loads(text))


def test_a_line_is_json_with_time_and_level(output: io.StringIO) -> None:
    structlog.get_logger().info("message stored", session_id="s", count=3)

    written = line(output)
    assert written.pop("timestamp")
    assert written == {
        "event": "message stored",
        "level": "info",
        "session_id": "s",
        "count": 3,
    }


def test_unknown_keys_are_dropped_and_counted(output: io.StringIO) -> None:
    structlog.get_logger().info("sent", body="a secret", phone="5511912345678")

    assert line(output)["dropped_keys"] == 2
    assert "secret" not in output.getvalue()
    assert "5511912345678" not in output.getvalue()


def test_what_is_no_plain_value_is_named_and_not_quoted(output: io.StringIO) -> None:
    structlog.get_logger().info("odd", reason={"to": "5511912345678"}, count=[1])

    assert (line(output)["reason"], line(output)["count"]) == ("<dict>", "<list>")


def test_figures_are_numbers_by_plain_names(output: io.StringIO) -> None:
    figures = {"threads": 3, "lag": 0.5, "5511912345678": 1, "body": "a secret"}
    structlog.get_logger().info("figures", figures=figures)
    structlog.get_logger().info("figures", figures="5511912345678 said")

    assert json.loads(output.getvalue().splitlines()[0])["figures"] == {
        "threads": 3,
        "lag": 0.5,
    }
    assert "secret" not in output.getvalue()


@pytest.mark.usefixtures("output")
def test_dropped_keys_are_counted_for_the_metrics() -> None:
    before = logs.dropped.count

    structlog.get_logger().info("sent", body="a secret", phone="5511912345678")

    assert logs.dropped.count == before + 2


def test_long_values_are_cut(output: io.StringIO) -> None:
    structlog.get_logger().info("odd", reason="x" * 10_000)

    assert len(output.getvalue()) < 500


def test_a_foreign_error_shows_its_type_and_place_but_not_its_words(
    output: io.StringIO,
) -> None:
    try:
        int("5511912345678x")
    except ValueError:
        structlog.get_logger().exception("companion failed")

    written = line(output)
    assert written["error"] == "ValueError"
    assert "test_logs.py" in written["error_at"]
    assert "5511912345678" not in output.getvalue()


def test_an_error_of_the_system_s_shows_its_number_by_name(output: io.StringIO) -> None:
    error = OSError(errno.EMFILE, "Too many open files", "/data/5511912345678")
    structlog.get_logger().warning("launch failed", error=error)

    assert line(output)["error"] == "OSError: EMFILE"
    assert "5511912345678" not in output.getvalue()


def test_our_own_errors_keep_their_sentence(output: io.StringIO) -> None:
    structlog.get_logger().warning("stop failed", error=WorkerGone("It hung."))

    assert line(output)["error"] == "WorkerGone: It hung."


def test_a_group_shows_what_is_in_it(output: io.StringIO) -> None:
    inner = ExceptionGroup("inner", [ValueError("no"), KeyError("no")])
    group = ExceptionGroup("outer", [inner, ValueError("no")])

    structlog.get_logger().error("runner failed", error=group)

    assert line(output)["error"] == "KeyError, ValueError"


def test_a_library_is_heard_complaining_but_not_quoted(output: io.StringIO) -> None:
    logging.getLogger("httpx").error("POST /rest with a secret body")
    logging.getLogger("httpx").warning("nothing to see")

    assert line(output)["library"] == "httpx"
    assert "secret" not in output.getvalue()


def test_lines_below_the_level_are_not_written(output: io.StringIO) -> None:
    structlog.get_logger().debug("details")

    assert output.getvalue() == ""


def test_a_terminal_gets_readable_lines() -> None:
    before, handlers = structlog.get_config(), logging.getLogger().handlers[:]
    terminal = io.StringIO()
    terminal.isatty = lambda: True  # type: ignore[method-assign] # it plays a terminal
    try:
        logs.configure("info", terminal)
        structlog.get_logger().info("connector starts", holder="h", body="a secret")
    finally:
        structlog.configure(**before)
        logging.getLogger().handlers[:] = handlers

    assert "connector starts" in terminal.getvalue()
    assert "secret" not in terminal.getvalue()
    assert "{" not in terminal.getvalue()


class FullDisk(io.StringIO):
    """Takes no line until there is room."""

    has_room = False

    def flush(self) -> None:
        if not self.has_room:
            self.seek(0)
            self.truncate()
            raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.usefixtures("output")
def test_a_full_disk_stops_lines_and_nothing_else() -> None:
    disk = FullDisk()
    logs.configure("info", disk)
    for _ in range(3):
        structlog.get_logger().error("nobody hears this")
    disk.has_room = True
    structlog.get_logger().info("room again")

    heard = [json.loads(text) for text in disk.getvalue().splitlines()]
    assert [one["event"] for one in heard] == ["room again", "log lines lost"]
    assert heard[1]["count"] == 3
