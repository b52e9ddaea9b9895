"""Runs js/*.test.mjs, which use the unmodified supabase-js, with node's own runner."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
from pathlib import Path

import pytest

from tests.contract.project import Supabase

TESTS = {
    file: len(re.findall(r"^test\(", file.read_text("utf-8"), re.MULTILINE))
    for file in sorted(Path(__file__).parent.glob("js/*.test.mjs"))
}
TIMEOUT = 90.0  # seconds for one file
SUMMARY = re.compile(r"^# (tests|pass|fail|skipped|todo) (\d+)$", re.MULTILINE)


@pytest.mark.parametrize("file", TESTS, ids=lambda file: file.stem)
async def test_supabase_js_is_served(supabase: Supabase, file: Path) -> None:
    status, output = await run_node(supabase, file)

    assert status == 0, output
    ran = {name: int(count) for name, count in SUMMARY.findall(output)}
    assert ran == {
        "tests": TESTS[file],
        "pass": TESTS[file],
        "fail": 0,
        "skipped": 0,
        "todo": 0,
    }, output


async def run_node(supabase: Supabase, file: Path) -> tuple[int | None, str]:
    node = shutil.which("node")
    assert node is not None, "these tests need Node.js 20 or newer"
    process = await asyncio.create_subprocess_exec(
        node,
        "--test",
        "--test-reporter=tap",
        "--test-force-exit",  # supabase-js leaves timers of ten seconds behind
        str(file),
        env={
            **os.environ,
            "SUPABASE_URL": supabase.url,
            "SUPABASE_PUBLISHABLE_KEY": supabase.publishable_key,
            "SUPABASE_SECRET_KEY": supabase.secret_key,
        },
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        async with asyncio.timeout(TIMEOUT):
            output, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return process.returncode, output.decode("utf-8", "replace")
