"""Answers to what clients ask (`<iq>`), by namespace and by the element inside.

What is not in the table is answered with an error and recorded: a client that needs
more than the emulated server knows shows up in the test that runs it.
"""

from __future__ import annotations

from collections.abc import Callable

from devstack.whatsapp.queries import account, app_state, groups, keys, linking, lookups
from devstack.whatsapp.queries.query import Query

__all__ = ["Query", "answer"]

NOT_IMPLEMENTED = (501, "feature-not-implemented")

_TABLE: dict[tuple[str, str], Callable[[Query], None]] = {
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
# Elements that come in any order: the one that decides is found by its presence.
_DECISIVE = ("registration",)


def answer(query: Query) -> None:
    handler = _TABLE.get((query.iq.attr("xmlns"), _subject(query)))
    needs_login = query.iq.attr("xmlns") not in ("md", "w:p")
    if handler is None or (needs_login and query.connection.device is None):
        query.network.unanswered.append(query.iq)
        query.refuse(*NOT_IMPLEMENTED)
        return
    handler(query)


def _subject(query: Query) -> str:
    children = query.iq.children
    for tag in _DECISIVE:
        if query.iq.child(tag) is not None:
            return tag
    return children[0].tag if children else ""
