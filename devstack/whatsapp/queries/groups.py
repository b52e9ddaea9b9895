"""Questions about groups."""

from __future__ import annotations

from devstack.whatsapp.queries.query import ITEM_NOT_FOUND, REFUSALS, Query
from devstack.whatsapp.wire.nodes import Node


def describe(query: Query) -> None:
    group = query.network.group_at(query.iq.jid("to"))
    if group is None or group.is_deleted:
        query.refuse(*ITEM_NOT_FOUND)
        return
    group.asked_about += 1
    if query.device.person not in group.members:
        query.refuse(*REFUSALS[403])
    else:
        query.answer(group.describe())


def participating(query: Query) -> None:
    person = query.device.person
    mine = [g for g in query.network.groups.values() if person in g.members]
    query.answer(Node("groups", {}, [group.describe() for group in mine]))
