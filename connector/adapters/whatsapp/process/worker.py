"""The process of one linked number: neonize inside, frames to the supervisor outside.

It knows nothing of Supabase and decides nothing: it carries out commands, records
events and stops in order when it is told to, or when the supervisor is gone.

    stop, or end of commands:  disconnect -> spool what still comes -> stop -> exit 0
    kill -9, crash:            the spool and the WhatsApp store keep what they have

Commands are read by the main thread and carried out by others, so `ping` answers while a
send is in flight. Sends have one thread, which keeps their order (sends.py); questions
about people and groups have another (questions.py), and so has what else there is to do
(errands.py).
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import os
import signal
import socket
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from connector.adapters.whatsapp.process.errands import Errands
from connector.adapters.whatsapp.process.frames import (
    BlockingChannel,
    Frame,
    FrameBroken,
)
from connector.adapters.whatsapp.process.orders import (
    LOCK_NAME,
    STORE_NAME,
    ExitCode,
    Orders,
)
from connector.adapters.whatsapp.process.questions import Questions
from connector.adapters.whatsapp.process.recorder import Recorder
from connector.adapters.whatsapp.process.send_errors import to_header
from connector.adapters.whatsapp.process.sends import Sends
from connector.adapters.whatsapp.spool.writer import FILE_NAME, SpoolWriter
from connector.errors import LookupRefused, SendFailed
from connector.sealing import Sealer

if TYPE_CHECKING:
    from connector.adapters.whatsapp.process.connection import Connection

LOCK_SECONDS: Final = 5.0  # how long a dying predecessor may hold the folder
QUIET_SECONDS: Final = 0.5  # without an event, after disconnecting: the spool has all
STOP_SECONDS: Final = 4.5  # a planned stop never takes longer
# How long to wait for room, unseen, rather than be stopped with unwritten events.
HOLD_SECONDS: Final = 60.0
LAST_WORDS_NAME: Final = "last_words"  # stderr, for whoever looks into a crash
LONGEST_LAST_WORDS: Final = 64 * 1024  # bytes kept from one process to the next
_THREADS: Final = 4
# Of 1,000: whoever converts a stranger's file goes before, zygote and supervisor after.
OOM_SCORE: Final = "500"
_PR_SET_PDEATHSIG: Final = 1  # linux/prctl.h


def run(commands: socket.socket) -> ExitCode:
    """Be a worker until told to stop. The process must end right after, by os._exit:
    neonize's threads may still be running."""
    _die_with_parent()
    _go_before_the_supervisor()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the supervisor's matter
    channel = BlockingChannel(commands)
    frames = channel.frames()
    try:
        orders = Orders.read(next(frames))
    except (StopIteration, FrameBroken):
        return ExitCode.NO_ORDERS
    lock = _lock(orders.folder / LOCK_NAME)
    if lock is None:
        return ExitCode.FOLDER_BUSY
    _keep_output_apart(orders.folder / LAST_WORDS_NAME)
    worker = _Worker(orders, channel)
    # An operator's kill is a planned stop too.
    signal.signal(signal.SIGTERM, lambda *_: channel.interrupt())
    try:
        worker.obey_until_told_to_stop(frames)
    except FrameBroken:
        traceback.print_exc()  # nothing more can be understood: stop in order
    return worker.stop()


