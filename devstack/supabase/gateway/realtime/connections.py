"""One client socket: frames in, frames out, and the channels joined on it.

What is to be sent waits in a queue bounded in bytes. A client that does not keep up is
disconnected rather than waited for: it joins again and reads what it missed by REST.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import Coroutine
from typing import Any

from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from devstack.supabase.gateway.identity import Identity
from devstack.supabase.gateway.realtime.authorisation import Unauthorised
from devstack.supabase.gateway.realtime.channels import (
    PREFIX,
    UNREACHABLE,
    Channel,
    Services,
)
from devstack.supabase.gateway.realtime.frames import (
    Broadcast,
    Codec,
    Frame,
    MalformedFrame,
    Push,
    dumps,
)
from devstack.supabase.gateway.refusals import Refusal

log = logging.getLogger(__name__)
MOST_CHANNELS = 100  # per connection, as hosted
MOST_QUEUED = 16 * 1024 * 1024  # bytes
SEND_TIMEOUT = 30.0  # seconds until a client that takes nothing is given up
CLOSE_TIMEOUT = 1.0
NORMAL, POLICY_VIOLATION, INVALID_PAYLOAD = 1000, 1008, 1007


class Outbox:
    """Frames waiting to be sent, at most MOST_QUEUED bytes of them."""

    def __init__(self, most: int = MOST_QUEUED) -> None:
        self._frames: deque[Frame] = deque()
        self._most = most
        self._queued = 0
        self._changed = asyncio.Event()
        self.overflowed = False

    def put(self, frame: Frame) -> None:
        self._queued += len(frame)
        self._frames.append(frame)
        self._changed.set()
        if self._queued > self._most:
            self.overflowed = True
            self._frames.clear()

    async def get(self) -> Frame | None:
        """The next frame; None once too many were waiting."""
        while not self._frames and not self.overflowed:
            self._changed.clear()
            await self._changed.wait()
        if self.overflowed:
            return None
        frame = self._frames.popleft()
        self._queued -= len(frame)
        return frame


class Connection:
    """The Wire of its channels."""

    def __init__(
        self, socket: WebSocket, codec: Codec, identity: Identity, services: Services
    ) -> None:
        self._socket = socket
        self._codec = codec
        self._identity = identity
        self._services = services
        self._outbox = Outbox()
        self._channels: dict[str, Channel] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Serve until either side closes."""
        await self._socket.accept()
        reader = asyncio.create_task(self._read())
        writer = asyncio.create_task(self._write())
        self._tasks |= {reader, writer}
        try:
            await asyncio.wait({reader, writer}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            await self._end()

    def send(
        self,
        topic: str,
        event: str,
        payload: str,
        *,
        ref: str | None = None,
        join_ref: str | None = None,
    ) -> None:
        frame = self._codec.encode(topic, event, payload, ref=ref, join_ref=join_ref)
        self._outbox.put(frame)

    def send_broadcast(self, topic: str, broadcast: Broadcast) -> None:
        frame = self._codec.encode_broadcast(topic, broadcast)
        if frame is not None:
            self._outbox.put(frame)

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._finished)

    def forget(self, topic: str) -> None:
        self._channels.pop(topic, None)

    async def _read(self) -> None:
        while True:
            message = await self._socket.receive()
            if message["type"] != "websocket.receive":
                return
            frame = message.get("text")
            frame = message["bytes"] if frame is None else frame
            try:
                await self._handle(self._codec.decode(frame))
            except MalformedFrame:
                await self._close(INVALID_PAYLOAD)
                return

    async def _write(self) -> None:
        while (frame := await self._outbox.get()) is not None:
            try:
                async with asyncio.timeout(SEND_TIMEOUT):
                    if isinstance(frame, str):
                        await self._socket.send_text(frame)
                    else:
                        await self._socket.send_bytes(frame)
            except (TimeoutError, WebSocketDisconnect, RuntimeError):
                return  # gone; RuntimeError is Starlette's word for "already closed"
        log.warning("a Realtime client did not keep up and was disconnected")
        await self._close(POLICY_VIOLATION)

    async def _handle(self, push: Push) -> None:
        if push.topic == "phoenix":
            self._reply(push, "ok", {})
        elif push.event == "phx_join":
            await self._join(push)
        elif channel := self._channels.get(push.topic):
            await channel.handle(push)
        elif push.event == "phx_leave":
            self._reply(push, "ok", {})
        else:
            self._reply(push, "error", {"reason": "unmatched topic"})

    async def _join(self, push: Push) -> None:
        if earlier := self._channels.get(push.topic):
            earlier.close()
        if fault := self._join_fault(push.topic):
            self._reply(push, "error", {"reason": fault})
            return
        try:
            channel = await Channel.authorise(
                push, self._identity, self, self._services
            )
        except Unauthorised as refused:
            self._reply(push, "error", {"reason": refused.reason})
        except Refusal:
            reason = f"UnableToConnectToProject: {UNREACHABLE}"
            self._reply(push, "error", {"reason": reason})
        else:
            self._channels[push.topic] = channel
            channel.open()

    def _join_fault(self, topic: str) -> str | None:
        if not topic.startswith(PREFIX):
            return "unmatched topic"
        if topic == PREFIX:
            return "TopicNameRequired: You must provide a topic name"
        if len(self._channels) >= MOST_CHANNELS:
            return "ChannelRateLimitReached: Too many channels"
        return None

    def _reply(self, push: Push, status: str, response: object) -> None:
        payload = dumps({"status": status, "response": response})
        self.send(
            push.topic, "phx_reply", payload, ref=push.ref, join_ref=push.join_ref
        )

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()):
            log.error("a channel's work failed", exc_info=error)

    async def _end(self) -> None:
        for channel in list(self._channels.values()):
            channel.leave()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        for outcome in await asyncio.gather(*tasks, return_exceptions=True):
            if isinstance(outcome, Exception):
                log.error("a Realtime connection failed", exc_info=outcome)
        await self._close(NORMAL)

    async def _close(self, code: int) -> None:
        if self._socket.application_state is WebSocketState.CONNECTED:
            with contextlib.suppress(TimeoutError, WebSocketDisconnect, RuntimeError):
                async with asyncio.timeout(CLOSE_TIMEOUT):
                    await self._socket.close(code)
