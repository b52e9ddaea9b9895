"""One job: read it, be confined, do it, answer. See job.py for what is said."""

from __future__ import annotations

import importlib
import os
import struct
import sys
from collections.abc import Callable
from typing import BinaryIO, Final, TypeAlias

from connector.adapters.files.convert import job as jobs
from connector.adapters.files.convert.confinement import confine
from connector.adapters.files.convert.job import Answer, Job
from connector.adapters.files.convert.prepared import (
    DAMAGED,
    Prepared,
    TooLarge,
    Unsupported,
)
from connector.adapters.files.convert.reader import opened

Prepare: TypeAlias = Callable[[BinaryIO, int], Prepared]

_PREPARED_BY: Final = {
    "voice": ("sounds", "voice"),
    "audio": ("sounds", "audio"),
    "video": ("films", "video"),
    "gif": ("animations", "gif"),
    "image": ("pictures", "image"),
    jobs.THUMBNAIL: ("pictures", "only_thumbnail"),
}
TOO_MUCH_MEMORY: Final = (
    "The file takes too much memory to read: make it smaller, or send it as a document."
)
# What Pillow raises for broken files, and PyAV besides its own errors.
_OF_BROKEN_FILES: Final = (
    ArithmeticError,
    EOFError,
    LookupError,
    OSError,
    RuntimeError,
    SyntaxError,
    ValueError,
    struct.error,
)


def main() -> None:
    answers = _claimed_stdout()
    job = Job.read(sys.stdin.buffer.read())
    prepare = _prepare(job.kind)
    confine()
    answer = _done(job, prepare, answers)
    answers.write(jobs.framed(jobs.ANSWER, answer.encoded()))
    answers.flush()


def _done(job: Job, prepare: Prepare, answers: BinaryIO) -> Answer:
    try:
        file = opened(job.descriptor, job.key, job.size)
        prepared = prepare(file, job.most_bytes)
        for piece in prepared.data or ():
            for start in range(0, len(piece), jobs.PIECE):
                part = piece[start : start + jobs.PIECE]
                answers.write(jobs.framed(jobs.DATA, part))
    except Unsupported as refusal:
        return Answer(unsupported=str(refusal))
    except TooLarge:
        return Answer(too_large=True)
    except MemoryError:
        return Answer(unsupported=TOO_MUCH_MEMORY)
    except _OF_BROKEN_FILES:
        return Answer(unsupported=DAMAGED)
    except Exception as error:  # noqa: BLE001 - its words may quote the file
        return Answer(broke=type(error).__name__)
    return prepared.answer


def _prepare(kind: str) -> Prepare:
    """Loads what the kind needs, and no more."""
    module, name = _PREPARED_BY[kind]
    loaded = importlib.import_module(f"connector.adapters.files.convert.{module}")
    prepare: Prepare = getattr(loaded, name)
    return prepare


def _claimed_stdout() -> BinaryIO:
    """Ours alone: what a library prints goes nowhere."""
    ours = os.dup(1)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    os.close(nowhere)
    return os.fdopen(ours, "wb")


if __name__ == "__main__":
    main()
