"""What the process says when it cannot start, and that the newcomer's path works."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import pytest

from devstack.connector_process import ConnectorProcess, new_state_key
from devstack.supabase.possession import Possession

WORKING = {
    "SUPABASE_URL": "http://127.0.0.1:9",
    "SUPABASE_SECRET_KEY": "sb_secret_nobody",
    "WA_STATE_KEY": new_state_key(),
}


async def _run(*arguments: str, **settings: str) -> tuple[int, str]:
    environment = {
        name: value
        for name, value in os.environ.items()
        # Nor with what makes a run of tests cheaper: this is what a newcomer sees.
        if not name.startswith(("WA_", "SUPABASE_", "ZAPBASE_POSTGRES_TEMPLATE"))
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        *arguments,
        env=environment | settings,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    return process.returncode or 0, output.decode()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SUPABASE_URL", None),
        ("SUPABASE_URL", "localhost"),
        ("SUPABASE_SECRET_KEY", None),
        ("SUPABASE_SECRET_KEY", ""),
        ("WA_STATE_KEY", None),
        ("WA_STATE_KEY", "c2hvcnQ="),
        ("WA_MAX_SESSIONS", "many"),
    ],
)
async def test_a_missing_or_malformed_setting_is_named_and_ends_with_2(
    tmp_path: Path, name: str, value: str | None
) -> None:
    settings = WORKING | {"WA_DATA_DIR": str(tmp_path)}
    if value is None:
        del settings[name]
    else:
        settings[name] = value

    code, output = await _run("connector", "run", **settings)

    assert code == 2
    assert name in output
    assert "Traceback" not in output
    assert settings.get("WA_STATE_KEY", "?") not in output


async def test_the_demo_tells_its_story_to_the_end(tmp_path: Path) -> None:
    place = f"--directory={tmp_path / 'demo'}"

    code, output = await _run("devstack.demo", "--once", place)

    assert code == 0, output
    assert "checks hold" in output


async def test_a_second_demo_leaves_the_running_one_alone(tmp_path: Path) -> None:
    place = tmp_path / "demo"
    place.mkdir()
    (place / "data").touch()
    running = Possession(tmp_path / "demo.lock")
    running.take()

    code, output = await _run("devstack.demo", "--once", f"--directory={place}")
    running.release()

    assert (code, output.count("\n")) == (1, 1)
    assert "running in this folder already" in output
    assert (place / "data").exists()


async def test_a_connector_that_ends_is_started_again_and_that_is_said(
    tmp_path: Path,
) -> None:
    connector = ConnectorProcess(tmp_path, WORKING)
    said: list[str] = []
    await connector.start()
    first = connector.pid
    keeping = asyncio.ensure_future(connector.keep_running(said.append))

    await connector.kill()
    async with asyncio.timeout(60):
        while not connector.running or connector.pid == first:  # noqa: ASYNC110 - a process
            await asyncio.sleep(0.05)
    keeping.cancel()
    await connector.close()

    assert len(said) == 1
    assert "ended with code -9" in said[0]
