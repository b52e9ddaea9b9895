"""`/realtime/v1`: the socket, and broadcasting by HTTP."""

from __future__ import annotations

import json
from collections import defaultdict
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.websockets import WebSocket

from devstack.supabase.gateway.context import Context
from devstack.supabase.gateway.identity import Identity, identify, identify_key
from devstack.supabase.gateway.realtime import authorisation
from devstack.supabase.gateway.realtime.channels import LARGEST_BROADCAST
from devstack.supabase.gateway.realtime.connections import Connection
from devstack.supabase.gateway.realtime.frames import (
    Broadcast,
    FramedBroadcast,
    JsonBroadcast,
    codec_for,
    dumps,
)
from devstack.supabase.gateway.realtime.hub import Hub
from devstack.supabase.gateway.refusals import Refusal


def realtime_routes(context: Context) -> list[BaseRoute]:
    endpoint = RealtimeEndpoint(context)
    base = "/realtime/v1"
    return [
        WebSocketRoute(f"{base}/websocket", endpoint.connect),
        Route(f"{base}/api/broadcast", endpoint.broadcast_many, methods=["POST"]),
        Route(
            f"{base}/api/broadcast/{{topic}}/events/{{event}}",
            endpoint.broadcast_one,
            methods=["POST"],
        ),
    ]


class RealtimeEndpoint:
    def __init__(self, context: Context) -> None:
        self._context = context

    async def connect(self, socket: WebSocket) -> None:
        key = socket.headers.get("x-api-key") or socket.query_params.get("apikey")
        try:
            identity = identify_key(key, self._context.config)
        except Refusal as refusal:
            answer = JSONResponse({"error": refusal.body["message"]}, refusal.status)
            await socket.send_denial_response(answer)
            return
        codec = codec_for(socket.query_params.get("vsn", "1.0.0"))
        await Connection(socket, codec, identity, self._hub.services).run()

    async def broadcast_many(self, request: Request) -> Response:
        """`{"messages": [{topic, event, payload, private}]}`; 202 says no more than
        that it was understood: what may not be sent is dropped silently, as hosted.
        """
        identity = self._identify(request)
        messages = _messages(await request.body())
        permitted: defaultdict[str, bool | None] = defaultdict(lambda: None)
        for message in messages:
            topic, private = message["topic"], message.get("private") is True
            if private and permitted[topic] is None:
                permitted[topic] = await self._may_send(identity, topic)
            if permitted[topic] or not private:
                broadcast = JsonBroadcast(text=_as_broadcast(message))
                self._hub.topics.broadcast((topic, private), broadcast)
        return Response(status_code=202)

    async def broadcast_one(self, request: Request) -> Response:
        """The body is the payload: JSON, or bytes as application/octet-stream."""
        identity = self._identify(request)
        topic = request.path_params["topic"]
        private = request.query_params.get("private") == "true"
        if private and not await self._may_send(identity, topic):
            why = "You do not have permissions to write to this Channel topic"
            raise Refusal(403, {"message": why})
        broadcast: Broadcast = FramedBroadcast(
            event=request.path_params["event"],
            payload=await request.body(),
            is_json=_is_json(request),
        )
        if isinstance(broadcast, FramedBroadcast) and broadcast.is_json:
            _parsed(broadcast.payload)
        self._hub.topics.broadcast((topic, private), broadcast)
        return Response(status_code=202)

    @property
    def _hub(self) -> Hub:
        hub: Hub = self._context.hub
        return hub

    def _identify(self, request: Request) -> Identity:
        return identify(request.headers, request.query_params, self._context.config)

    async def _may_send(self, identity: Identity, topic: str) -> bool:
        return await authorisation.may_send(self._context.database, identity, topic)


def _is_json(request: Request) -> bool:
    kind = request.headers.get("content-type", "application/json")
    return not kind.startswith("application/octet-stream")


def _messages(body: bytes) -> list[dict[str, Any]]:
    """The batch, checked whole before any of it is sent. Raises Refusal 422."""
    parsed = _parsed(body)
    messages = parsed.get("messages") if isinstance(parsed, dict) else None
    if not isinstance(messages, list) or not messages:
        raise Refusal(422, {"errors": {"messages": ["can't be blank"]}})
    faults = [_faults(message) for message in messages]
    if any(faults):
        raise Refusal(422, {"errors": {"messages": faults}})
    return messages


def _faults(message: object) -> dict[str, list[str]]:
    if not isinstance(message, dict):
        return {"message": ["is invalid"]}
    faults = {
        name: ["can't be blank"]
        for name, kind in (("topic", str), ("event", str), ("payload", dict))
        if not isinstance(message.get(name), kind)
    }
    if "payload" not in faults and len(dumps(message["payload"])) > LARGEST_BROADCAST:
        faults["payload"] = ["Payload size exceeds tenant limit"]
    return faults


def _parsed(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError as error:
        raise Refusal(400, {"message": "The body is not JSON"}) from error


def _as_broadcast(message: dict[str, Any]) -> str:
    broadcast = {
        "type": "broadcast",
        "event": message["event"],
        "payload": message["payload"],
    }
    if isinstance(message.get("id"), str):
        broadcast["meta"] = {"id": message["id"]}
    return dumps(broadcast)
