"""Has files prepared by a child process, one at a time, and doubts what it says.

    source (sealed, on disk) -> child -> output (sealed, on disk) and an answer

The child opens the sealed file itself, by a descriptor and the key of that one file: it
reads anywhere in it, and neither of us holds it whole.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import structlog

from connector.adapters.files.convert import job as jobs
from connector.adapters.files.convert.job import Answer, Job
from connector.adapters.files.scratch import Scratch, too_large
from connector.errors import FileUnavailable, InvalidPayload

PROGRAM: Final = ("-I", "-m", "connector.adapters.files.convert")
WITHIN: Final = 120.0  # seconds; the processor's own limit is in confinement.py
_LONGEST_ANSWER: Final = 64 * 1024
# Where libraries are is not for us to decide; everything else stays here.
_PASSED_ON: Final = ("LD_LIBRARY_PATH",)
# Ended by somebody else, or for want of memory: not by what the file holds.
_NOT_ITS_FAULT: Final = (-signal.SIGKILL, -signal.SIGTERM, -signal.SIGINT)
BROKEN: Final = "The file cannot be read: it is damaged, or made to do harm."
TOO_LONG: Final = (
    "The file takes too long to convert: make it shorter, or send it as a document."
)

log = structlog.get_logger()


class Preparing:
    """The one child of this machine."""

    def __init__(self, within: float = WITHIN) -> None:
        self._within = within
        self._turn = asyncio.Semaphore(1)

    async def prepare(self, kind: str, source: Scratch, output: Scratch) -> Answer:
        """What `source` is as this kind; `output` stays empty if it is sent as it came.

        Raises InvalidPayload (media_unsupported, media_too_large), FileUnavailable.
        """
        async with self._turn:
            try:
                async with asyncio.timeout(self._within):
                    answer = await _asked(kind, source, output)
            except TimeoutError as error:
                raise FileUnavailable("The file took too long to prepare.") from error
        if answer.broke is not None:
            log.error("preparing failed", kind=kind, error=answer.broke)
            raise unsupported(BROKEN)
        if answer.unsupported is not None:
            raise unsupported(answer.unsupported)
        if answer.too_large:
            raise too_large(output.most_bytes)
        return answer


def unsupported(sentence: str) -> InvalidPayload:
    return InvalidPayload(sentence, code="media_unsupported")


async def _asked(kind: str, source: Scratch, output: Scratch) -> Answer:
    with source.reading() as descriptor:
        job = Job(
            kind=kind,
            descriptor=descriptor,
            key=source.key,
            size=source.size,
            most_bytes=output.most_bytes,
        )
        async with _child(descriptor) as child:
            try:
                return await _talk(child, job, output)
            except (asyncio.IncompleteReadError, ConnectionError):
                raise _died(await child.wait()) from None
            except ValueError:  # what no child of ours would say
                raise unsupported(BROKEN) from None


async def _talk(child: Process, job: Job, output: Scratch) -> Answer:
    assert child.stdin is not None  # noqa: S101 - for mypy: both are pipes
    assert child.stdout is not None  # noqa: S101
    child.stdin.write(job.encoded())
    child.stdin.close()
    while True:
        header = await child.stdout.readexactly(jobs.HEADER.size)
        kind, size = jobs.HEADER.unpack(header)
        if size > (jobs.PIECE if kind == jobs.DATA else _LONGEST_ANSWER):
            raise ValueError("a frame that is too long")
        data = await child.stdout.readexactly(size)
        if kind == jobs.ANSWER:
            return Answer.read(data)
        if kind != jobs.DATA:
            raise ValueError("a frame of no kind")
        await output.write(data)


@asynccontextmanager
async def _child(descriptor: int) -> AsyncIterator[Process]:
    """Gone when the block is left, however that happens."""
    try:
        child = await asyncio.create_subprocess_exec(
            sys.executable,
            *PROGRAM,
            stdin=PIPE,
            stdout=PIPE,
            stderr=DEVNULL,
            pass_fds=(descriptor,),
            cwd="/",
            env={name: os.environ[name] for name in _PASSED_ON if name in os.environ},
            limit=jobs.PIECE,
            start_new_session=True,
        )
    except OSError as error:
        raise FileUnavailable("No process could be started for the file.") from error
    try:
        yield child
    finally:
        _end(child)
        await child.wait()


def _end(child: Process) -> None:
    """Whatever it was made to start ends with it."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)
    # Unread output would keep asyncio waiting for a process that is gone.
    transport: asyncio.SubprocessTransport = child._transport  # type: ignore[attr-defined]  # noqa: SLF001
    transport.close()


def _died(code: int) -> InvalidPayload | FileUnavailable:
    if code == -signal.SIGXCPU:
        return unsupported(TOO_LONG)
    if code < 0 and code not in _NOT_ITS_FAULT:
        return unsupported(BROKEN)
    return FileUnavailable("The process that prepares files ended too early.")
