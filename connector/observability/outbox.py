"""The outbox, with what came of its rows counted."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from itertools import product
from typing import Final

from connector.domain.outgoing import MediaKind, OutboxResult, Outcome
from connector.metrics import Metrics
from connector.ports import Claim, OutboxStore, SessionId, UnsettledRow

# Far more rows than can be in hand; a row that is cut off leaves its kind behind.
MOST_REMEMBERED: Final = 10_000
UNKNOWN: Final = "unknown"  # claimed by an earlier run

_GROUPS: Final = {
    "text": "text",
    **{kind.value: "media" for kind in MediaKind},
    **dict.fromkeys(("location", "contact", "poll"), "card"),
    **dict.fromkeys(("reaction", "edit", "delete"), "change"),
    "forward": "forward",
    **dict.fromkeys(("read", "typing"), "gesture"),
}


def group(kind: str) -> str:
    """The few kinds that fail for different reasons."""
    return _GROUPS.get(kind, UNKNOWN)


class CountingOutbox:
    """Implements OutboxStore by another one."""

    def __init__(
        self,
        outbox: OutboxStore,
        metrics: Metrics,
        runs_here: Callable[[SessionId], bool],
    ) -> None:
        """`runs_here`: what a session left behind that does not is noted for its next run."""
        self._outbox = outbox
        self._runs_here = runs_here
        self._metrics = metrics
        self._groups: OrderedDict[str, str] = OrderedDict()
        self._waiting: dict[SessionId, int] = {}
        for outcome, kind in product(Outcome, {*_GROUPS.values(), UNKNOWN}):
            metrics.sends.of(outcome.value, kind)  # from 0: a rise to 1 is seen

    @property
    def waiting(self) -> int:
        """Results that Supabase was told of, and has not answered for."""
        waiting = list(self._waiting.items())
        return sum(count for key, count in waiting if self._runs_here(key))

    async def exchange(
        self,
        session_id: SessionId,
        term: int,
        lineage: str,
        results: Sequence[OutboxResult],
        claim: int,
    ) -> Claim:
        if results:
            self._waiting[session_id] = len(results)
        claimed = await self._outbox.exchange(session_id, term, lineage, results, claim)
        self._waiting.pop(session_id, None)
        for result in results:
            kind = self._groups.pop(result.id, UNKNOWN)
            self._metrics.sends.of(result.outcome.value, kind).inc()
        for row in claimed.rows:
            self._groups[row.id] = group(row.kind)
        while len(self._groups) > MOST_REMEMBERED:
            self._groups.popitem(last=False)
        return claimed

    async def unsettled(
        self, session_id: SessionId, term: int
    ) -> Sequence[UnsettledRow]:
        return await self._outbox.unsettled(session_id, term)
