"""Fail when a file or a function has outgrown what one reading can hold.

Files: at most 400 lines; functions: at most 40. Data tables may be longer when their
name says what they are (`*tokens.py`).
"""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

LONGEST_FILE = 400
LONGEST_FUNCTION = 40
SUFFIXES = {".py", ".sql", ".ts", ".mjs"}


def tracked_files() -> list[Path]:
    listing = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"],
        capture_output=True,
        text=True,
        check=True,
    )
    paths = (Path(line) for line in listing.stdout.splitlines())
    return [path for path in paths if path.suffix in SUFFIXES and path.is_file()]


def complaints(path: Path) -> list[str]:
    source = path.read_text("utf-8")
    lines = source.count("\n")
    found = []
    if lines > LONGEST_FILE and not path.stem.endswith("tokens"):
        found.append(f"{path}: {lines} lines, at most {LONGEST_FILE}")
    if path.suffix == ".py":
        found += [
            f"{path}:{node.lineno}: {node.name} has {length} lines, at most {LONGEST_FUNCTION}"
            for node in ast.walk(ast.parse(source))
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
            and (length := (node.end_lineno or node.lineno) - node.lineno + 1)
            > LONGEST_FUNCTION
        ]
    return found


def main() -> int:
    found = [line for path in tracked_files() for line in complaints(path)]
    for line in found:
        print(line)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
