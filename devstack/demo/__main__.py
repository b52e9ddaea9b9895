"""`make demo`: the story, then everything left running; `--once` checks and exits."""

from __future__ import annotations

import argparse
import asyncio
import shutil
import signal
import sys
from contextlib import suppress
from pathlib import Path
from typing import Final

from rich.console import Console

from devstack.demo.further import show_tables, show_ways_in
from devstack.demo.narrator import Narrator, Unexpected
from devstack.demo.story import Story
from devstack.stage import Stage
from devstack.supabase.possession import DirectoryInUse, Possession

DIRECTORY: Final = Path(".zapbase/demo")
INTERRUPTED: Final = 130
LAST_LINES: Final = 15


def main() -> int:
    parser = argparse.ArgumentParser(prog="make demo", description=__doc__)
    parser.add_argument("--once", action="store_true", help="exit 0 or 1 afterwards")
    parser.add_argument("--directory", type=Path, default=DIRECTORY)
    options = parser.parse_args()
    try:
        _take(options.directory)
    except DirectoryInUse:
        sys.stderr.write("A demo is running in this folder already: Ctrl-C ends it.\n")
        return 1
    with suppress(KeyboardInterrupt, asyncio.CancelledError):
        return asyncio.run(_demo(options.directory, once=options.once))
    return INTERRUPTED


def _take(directory: Path) -> None:
    """Keep other demos out until this process ends. Raises DirectoryInUse."""
    # Beside the directory, which each demo begins by deleting.
    directory.parent.mkdir(parents=True, exist_ok=True)
    Possession(directory.with_name(f"{directory.name}.lock")).take()


async def _demo(directory: Path, *, once: bool) -> int:
    narrator = Narrator(Console(highlight=False))
    narrator.title("Zapbase: WhatsApp for apps built on Supabase")
    # A demo starts from nothing; what an earlier one left is of no use to it.
    shutil.rmtree(directory, ignore_errors=True)
    async with Stage.set_up(directory) as stage:
        narrator.says(
            "  Running here: Postgres 17 behind a local Supabase, an emulated WhatsApp"
            " that\n  speaks the true wire protocol, and soon the connector with the real"
            f" neonize.\n  [dim]{narrator.elapsed:.1f} s[/]"
        )
        story = await Story.begin(stage, narrator)
        if not await _told(story, narrator):
            return 1
        await show_tables(story, narrator)
        narrator.says(
            f"\n[green]{narrator.checked} checks hold[/] after {narrator.elapsed:.1f} s."
        )
        if not once:
            show_ways_in(story, narrator)
            await _stay(story, narrator)
    return 0


async def _told(story: Story, narrator: Narrator) -> bool:
    try:
        await story.tell()
    except (Unexpected, TimeoutError) as error:
        narrator.says(
            f"\n[red]✗ The story broke off:[/] {str(error) or 'waited in vain'}"
        )
        narrator.says(f"The connector's last words ({story.connector.log_file}):")
        log = story.connector.log_file
        lines = log.read_text("utf-8").splitlines() if log.exists() else []
        narrator.block("\n".join(lines[-LAST_LINES:]))
        return False
    return True


async def _stay(story: Story, narrator: Narrator) -> None:
    """Keep everything running, with a Bob who answers what the app sends him."""
    narrator.says(
        "\nEverything stays up, and Bob answers what you send him."
        " [bold]Ctrl-C[/] ends it."
    )
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    kept_up = (
        asyncio.ensure_future(story.bob_keeps_talking()),
        asyncio.ensure_future(story.connector.keep_running(narrator.says)),
    )
    await stopped.wait()
    for task in kept_up:
        task.cancel()
    narrator.says("\nStopping in order …")


if __name__ == "__main__":
    sys.exit(main())
