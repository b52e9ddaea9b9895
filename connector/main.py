"""How the connector starts: everything that must happen before there is an event loop.

    settings -> data folder locked -> protobufs loaded -> zygote forked -> event loop

The zygote is forked from a process without threads, and before Supabase's client is
imported, so that workers share what they need and inherit nothing else.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Coroutine
from typing import Any, Final

import structlog

from connector import __version__, logs, machine
from connector.adapters.whatsapp import protobufs
from connector.adapters.whatsapp.process.zygote import Zygote
from connector.data_folder import DataFolder
from connector.sealing import Sealer
from connector.settings import Settings

FAILED: Final = 1

log = structlog.get_logger()


def run(settings: Settings) -> int:
    """Run until told to stop; return the exit code. Raises InvalidSetting."""
    logs.configure(settings.log_level)
    folder = DataFolder.open(settings.data_directory, os.environ)
    folder.note_keys(Sealer(settings.state_keys).key_ids)
    machine.allow_open_files()  # before the fork: workers inherit it
    protobufs.install_stand_in()
    zygote = Zygote.start()
    # Only now: see above.
    from connector.composition import serve  # noqa: PLC0415 - after the fork

    log.info("connector starts", version=__version__, holder=folder.holder)
    code = until_stopped(serve(settings, folder, zygote))
    log.info("connector stopped", code=code)
    return code


def until_stopped(serving: Coroutine[Any, Any, int]) -> int:
    """Return the exit code, whatever happens: Python's own traceback would quote rows."""
    try:
        return asyncio.run(serving)
    except Exception:
        log.exception("connector failed")
        return FAILED
