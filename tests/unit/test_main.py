"""How the process ends when nobody planned it."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator

import pytest
import structlog
from postgrest.exceptions import APIError

from connector import logs
from connector.errors import SupabaseRefused
from connector.main import until_stopped


@pytest.fixture
def output() -> Iterator[io.StringIO]:
    before, handlers = structlog.get_config(), logging.getLogger().handlers[:]
    output = io.StringIO()
    logs.configure("info", output)
    yield output
    structlog.configure(**before)
    logging.getLogger().handlers[:] = handlers


def test_a_failure_nobody_planned_exits_1_and_quotes_nothing(
    output: io.StringIO, capfd: pytest.CaptureFixture[str]
) -> None:
    quoting = APIError({"details": "Failing row contains (5511912345678, oi)"})

    async def serve() -> int:
        raise ExceptionGroup("tasks", [SupabaseRefused()]) from quoting

    assert until_stopped(serve()) == 1

    said = output.getvalue() + "".join(capfd.readouterr())
    assert "connector failed" in said
    assert "5511912345678" not in said
