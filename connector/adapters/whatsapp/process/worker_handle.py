"""The supervisor's side of a worker process: commands out, events in.

    launched -> (commands, events) -> socket closed -> reaped -> EXITED, the last event

A worker that does not answer in time counts as gone; one whose events nobody takes is
killed: it must not fill our memory.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import UTC, datetime
from math import inf, isinf
from typing import Any, Final

import structlog

from connector.adapters.whatsapp.answers import pictures
from connector.adapters.whatsapp.answers.group_info import group_answer
from connector.adapters.whatsapp.answers.numbers import MOST_AT_ONCE, numbers_found
from connector.adapters.whatsapp.answers.presences import (
    PRESENCE_CODES,
    WaitingPresences,
    presence,
)
from connector.adapters.whatsapp.answers.uploads import uploaded
from connector.adapters.whatsapp.event_codes import Code
from connector.adapters.whatsapp.process import outgoing, send_errors
from connector.adapters.whatsapp.process.calls import Calls, Turns
from connector.adapters.whatsapp.process.event_queue import EventQueue
from connector.adapters.whatsapp.process.frames import AsyncChannel, Frame
from connector.adapters.whatsapp.process.orders import ExitCode
from connector.adapters.whatsapp.process.signals import own_addresses, worker_event
from connector.adapters.whatsapp.process.zygote import KILLED, SpawnedWorker
from connector.domain.addresses import Jid
from connector.domain.look_ups import GroupAnswer, NumberAnswer, PictureAnswer
from connector.domain.outgoing import OutgoingMessage, OutgoingRead, Typing, Uploaded
from connector.domain.presence import Presence
from connector.errors import (
    LookupRefusal,
    LookupRefused,
    SendFailed,
    SendUncertain,
    UploadFailed,
    WorkerGone,
)
from connector.ports import SealedFile, Sent, SessionId, Signal, WorkerEvent

# neonize gives WhatsApp 75 s to acknowledge a message, and cannot be told otherwise.
SEND_SECONDS: Final = 80.0
CALL_SECONDS: Final = 20.0
QUESTION_SECONDS: Final = 15.0
# Of an upload, whatever its size; and the slowest line that is waited for. One upload of
# the machine is under way at a time: a small file that hangs must not take minutes.
UPLOAD_SECONDS: Final = 30.0
UPLOAD_BYTES_PER_SECOND: Final = 100_000
STOP_SECONDS: Final = 6.0  # a planned stop takes less, by the worker's own clock
KILL_SECONDS: Final = 5.0
SECONDS_BETWEEN_RINGS: Final = 0.02  # who is woken reads on while there is something

log = structlog.get_logger()


class WorkerHandle:
    """Implements ports.Worker."""

    def __init__(
        self, session_id: SessionId, process: SpawnedWorker, channel: AsyncChannel
    ) -> None:
        self._session_id = session_id
        self._process = process
        self._channel = channel
        self._events = EventQueue()
        self._presences = WaitingPresences()
        self._calls = Calls(channel)
        self._sends = Turns()
        self._failed_sends = 0
        self._pairing = False
        self._given_up = False
        self._own = WorkerEvent(signal=Signal.CONNECTED)
        self._seeing: asyncio.Task[None] | None = None
        self._watching = asyncio.create_task(self._watch())

    async def events(self) -> AsyncIterator[WorkerEvent]:
        async for event in self._events.take():
            if event.signal is Signal.SPOOLED and not self._watching.done():
                self._seeing = asyncio.create_task(self._see())
            yield event

    async def connect(self, *, pairing_phone: str | None) -> None:
        """Dial once; again only after CONNECT_ERROR. To dial anew, start a new process."""
        await self._call({"call": "connect", "phone": pairing_phone}, CALL_SECONDS)

    async def may_log_in(self, until: float) -> None:
        # JSON knows no infinity; the clock began long after zero.
        await self._tell({"call": "may_log_in", "until": max(until, 0.0)})

    async def send(
        self,
        to: Jid,
        message: OutgoingMessage,
        secret: bytes,
        *,
        begin_by: float = inf,
    ) -> Sent:
        address = outgoing.address(to)
        body = address + outgoing.message(to, message, secret, datetime.now(UTC))
        header = {
            "call": "send",
            "to_size": len(address),
            "failures": self._failed_sends,
            "begin_by": None if isinf(begin_by) else begin_by,
        }
        try:
            async with self._sends.turn(SEND_SECONDS):
                answer = (await self._calls.ask(header, body)).header
        except TimeoutError as error:
            # It may leave later still: only once the process is gone does the store
            # prove what was begun, and what never will be.
            await self.kill()
            raise SendUncertain from error
        if "error" in answer:
            # Whoever hears of it may send again; what was handed over before may not go.
            self._failed_sends = max(self._failed_sends, int(answer["failures"]))
            raise send_errors.from_header(answer)
        at = datetime.fromisoformat(answer["at"])
        return Sent(whatsapp_id=answer["whatsapp_id"], at=at)

    async def upload(self, file: SealedFile) -> Uploaded:
        header = {
            "call": "upload",
            "path": str(file.path),
            "media_type": file.media_type,
            "size": file.size,
        }
        seconds = UPLOAD_SECONDS + file.size / UPLOAD_BYTES_PER_SECOND
        try:
            answer = await self._do(header, seconds, file.key)
        except TimeoutError as error:
            raise UploadFailed("WhatsApp's servers took too long.") from error
        return uploaded(answer)

    async def mark_read(self, read: OutgoingRead) -> None:
        chat = outgoing.address(read.chat)
        header = {"call": "mark_read", "chat_size": len(chat)}
        sender = outgoing.address(read.sender)
        await self._run_errand(
            {**header, "ids": list(read.whatsapp_ids)}, chat + sender
        )

    async def show_typing(self, chat: Jid, typing: Typing) -> None:
        header = {"call": "show_typing", "typing": typing.value}
        await self._run_errand(header, outgoing.address(chat))

    async def group_info(self, jid: Jid) -> GroupAnswer:
        as_of = datetime.now(UTC)
        answer = await self._ask({"call": "group_info"}, outgoing.address(jid))
        return group_answer(answer.body, as_of)

    async def profile_picture(self, jid: Jid, known_id: str | None) -> PictureAnswer:
        try:
            answer = await self._ask({"call": "picture"}, outgoing.address(jid))
        except LookupRefused as refusal:
            return pictures.answer_of_refusal(refusal)
        return pictures.answer(answer.header, known_id)

    async def look_up(self, numbers: Sequence[str]) -> Sequence[NumberAnswer]:
        if len(numbers) > MOST_AT_ONCE:
            raise ValueError("too many numbers to look up at once")
        answer = await self._ask({"call": "look_up", "numbers": list(numbers)})
        return numbers_found(answer.header)

    async def show_online(self, *, online: bool) -> None:
        await self._ask({"call": "show_online", "online": online})

    async def presences(self) -> Sequence[Presence]:
        return await self._presences.take()

    async def disconnect(self) -> None:
        await self._call({"call": "disconnect"}, CALL_SECONDS)

    async def log_out(self) -> None:
        await self._call({"call": "log_out"}, SEND_SECONDS)

    async def ping(self) -> None:
        """Returns when the process answers."""
        await self._call({"call": "ping"}, CALL_SECONDS)

    async def stop(self) -> None:
        await self._tell({"call": "stop"})
        if not await self._ended_within(STOP_SECONDS):
            await self.kill()

    async def kill(self) -> None:
        self._kill_quietly()  # with the zygote, its workers are gone
        if not await self._ended_within(KILL_SECONDS):
            raise WorkerGone("The worker's process cannot be killed.")

    async def _ask(self, header: Mapping[str, Any], body: bytes = b"") -> Frame:
        """Raises WorkerGone, NotConnected, LookupRefused."""
        try:
            return await self._do(header, QUESTION_SECONDS, body)
        except TimeoutError as error:
            raise LookupRefused(LookupRefusal.TIMEOUT) from error

    async def _run_errand(self, header: Mapping[str, Any], body: bytes) -> None:
        """Raises WorkerGone, NotConnected, SendFailed."""
        try:
            await self._do(header, QUESTION_SECONDS, body)
        except TimeoutError as error:
            raise SendFailed from error

    async def _do(
        self, header: Mapping[str, Any], seconds: float, body: bytes
    ) -> Frame:
        """Have something done that may be late, and is not begun when it is.

        Raises WorkerGone, SendFailed, LookupRefused, TimeoutError.
        """
        async with asyncio.timeout(seconds):
            answer = await self._calls.ask({**header, "seconds": seconds}, body)
        if "error" in answer.header:
            raise send_errors.from_header(answer.header)
        return answer

    async def _call(self, header: Mapping[str, Any], seconds: float) -> None:
        """What a worker answers in time, or else is gone. Raises WorkerGone, SendFailed."""
        try:
            async with asyncio.timeout(seconds):
                answer = await self._calls.ask(header)
        except TimeoutError as error:
            raise WorkerGone from error
        if "error" in answer.header:
            raise send_errors.from_header(answer.header)

    async def _see(self) -> None:
        """Let it ring again, but not for each tick of a burst: a ring costs both of us."""
        await asyncio.sleep(SECONDS_BETWEEN_RINGS)
        await self._tell({"call": "seen"})

    async def _tell(self, header: Mapping[str, Any]) -> None:
        with contextlib.suppress(OSError):  # gone; EXITED says so
            await self._channel.send(Frame(header))

    async def _ended_within(self, seconds: float) -> bool:
        done, _ = await asyncio.wait({self._watching}, timeout=seconds)
        return bool(done)

    async def _watch(self) -> None:
        """Take what the worker says until it is dead and buried."""
        try:
            while frames := await self._channel.receive():
                for frame in frames:
                    self._take(frame)
        except Exception as error:  # noqa: BLE001 - whatever it said, its end is told
            log.warning("worker not understood", error=error)
            self._kill_quietly()
        code = await self._buried()
        if code == KILLED and self._given_up:
            code = ExitCode.GIVEN_UP
        if code == ExitCode.STOP_TIMED_OUT:
            # Nobody listens to a worker that was told to stop: only this says it.
            log.error("stop cut short", session_id=self._session_id, code=code)
        self._calls.end()
        if self._seeing is not None:
            self._seeing.cancel()
        await self._channel.close()
        self._presences.end()
        self._events.put(WorkerEvent(signal=Signal.EXITED, code=code))

    async def _buried(self) -> int:
        try:
            async with asyncio.timeout(STOP_SECONDS):
                return await self._process.exit_code()
        except TimeoutError:
            self._kill_quietly()  # it let go of its commands but did not end
            return await self._process.exit_code()

    def _take(self, frame: Frame) -> None:
        header = frame.header
        if (number := header.get("reply")) is not None:
            self._calls.take(number, frame)
            return
        if (code := header.get("event")) in PRESENCE_CODES:
            if (shown := presence(code, frame.body)) is not None:
                self._presences.put(shown)
            return
        event = self._event(frame)
        if event is not None and not self._events.put(event):
            self._kill_quietly()

    def _event(self, frame: Frame) -> WorkerEvent | None:
        header = frame.header
        if (name := header.get("signal")) is not None:
            self._pairing = self._pairing or name == Signal.QR
            return WorkerEvent(
                signal=Signal(name),
                text=header.get("text"),
                reason=header.get("reason"),
            )
        match header.get("event"):
            case Code.DEVICE:
                return self._learn_who_we_are(frame.body)
            case Code.CONNECTED:
                return self._own
            case int(code):
                return worker_event(code, frame.body, datetime.now(UTC))
            case _:
                return None

    def _learn_who_we_are(self, raw: bytes) -> WorkerEvent | None:
        self._own = own_addresses(raw)
        if not self._pairing:
            return None
        self._pairing = False
        return WorkerEvent(signal=Signal.PAIRED, jid=self._own.jid, lid=self._own.lid)

    def _kill_quietly(self) -> None:
        self._given_up = True
        with contextlib.suppress(WorkerGone):
            self._process.kill()