class _Worker:
    def __init__(self, orders: Orders, channel: BlockingChannel) -> None:
        self._channel = channel
        self._pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="command")
        self._spool = SpoolWriter(
            orders.folder / FILE_NAME,
            session_id=orders.session_id,
            term=orders.term,
            sealer=Sealer(orders.keys),
            high_water=orders.high_water,
            on_full=lambda: self._in_pool(self._stop_receiving),
        )
        self._recorder = Recorder(self._spool, channel)
        self._connection = _load_neonize(orders, self._recorder)
        self._sends = Sends(self._connection)
        self._sending = ThreadPoolExecutor(1, thread_name_prefix="send")
        self._errands = Errands(self._connection)
        self._questions = Questions(self._connection)
        self._asking = ThreadPoolExecutor(1, thread_name_prefix="question")

    def obey_until_told_to_stop(self, frames: Iterator[Frame]) -> None:
        """Raises FrameBroken."""
        self._recorder.signal("started")
        for frame in frames:
            if frame.header.get("call") == "stop":
                return
            self._obey(frame)

    def stop(self) -> ExitCode:
        """Hang up, spool what still comes, close the store."""
        deadline = time.monotonic() + STOP_SECONDS
        _exit_at(deadline, ExitCode.STOP_TIMED_OUT)
        for waiting in self._sends.end():
            self._send(waiting)
        self._connection.disconnect()
        self._recorder.wait_idle(QUIET_SECONDS, deadline - 2 * QUIET_SECONDS)
        written = self._spool.flush(deadline - QUIET_SECONDS)
        self._recorder.seen()  # who is stopped hears nobody say so, and may have to ring
        self._connection.stop()
        return ExitCode.STOPPED if written else ExitCode.STOP_TIMED_OUT

    def _obey(self, frame: Frame) -> None:
        match frame.header.get("call"):
            case "seen":
                self._recorder.seen()
            case "may_log_in":
                self._recorder.may_log_in_until = float(frame.header["until"])
            case "ping":
                self._answer(frame, dict)
            case "connect":
                self._answer(frame, lambda: self._connect(frame))
            case "send":
                self._sends.put(frame)
                self._supervise(self._sending, self._send_next)
            case "disconnect":
                self._in_pool(self._answer, frame, self._disconnect)
            case "log_out":
                self._in_pool(self._answer, frame, self._log_out)
            case call if self._questions.understands(call):
                self._ask(frame)
            case _:
                self._run_errand(frame)

    def _connect(self, frame: Frame) -> dict[str, Any]:
        if self._spool.has_room():
            self._connection.dial(frame.header.get("phone"))
        else:
            self._recorder.signal("spool_full")
        return {}

    def _send_next(self) -> None:
        if (frame := self._sends.take()) is not None:
            self._send(frame)

    def _send(self, frame: Frame) -> None:
        self._answer(frame, partial(self._sends.send, frame))

    def _disconnect(self) -> dict[str, Any]:
        self._connection.disconnect()
        self._recorder.wait_idle(QUIET_SECONDS, time.monotonic() + STOP_SECONDS)
        return {}

    def _log_out(self) -> dict[str, Any]:
        self._connection.log_out()
        return {}

    def _ask(self, frame: Frame) -> None:
        put = self._questions.taken(frame)
        self._supervise(self._asking, self._answer, frame, put)

    def _run_errand(self, frame: Frame) -> None:
        pool = self._errands.pool_for(frame.header.get("call"))
        if pool is None:
            self._reply({"reply": frame.header.get("id"), "error": "unknown_call"})
        else:
            self._supervise(pool, self._answer, frame, self._errands.taken(frame))

    def _stop_receiving(self) -> None:
        """The spool is full, or cannot be written to: WhatsApp keeps what is next.

        The supervisor stops a worker that says so, and a stopped worker forgets what it
        could not write: it says so when nothing is left to write, or much later.
        """
        self._connection.disconnect()
        self._recorder.wait_idle(QUIET_SECONDS, time.monotonic() + STOP_SECONDS)
        if not self._spool.flush(time.monotonic() + HOLD_SECONDS):
            sys.stderr.write("received events are still unwritten\n")
        self._recorder.signal("spool_full")
        while not self._spool.flush(time.monotonic() + STOP_SECONDS):
            pass

    def _answer(
        self,
        frame: Frame,
        command: Callable[[], dict[str, Any] | tuple[dict[str, Any], bytes]],
    ) -> None:
        body = b""
        try:
            answer = command()
        except (SendFailed, LookupRefused) as error:
            answer = to_header(error)
        if isinstance(answer, tuple):
            answer, body = answer
        self._reply({"reply": frame.header.get("id"), **answer}, body)

    def _reply(self, header: dict[str, Any], body: bytes = b"") -> None:
        try:
            self._channel.send(Frame(header, body))
        except OSError:
            return  # the supervisor is gone: the end of its commands stops us

    def _in_pool(self, task: Callable[..., None], *arguments: object) -> None:
        self._supervise(self._pool, task, *arguments)

    def _supervise(
        self,
        pool: ThreadPoolExecutor,
        task: Callable[..., None],
        *arguments: object,
    ) -> None:
        def supervised() -> None:
            try:
                task(*arguments)
            except Exception as error:  # noqa: BLE001 - or the pool would keep it to itself
                # neonize's own words may quote a number: only what and where are kept.
                traceback.print_tb(error.__traceback__)
                sys.stderr.write(f"{type(error).__name__}\n")
                os._exit(ExitCode.FAILED)

        pool.submit(supervised)


def _load_neonize(orders: Orders, recorder: Recorder) -> Connection:
    # The Go library is loaded here, once the fork is over and the folder is ours.
    from connector.adapters.whatsapp.process.connection import (  # noqa: PLC0415 - see above
        Connection,
    )

    return Connection(orders.folder / STORE_NAME, recorder, orders.history_days)


def _lock(path: Path) -> int | None:
    """Hold the session's folder until this process ends, however it ends."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    deadline = time.monotonic() + LOCK_SECONDS
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= deadline:
                return None
            time.sleep(0.05)
        else:
            return descriptor


def _keep_output_apart(last_words: Path) -> None:
    """neonize's Go library prints, QR codes even, and dies with a stack on stderr."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.close(nowhere)
    kept = os.open(last_words, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    if os.fstat(kept).st_size > LONGEST_LAST_WORDS:
        os.ftruncate(kept, 0)
    os.dup2(kept, 2)
    os.close(kept)


def _die_with_parent() -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _go_before_the_supervisor() -> None:
    """Be ended first when memory runs out: one number starts again, and not all of them."""
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text(OOM_SCORE, "ascii")


def _exit_at(deadline: float, code: ExitCode) -> None:
    """Bound what follows, even inside a foreign call that never returns."""
    delay = max(0.0, deadline - time.monotonic())
    timer = threading.Timer(delay, os._exit, args=(code,))
    timer.daemon = True
    timer.start()
