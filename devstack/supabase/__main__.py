"""`python -m devstack.supabase`: a local Supabase in the foreground, until Ctrl-C."""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import sys
from pathlib import Path

from devstack.supabase.local import MIGRATIONS, LocalSupabase
from devstack.supabase.migrations import MigrationFailed
from devstack.supabase.possession import DirectoryInUse
from devstack.supabase.processes import ChildEnded
from devstack.supabase.server import UnfitServer

DEFAULT_PORT = 54321  # where `supabase start` serves
# What a person can put right; each says so in a sentence.
EXPECTED = (ChildEnded, DirectoryInUse, MigrationFailed, UnfitServer, PermissionError)


def main() -> None:
    options = _options()
    try:
        asyncio.run(_serve(options))
    except EXPECTED as error:
        sys.exit(str(error))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m devstack.supabase", description=__doc__
    )
    parser.add_argument("--directory", type=Path, default=Path(".zapbase/supabase"))
    parser.add_argument("--port", type=int, default=DEFAULT_PORT)
    parser.add_argument("--migrations", type=Path, default=MIGRATIONS)
    parser.add_argument("--durable", action="store_true", help="survive a power cut")
    parser.add_argument("--json", action="store_true", help="one line for programs")
    return parser.parse_args()


async def _serve(options: argparse.Namespace) -> None:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopped.set)
    async with LocalSupabase.start(
        options.directory,
        migrations=options.migrations,
        durable=options.durable,
        port=options.port,
    ) as supabase:
        facts = {
            "url": supabase.url,
            "publishable_key": supabase.keys.publishable,
            "secret_key": supabase.keys.secret,
            "database_url": supabase.database_url,
        }
        sys.stdout.write(json.dumps(facts) if options.json else _shown(facts))
        sys.stdout.write("\n")
        sys.stdout.flush()
        await stopped.wait()


def _shown(facts: dict[str, str]) -> str:
    return "\n".join(
        [
            f"API URL          {facts['url']}",
            f"Publishable key  {facts['publishable_key']}",
            f"Secret key       {facts['secret_key']}",
            f"Database         psql {facts['database_url']}",
            "Ctrl-C stops it; the data stays.",
        ]
    )


if __name__ == "__main__":
    main()
