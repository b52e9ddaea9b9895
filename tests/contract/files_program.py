"""Gets a file ready and waits to be killed: `-m tests.contract.files_program <data> <kind> <file>`.

Prints `preparing` when the child has begun, and `ready` when it has ended.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any

from connector.adapters.files import preparing
from connector.domain.outgoing import MediaKind
from connector.ports import InlineFile
from tests.contract.preparing import SESSION, UNKNOWN, desk


def say(word: str) -> None:
    sys.stdout.write(f"{word}\n")
    sys.stdout.flush()


async def main(data: Path, kind: MediaKind, file: bytes) -> None:
    talk = preparing._talk

    async def announced(child: Any, job: Any, output: Any) -> Any:
        say("preparing")
        return await talk(child, job, output)

    preparing._talk = announced
    source = InlineFile(data=file)
    async with desk(data) as here, here.files.ready(SESSION, source, kind, UNKNOWN):
        say("ready")
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(
        main(Path(sys.argv[1]), MediaKind(sys.argv[2]), Path(sys.argv[3]).read_bytes())
    )
