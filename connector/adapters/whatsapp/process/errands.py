"""What a worker does besides sending and asking: uploads, ticks, signs of typing.

Each kind has threads of its own, so that nothing of it holds up a message. What its
asker has given up by the time its turn comes is not begun.
"""

from __future__ import annotations

import ctypes
import gc
import mmap
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from connector import sealed_files
from connector.adapters.whatsapp.process.frames import Frame
from connector.domain.outgoing import Typing
from connector.errors import SendFailed, UploadFailed

if TYPE_CHECKING:
    from connector.adapters.whatsapp.process.connection import Connection

Answer = tuple[dict[str, Any], bytes]

# neonize cannot be told to give an upload up. One that hangs keeps its thread, and its
# file in memory, until the network gives it up; meanwhile another one may go on.
_UPLOADS: Final = 2
_LARGE: Final = 1024 * 1024  # bytes, of a file after which it is worth the while


class Errands:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._small = ThreadPoolExecutor(1, thread_name_prefix="errand")
        self._uploads = ThreadPoolExecutor(_UPLOADS, thread_name_prefix="upload")

    def pool_for(self, call: object) -> ThreadPoolExecutor | None:
        """Who does this; None when it is no errand."""
        if call == "upload":
            return self._uploads
        return self._small if call in _COMMANDS else None

    def taken(self, frame: Frame) -> Callable[[], Answer]:
        """Take an errand in; what comes back does it, unless it is too late by then.

        Raises SendFailed (when called).
        """
        give_up = time.monotonic() + float(frame.header["seconds"])

        def do() -> Answer:
            if time.monotonic() >= give_up:
                raise SendFailed
            return _COMMANDS[frame.header["call"]](self._connection, frame)

        return do


def _upload(connection: Connection, frame: Frame) -> Answer:
    header = frame.header
    path, size = Path(header["path"]), int(header["size"])
    try:
        uploaded = connection.upload(
            _plain(path, frame.body, size), header["media_type"]
        )
    finally:
        # An error's traceback holds the file as well, in a circle with the error.
        gc.collect()
        if size >= _LARGE:
            connection.give_back(size)
    told = {"url": uploaded.url, "direct_path": uploaded.DirectPath}
    secrets = uploaded.MediaKey + uploaded.FileSHA256 + uploaded.FileEncSHA256
    return {**told, "size": uploaded.FileLength}, secrets


def _plain(path: Path, key: bytes, size: int) -> ctypes.Array[ctypes.c_char]:
    """The file's bytes, in a mapping of their own.

    With its last reader it goes back to the system at once, whatever malloc would keep.
    Raises UploadFailed when it is not the file that was spoken of.
    """
    try:
        mapping, at = mmap.mmap(-1, size), 0
        for piece in sealed_files.opened(path, key):
            mapping[at : at + len(piece)] = piece
            at += len(piece)
    except (OSError, IndexError, ValueError) as error:
        raise UploadFailed from error
    if at != size:
        raise UploadFailed
    return (ctypes.c_char * size).from_buffer(mapping)


def _mark_read(connection: Connection, frame: Frame) -> Answer:
    header, size = frame.header, int(frame.header["chat_size"])
    connection.mark_read(frame.body[:size], frame.body[size:], header["ids"])
    return {}, b""


def _show_typing(connection: Connection, frame: Frame) -> Answer:
    typing = Typing(frame.header["typing"])
    connection.show_typing(
        frame.body,
        active=typing is not Typing.PAUSED,
        recording=typing is Typing.RECORDING,
    )
    return {}, b""


_COMMANDS: Final[Mapping[object, Callable[[Connection, Frame], Answer]]] = {
    "upload": _upload,
    "mark_read": _mark_read,
    "show_typing": _show_typing,
}
