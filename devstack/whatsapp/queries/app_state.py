"""Synchronising settings and saved contacts between a phone and its devices."""

from __future__ import annotations

from devstack.whatsapp.queries.query import Query
from devstack.whatsapp.wire.nodes import Node


def synchronise(query: Query) -> None:
    phone = query.device.person.phone
    answers = [
        phone.app_state.answer(collection, query.network.media.put)
        for collection in query.subject.children
    ]
    for answer in answers:
        phone.settings_changed.extend(answer.accepted)
    query.answer(Node("sync", {}, [answer.node for answer in answers]))
    query.network.happenings.note()
