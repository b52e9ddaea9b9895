"""Answers to what clients ask (`<iq>`), by namespace and by the element inside.

What is not in the table is answered with an error and recorded: a client that needs
more than the emulated server knows shows up in the test that runs it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeAlias

from devstack.whatsapp.faults import Subject
from devstack.whatsapp.queries import account, app_state, groups, keys, linking, lookups
from devstack.whatsapp.queries.query import REFUSALS, Query
from devstack.whatsapp.wire.nodes import Jid

__all__ = ["Query", "answer"]

Handler: TypeAlias = Callable[[Query], None]
NOT_IMPLEMENTED = (501, "feature-not-implemented")

_TABLE: dict[tuple[str, str], Handler] = {
    ("w:p", ""): account.ping,
    ("w:p", "ping"): account.ping,
    ("passive", "active"): account.activate,
    ("passive", "passive"): account.ping,
    ("w:m", "media_conn"): account.media_connection,
    ("w:profile:picture", "picture"): account.picture,
    ("privacy", "privacy"): account.privacy,
    ("privacy", "tokens"): account.ping,
    ("blocklist", ""): account.blocklist,
    ("abt", "props"): account.properties,
    ("encrypt", "count"): keys.count,
    ("encrypt", "digest"): keys.digest,
    ("encrypt", "rotate"): keys.rotate,
    ("encrypt", "registration"): keys.upload,
    ("encrypt", "key"): keys.fetch,
    ("usync", "usync"): lookups.look_up,
    ("w:g2", "query"): groups.describe,
    ("w:g2", "participating"): groups.participating,
    ("w:sync:app:state", "sync"): app_state.synchronise,
    ("md", "remove-companion-device"): linking.remove,
    ("md", "link_code_companion_reg"): linking.link_by_code,
}
_LOOK_UPS: dict[tuple[str, str], Subject] = {
    ("w:g2", "query"): "group",
    ("w:g2", "participating"): "groups",
    ("w:profile:picture", "picture"): "picture",
    ("usync", "usync"): "number",  # other usyncs belong to sending
}
# Elements that come in any order: the one that decides is found by its presence.
_DECISIVE = ("registration",)


def answer(query: Query) -> None:
    handler = _TABLE.get((query.iq.attr("xmlns"), _subject(query)))
    needs_login = query.iq.attr("xmlns") not in ("md", "w:p")
    if handler is None or (needs_login and query.connection.device is None):
        query.network.unanswered.append(query.iq)
        query.refuse(*NOT_IMPLEMENTED)
        return
    subject = _LOOK_UPS.get((query.iq.attr("xmlns"), _subject(query)))
    about = _about(query, subject) if subject is not None else []
    if subject is None or not about:
        handler(query)
    else:
        _look_up(query, subject, about, handler)


def _look_up(
    query: Query, subject: Subject, about: list[Jid | str], handler: Handler
) -> None:
    """Keep what is looked up; refuse it, or take some time, as the faults say."""
    network = query.network
    code = network.faults.refusals.take(subject)
    network.look_ups.add(query.device, subject, about, code)
    network.look_ups.begin()

    def finish() -> None:
        network.look_ups.end()
        if code is None:
            handler(query)
        else:
            query.refuse(*REFUSALS[code])
        network.happenings.note()

    if network.faults.look_ups_take:
        loop = asyncio.get_running_loop()
        loop.call_later(network.faults.look_ups_take, finish)
    else:
        finish()


def _about(query: Query, subject: Subject) -> list[Jid | str]:
    match subject:
        case "group" | "groups":
            return [query.iq.jid("to")]
        case "picture":
            return [query.iq.jid("target")]
        case "number":
            listed = query.subject.child("list")
            users = listed.children if listed else []
            asked = [user for user in users if user.child("contact") is not None]
            return [user.data("contact").decode() for user in asked]


def _subject(query: Query) -> str:
    children = query.iq.children
    for tag in _DECISIVE:
        if query.iq.child(tag) is not None:
            return tag
    return children[0].tag if children else ""
