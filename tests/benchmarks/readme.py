"""`make bench | tail -1 | python -m tests.benchmarks.readme`: the README's table of a run.

With --write it takes the place of the table that is there. A row of which a figure is
missing is left out, and told.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Final

from tests.benchmarks.figures import Figures

README: Final = Path(__file__).parents[2] / "README.md"
TEMPLATE: Final = Path(__file__).with_name("readme_table.md")
_HEAD_LINES: Final = 2


def table(figures: Figures) -> Iterator[str]:
    """The template's rows with the run's figures."""
    known = {
        name: SimpleNamespace(**value) if isinstance(value, dict) else value
        for name, value in figures.items()
    }
    for number, row in enumerate(TEMPLATE.read_text("utf-8").splitlines()):
        try:
            yield row if number < _HEAD_LINES else row.format_map(known)
        except (KeyError, AttributeError) as missing:
            sys.stderr.write(f"left out, for want of {missing}: {row}\n")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.readme")
    parser.add_argument("--write", action="store_true", help="into README.md")
    options = parser.parse_args()
    text = "".join(f"{row}\n" for row in table(json.load(sys.stdin)))
    if not options.write:
        sys.stdout.write(text)
        return
    head = re.escape(text.splitlines()[0])
    old = README.read_text("utf-8")
    new, count = re.subn(rf"{head}\n(\|.*\n)+", lambda _: text, old)
    if count != 1:
        sys.exit("README.md has no such table")
    README.write_text(new, "utf-8")


if __name__ == "__main__":
    main()
