"""Linking by eight letters, the client's part, and unlinking itself."""

from __future__ import annotations

import asyncio
import secrets

from devstack.whatsapp.queries.query import Query
from devstack.whatsapp.registration import CodeEntry
from devstack.whatsapp.wire.errors import DecodeError
from devstack.whatsapp.wire.nodes import Node

WRAPPED = "link_code_pairing_wrapped_companion_ephemeral_pub"


def remove(query: Query) -> None:
    """The client logs itself out."""
    device = query.device
    query.answer()
    device.person.devices.pop(device.number, None)
    query.network.happenings.note()


def link_by_code(query: Query) -> None:
    match query.subject.attr("stage"):
        case "companion_hello":
            _hello(query)
        case "companion_finish":
            _finish(query)
        case stage:
            raise DecodeError(f"linking by code has no stage {stage}")


def _hello(query: Query) -> None:
    registration = query.connection.registration
    if registration is None:
        raise DecodeError("a client that is linked cannot offer a code")
    entry = CodeEntry(
        ref=secrets.token_urlsafe(40).encode(),
        jid=query.subject.jid("jid"),
        wrapped_ephemeral=query.subject.data(WRAPPED),
        finished=asyncio.get_running_loop().create_future(),
    )
    registration.code_entry = entry
    ref = Node("link_code_pairing_ref", {}, entry.ref)
    query.answer(Node("link_code_companion_reg", {"stage": "companion_hello"}, [ref]))
    query.network.happenings.note()


def _finish(query: Query) -> None:
    registration = query.connection.registration
    if registration is None or registration.code_entry is None:
        raise DecodeError("there is no code to finish with")
    query.answer()
    if not registration.code_entry.finished.done():
        registration.code_entry.finished.set_result(query.subject)
