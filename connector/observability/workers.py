"""Workers, with what WhatsApp was asked and given counted."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from math import inf
from typing import Final

from connector.domain.addresses import Jid
from connector.domain.look_ups import GroupAnswer, NumberAnswer, PictureAnswer
from connector.domain.outgoing import OutgoingMessage, OutgoingRead, Typing, Uploaded
from connector.domain.presence import Presence
from connector.errors import LookupRefusal, LookupRefused, WorkerGone
from connector.metrics import OK, Metrics, outcome_of
from connector.ports import (
    DeviceStore,
    Launcher,
    SealedFile,
    Sent,
    SessionId,
    SessionRow,
    Spool,
    Worker,
    WorkerEvent,
)

QUESTIONS: Final = ("group", "picture", "numbers")


class CountingLauncher:
    """Implements Launcher by another one."""

    def __init__(self, launcher: Launcher, metrics: Metrics) -> None:
        self._launcher = launcher
        self._metrics = metrics
        for outcome in (OK, WorkerGone.code, "failed"):
            metrics.worker_starts.of(outcome)  # from 0: a rise to 1 is seen
        for question in QUESTIONS:
            metrics.look_ups.of(question, LookupRefusal.RATE_LIMITED.value)

    async def launch(self, session: SessionRow, term: int) -> Worker:
        outcome = OK
        try:
            worker = await self._launcher.launch(session, term)
        except BaseException as error:
            outcome = outcome_of(error)
            raise
        finally:
            self._metrics.worker_starts.of(outcome).inc()
        return CountingWorker(worker, self._metrics)

    def spool(self, session_id: SessionId) -> Spool:
        return self._launcher.spool(session_id)

    def spools(self) -> Sequence[SessionId]:
        return self._launcher.spools()

    def device_store(self, session_id: SessionId) -> DeviceStore:
        return self._launcher.device_store(session_id)


class CountingWorker:
    """Implements Worker by another one."""

    def __init__(self, worker: Worker, metrics: Metrics) -> None:
        self._worker = worker
        self._metrics = metrics

    async def send(
        self,
        to: Jid,
        message: OutgoingMessage,
        secret: bytes,
        *,
        begin_by: float = inf,
    ) -> Sent:
        began, outcome = time.perf_counter(), OK
        try:
            return await self._worker.send(to, message, secret, begin_by=begin_by)
        except BaseException as error:
            outcome = outcome_of(error)
            raise
        finally:
            seconds = time.perf_counter() - began
            self._metrics.send_seconds.of(outcome).observe(seconds)

    async def upload(self, file: SealedFile) -> Uploaded:
        outcome = OK
        try:
            return await self._worker.upload(file)
        except BaseException as error:
            outcome = outcome_of(error)
            raise
        finally:
            self._metrics.uploads.of(outcome).inc()

    async def group_info(self, jid: Jid) -> GroupAnswer:
        with self._asked("group"):
            return await self._worker.group_info(jid)

    async def profile_picture(self, jid: Jid, known_id: str | None) -> PictureAnswer:
        with self._asked("picture"):
            return await self._worker.profile_picture(jid, known_id)

    async def look_up(self, numbers: Sequence[str]) -> Sequence[NumberAnswer]:
        with self._asked("numbers"):
            return await self._worker.look_up(numbers)

    @contextmanager
    def _asked(self, question: str) -> Iterator[None]:
        outcome = OK
        try:
            yield
        except LookupRefused as refusal:
            outcome = refusal.reason.value
            raise
        except BaseException as error:
            outcome = outcome_of(error)
            raise
        finally:
            self._metrics.look_ups.of(question, outcome).inc()

    # --- as they are -----------------------------------------------------------------

    def events(self) -> AsyncIterator[WorkerEvent]:
        return self._worker.events()

    async def connect(self, *, pairing_phone: str | None) -> None:
        await self._worker.connect(pairing_phone=pairing_phone)

    async def may_log_in(self, until: float) -> None:
        await self._worker.may_log_in(until)

    async def mark_read(self, read: OutgoingRead) -> None:
        await self._worker.mark_read(read)

    async def show_typing(self, chat: Jid, typing: Typing) -> None:
        await self._worker.show_typing(chat, typing)

    async def show_online(self, *, online: bool) -> None:
        await self._worker.show_online(online=online)

    async def presences(self) -> Sequence[Presence]:
        return await self._worker.presences()

    async def ping(self) -> None:
        await self._worker.ping()

    async def disconnect(self) -> None:
        await self._worker.disconnect()

    async def log_out(self) -> None:
        await self._worker.log_out()

    async def stop(self) -> None:
        await self._worker.stop()

    async def kill(self) -> None:
        await self._worker.kill()
