"""Questions about groups."""

from __future__ import annotations

from devstack.whatsapp.queries.account import ITEM_NOT_FOUND
from devstack.whatsapp.queries.query import Query
from devstack.whatsapp.wire.nodes import Node

FORBIDDEN = (403, "forbidden")


def describe(query: Query) -> None:
    group = query.network.group_at(query.iq.jid("to"))
    if group is None:
        query.refuse(*ITEM_NOT_FOUND)
    elif query.device.person not in group.members:
        query.refuse(*FORBIDDEN)
    else:
        query.answer(group.description())


def participating(query: Query) -> None:
    person = query.device.person
    mine = [g for g in query.network.groups.values() if person in g.members]
    query.answer(Node("groups", {}, [group.description() for group in mine]))
