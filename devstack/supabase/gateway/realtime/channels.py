"""One joined channel: its rights, its subscriptions and what it is sent.

    joined ──▶ (access_token: re-authorised) ──▶ joined
       │
       ├── phx_leave, or the socket closes ──▶ left
       └── token expired, right to read revoked ──▶ `system` error, phx_close ──▶ left

Source of behaviour and sentences: supabase/realtime `realtime_channel.ex`.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from devstack.supabase.gateway.config import GatewayConfig
from devstack.supabase.gateway.database import Database
from devstack.supabase.gateway.identity import Identity
from devstack.supabase.gateway.realtime import authorisation
from devstack.supabase.gateway.realtime.authorisation import OPAQUE_KEY, Unauthorised
from devstack.supabase.gateway.realtime.changes import ChangeFeed, Subscription
from devstack.supabase.gateway.realtime.frames import (
    Broadcast,
    FramedBroadcast,
    JsonBroadcast,
    Push,
    dumps,
)
from devstack.supabase.gateway.realtime.join_config import (
    ChannelConfig,
    subscription_id,
)
from devstack.supabase.gateway.realtime.subscriptions import (
    InvalidSubscription,
    parse_request,
)
from devstack.supabase.gateway.realtime.topics import Topics
from devstack.supabase.gateway.realtime.visibility import check_request
from devstack.supabase.gateway.refusals import Refusal

PREFIX = "realtime:"
LARGEST_BROADCAST = 3_000_000  # bytes, as on a hosted pro plan
LONGEST_TIMER = 5 * 60.0  # seconds: a token is looked at again at least so often
UNREACHABLE = "Realtime was unable to connect to the project database"


class Wire(Protocol):
    """The socket a channel lives on."""

    def send(
        self,
        topic: str,
        event: str,
        payload: str,
        *,
        ref: str | None = None,
        join_ref: str | None = None,
    ) -> None: ...
    def send_broadcast(self, topic: str, broadcast: Broadcast) -> None: ...
    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Run it beside the socket, at most as long as the socket lives."""

    def forget(self, topic: str) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """What channels share."""

    config: GatewayConfig
    database: Database
    topics: Topics
    feed: ChangeFeed
    capturing: asyncio.Event  # set while changes are captured


