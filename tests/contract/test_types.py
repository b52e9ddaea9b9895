"""types/outbox.ts and types/outbox.schema.json, as the tools of those who use them read them."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from connector import payloads
from connector.payloads import MODELS
from tools import generate_types

ROOT = Path(__file__).parents[2]
HERE = Path(__file__).parent / "types"
EXAMPLES = json.loads((ROOT / "tests/payloads/examples.json").read_text("utf-8"))
# What JSON Schema has no words for, or only such as nobody could read.
BEYOND_SCHEMA = (
    "payload.mentions[",
    "payload.contacts[1].phone_numbers[",
    "payload.base64",
    "payload.storage_path must",
    "payload.bucket must stand",
    "payload.emoji must",
    "payload.options[1] must be a string of 1 to 100",
    "payload.selectable",
    "payload.text is empty",
)


def node(*arguments: str | Path, given: str = "") -> subprocess.CompletedProcess[str]:
    program = shutil.which("node")
    assert program is not None, "these tests need Node.js 20 or newer"
    return subprocess.run(  # noqa: S603 - of our own
        [program, *map(str, arguments)],
        input=given,
        capture_output=True,
        check=False,
        encoding="utf-8",
        timeout=60,
    )


def compiled(program: Path) -> str:
    """What the compiler has to say of a program beside our types and npm's packages."""
    beside = program.parent
    (beside / "node_modules").symlink_to(ROOT / "node_modules")
    (beside / "types").symlink_to(ROOT / "types")
    (beside / "package.json").write_text('{"type": "module"}')
    options = "--strict --skipLibCheck --target es2022 --lib es2022,dom --module esnext"
    ran = node(
        ROOT / "node_modules/typescript/bin/tsc",
        *options.split(),
        *("--moduleResolution", "bundler", "--outDir", beside / "made", program),
    )
    return ran.stdout + ran.stderr


def test_the_typescript_is_up_to_date() -> None:
    written = generate_types.TYPESCRIPT.read_text("utf-8")

    assert written == generate_types.typescript(generate_types.schema()), (
        "types/ is older than connector/payloads: run make types"
    )


def documented() -> str:
    """Every TypeScript example of docs/outbox.md, in their order."""
    page = (ROOT / "docs/outbox.md").read_text("utf-8")
    fences = re.findall(r"```ts\n(.*?)```", page, re.DOTALL)
    return "\n".join(fences)


def test_the_documented_examples_compile_and_insert_what_can_be_sent(
    tmp_path: Path,
) -> None:
    program = tmp_path / "examples.ts"
    around = (HERE / "around_examples.ts").read_text("utf-8")
    program.write_text(around + documented(), "utf-8")

    assert compiled(program) == ""

    ran = node(*tmp_path.glob("made/**/examples.js"))
    assert ran.returncode == 0, ran.stderr
    rows = json.loads(ran.stdout)
    assert {row["kind"] for row in rows} == set(MODELS)
    refused = [row for row in rows if row["payload"].get("options") == ["Monday"]]
    assert len(refused) == 1  # the page shows what is said of it
    for row in rows:
        if row not in refused:
            payloads.read(row["kind"], row["payload"])


def test_the_compiler_refuses_what_is_plainly_wrong(tmp_path: Path) -> None:
    wrong = (HERE / "refused.ts").read_text("utf-8")
    expected, unexpected = tmp_path / "a" / "refused.ts", tmp_path / "b" / "refused.ts"
    for program in (expected, unexpected):
        program.parent.mkdir()
    expected.write_text(wrong, "utf-8")
    unexpected.write_text(wrong.replace("@ts-expect-error", ""), "utf-8")

    assert compiled(expected) == ""
    assert compiled(unexpected).count("error TS") == wrong.count("@ts-expect-error")


def row_of(example: dict[str, Any]) -> dict[str, Any]:
    return {"session_id": "x", "to": "y", **example}


@pytest.fixture(scope="module")
def taken() -> dict[str, list[bool]]:
    rows = {
        sort: [
            row_of({key: example[key] for key in ("kind", "payload")})
            for example in EXAMPLES[sort]
        ]
        for sort in ("good", "bad")
    }
    script = HERE / "validate.mjs"
    return {
        sort: json.loads(
            node(script, generate_types.SCHEMA, given=json.dumps(rows[sort])).stdout
        )
        for sort in rows
    }


def test_the_schema_takes_what_can_be_sent(taken: dict[str, list[bool]]) -> None:
    assert all(taken["good"])


def test_the_schema_refuses_what_cannot_as_far_as_it_has_words(
    taken: dict[str, list[bool]],
) -> None:
    missed = {
        example["says"]
        for example, was_taken in zip(EXAMPLES["bad"], taken["bad"], strict=True)
        if was_taken
    }

    assert [says for says in missed if not says.startswith(BEYOND_SCHEMA)] == []
