"""The zygote by itself, as the program that it is."""

from __future__ import annotations

import asyncio
import resource
import socket

from connector.adapters.whatsapp.process.orders import ExitCode
from connector.adapters.whatsapp.process.zygote import Zygote
from tests.contract.linked_number import TIMEOUT, zygote_program

FEW = 3  # file handles: every program has as many open


async def test_a_zygote_without_a_file_handle_to_spare_refuses_and_goes_on() -> None:
    with zygote_program({}) as (zygote, program):
        first = await _spawned(zygote)
        soft, hard = resource.prlimit(program.pid, resource.RLIMIT_NOFILE)
        resource.prlimit(program.pid, resource.RLIMIT_NOFILE, (FEW, hard))
        refused = await _spawned(zygote)
        resource.prlimit(program.pid, resource.RLIMIT_NOFILE, (soft, hard))
        later = await _spawned(zygote)

    # Those that were born end for want of orders.
    assert (first, refused, later) == (
        ExitCode.NO_ORDERS,
        ExitCode.NOT_BORN,
        ExitCode.NO_ORDERS,
    )


async def _spawned(zygote: Zygote) -> int:
    """How a worker ends whose supervisor leaves before it says anything."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        worker = await zygote.spawn(theirs)
    async with asyncio.timeout(TIMEOUT):
        return await worker.exit_code()