class Channel:
    """Listener of its topic and receiver of its changes."""

    def __init__(
        self, join: Push, identity: Identity, wire: Wire, services: Services
    ) -> None:
        self._topic = join.topic
        self._join = join
        self._name = join.topic.removeprefix(PREFIX)
        self._config = ChannelConfig.parse(join.payload)
        self._identity = identity
        self._wire = wire
        self._services = services
        self._may_send: bool | None = None if self._config.private else True
        self._subscriptions: list[Subscription] = []
        self._expiry: asyncio.TimerHandle | None = None

    @classmethod
    async def authorise(
        cls, join: Push, connected_as: Identity, wire: Wire, services: Services
    ) -> Channel:
        """Raises Unauthorised, or Refusal when Postgres is away."""
        token = join.payload.get("access_token") or join.payload.get("user_token")
        identity = connected_as
        if isinstance(token, str) and not token.startswith(OPAQUE_KEY):
            identity = authorisation.authorise_token(token, services.config)
        channel = cls(join, identity, wire, services)
        await channel._require_reading()
        return channel

    def open(self) -> None:
        """Answer the join and start to receive, without a gap between the two."""
        reply = {
            "postgres_changes": [
                {**params, "id": subscription_id(params)}
                for params in self._config.changes
            ]
        }
        self._reply(self._join.ref, "ok", reply)
        self._services.topics.join((self._name, self._config.private), self)
        self._watch_expiry()
        if self._config.presence:
            self._push("presence_state", {})
        if self._config.changes:
            self._wire.spawn(self._subscribe())
        if self._config.replication_ready:
            self._wire.spawn(self._announce_replication())

    def leave(self) -> None:
        """Stop receiving. Idempotent."""
        self._services.topics.leave((self._name, self._config.private), self)
        self._services.feed.remove(self._subscriptions)
        if self._expiry:
            self._expiry.cancel()

    def close(self) -> None:
        """Leave, and say so."""
        self.leave()
        self._wire.forget(self._topic)
        self._wire.send(
            self._topic,
            "phx_close",
            "{}",
            ref=self._join.join_ref,
            join_ref=self._join.join_ref,
        )

    async def handle(self, push: Push) -> None:
        match push.event:
            case "broadcast":
                await self._broadcast(push)
            case "access_token":
                await self._refresh(push.payload.get("access_token"))
            case "presence":
                why = "Presence is not served by the local Realtime"
                self._reply(push.ref, "error", {"reason": why})
            case "phx_leave":
                self._reply(push.ref, "ok", {})
                self.close()
            case _:
                pass  # the real server only logs what it does not know

    def deliver_broadcast(self, broadcast: Broadcast) -> None:
        self._wire.send_broadcast(self._topic, broadcast)

    def deliver_changes(self, ids: Sequence[int], data: str) -> None:
        event = f'{{"ids":{dumps(list(ids))},"data":{data}}}'
        self._wire.send(self._topic, "postgres_changes", event)

    def changes_lost(self) -> None:
        """Changes were missed: say so, and subscribe again when that is possible."""
        self._system("postgres_changes", "error", UNREACHABLE)
        self._wire.spawn(self._subscribe())

    async def _broadcast(self, push: Push) -> None:
        broadcast = push.payload
        if not isinstance(broadcast, FramedBroadcast):
            broadcast = JsonBroadcast(text=dumps(broadcast))
        if not await self._is_sender():
            return  # the real server does not answer either
        if broadcast.size > LARGEST_BROADCAST:
            if self._config.acknowledges:
                self._reply(push.ref, "error", {"reason": "payload_size_exceeded"})
            return
        besides = None if self._config.receives_own else self
        topic = (self._name, self._config.private)
        self._services.topics.broadcast(topic, broadcast, besides)
        if self._config.acknowledges:
            self._reply(push.ref, "ok", {})

    async def _is_sender(self) -> bool:
        if self._may_send is None:
            try:
                self._may_send = await authorisation.may_send(
                    self._services.database, self._identity, self._name
                )
            except Refusal:
                return False  # asked again with the next message
        return self._may_send

    async def _refresh(self, token: object) -> None:
        """A new token: new rights, or the end of the channel."""
        if not isinstance(token, str) or token.startswith(OPAQUE_KEY):
            return
        try:
            identity = authorisation.authorise_token(token, self._services.config)
            if identity.claims == self._identity.claims:
                return
            self._identity = identity
            await self._require_reading()
        except Unauthorised as refused:
            self._shut_down(refused.sentence)
            return
        except Refusal:
            self._shut_down(UNREACHABLE)
            return
        self._may_send = None if self._config.private else True
        self._watch_expiry()
        if self._config.changes:
            await self._subscribe()

    async def _require_reading(self) -> None:
        database = self._services.database
        if self._config.private and not await authorisation.may_receive(
            database, self._identity, self._name
        ):
            raise authorisation.unreadable(self._name)

    def _watch_expiry(self) -> None:
        if self._expiry:
            self._expiry.cancel()
        if expiry := authorisation.expires_at(self._identity):
            rest = min(LONGEST_TIMER, max(0.0, expiry - time.time()))
            loop = asyncio.get_running_loop()
            self._expiry = loop.call_later(rest, self._check_expiry, expiry)

    def _check_expiry(self, expiry: float) -> None:
        if time.time() >= expiry:
            self._shut_down(authorisation.expired(expiry).sentence)
        else:
            self._watch_expiry()

    async def _subscribe(self) -> None:
        """Ask for the changes, as the present identity, once they are captured."""
        await self._services.capturing.wait()
        identity = self._identity
        try:
            subscriptions = [
                await self._subscription(params, identity)
                for params in self._config.changes
            ]
        except InvalidSubscription as invalid:
            self._system("postgres_changes", "error", str(invalid))
            return
        except Refusal:
            self._system("postgres_changes", "error", UNREACHABLE)
            return
        if identity is not self._identity:
            return  # a newer token subscribes by itself
        self._services.feed.remove(self._subscriptions)
        self._subscriptions = subscriptions
        self._services.feed.add(subscriptions)
        self._system("postgres_changes", "ok", "Subscribed to PostgreSQL")

    async def _subscription(
        self, params: Mapping[str, Any], identity: Identity
    ) -> Subscription:
        request = parse_request(params)
        await check_request(self._services.database, request, identity)
        return Subscription(
            id=subscription_id(params),
            request=request,
            identity=identity,
            receiver=self,
        )

    async def _announce_replication(self) -> None:
        await self._services.capturing.wait()
        self._system("system", "ok", "Replication connection established")

    def _shut_down(self, sentence: str) -> None:
        self._system("system", "error", sentence)
        self.close()

    def _system(self, extension: str, status: str, message: str) -> None:
        self._push(
            "system",
            {
                "extension": extension,
                "status": status,
                "message": message,
                "channel": self._name,
            },
        )

    def _push(self, event: str, payload: object) -> None:
        join_ref = self._join.join_ref
        self._wire.send(self._topic, event, dumps(payload), join_ref=join_ref)

    def _reply(self, ref: str | None, status: str, response: object) -> None:
        self._wire.send(
            self._topic,
            "phx_reply",
            dumps({"status": status, "response": response}),
            ref=ref,
            join_ref=self._join.join_ref,
        )
