"""From captured changes to the subscribers who may see them.

A batch costs one visibility query per table and distinct caller, and one query per
table to write its rows as JSON; all run side by side. Events leave in commit order.
Killed here: the batch is lost for subscribers, who are told that they were cut off.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias

from devstack.supabase.gateway.database import Database
from devstack.supabase.gateway.identity import Identity
from devstack.supabase.gateway.realtime import records
from devstack.supabase.gateway.realtime.captured import CapturedChange
from devstack.supabase.gateway.realtime.records import Rendered
from devstack.supabase.gateway.realtime.replication import ChangeKind
from devstack.supabase.gateway.realtime.subscriptions import ChangeRequest, Filter
from devstack.supabase.gateway.realtime.tables import Table, learn_selectable
from devstack.supabase.gateway.realtime.visibility import Question
from devstack.supabase.gateway.refusals import Refusal

log = logging.getLogger(__name__)
QUERIES_AT_ONCE = 4  # leaves connections for requests


class Receiver(Protocol):
    """Neither method blocks or raises."""

    def deliver_changes(self, ids: Sequence[int], data: str) -> None:
        """Queue one event; `data` is JSON text."""

    def changes_lost(self) -> None:
        """Its subscriptions are gone: changes were missed."""


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Subscription:
    id: int
    request: ChangeRequest
    identity: Identity
    receiver: Receiver


@dataclass(slots=True)
class _Audience:
    """Those who ask the same question of the same rows: one query answers them all."""

    table: Table
    identity: Identity | None  # None: no policy applies, only filters
    changes: dict[CapturedChange, None] = field(default_factory=dict)  # ordered
    filters: dict[tuple[Filter, ...], None] = field(default_factory=dict)

    async def passing(self, database: Database) -> _Passing:
        changes, filters = list(self.changes), list(self.filters)
        question = Question(
            table=self.table,
            identity=self.identity,
            rows=[change.subject for change in changes],
            filters=filters,
        )
        try:
            answers = await question.ask(database)
        except Refusal as refusal:
            code = refusal.body.get("code")
            log.warning("rows of %s hidden: policy failed, %s", self.table.name, code)
            return {}
        return {
            entry: {changes[place] for place in places}
            for entry, places in zip(filters, answers, strict=True)
        }


_Passing: TypeAlias = dict[tuple[Filter, ...], set[CapturedChange]]
_AudienceKey: TypeAlias = tuple[Table, bool, str]


class ChangeFeed:
    """The subscriptions of all channels, and the delivery to them."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._subscriptions: dict[Subscription, None] = {}  # ordered
        self._queries = asyncio.Semaphore(QUERIES_AT_ONCE)

    def add(self, subscriptions: Iterable[Subscription]) -> None:
        self._subscriptions.update(dict.fromkeys(subscriptions))

    def remove(self, subscriptions: Iterable[Subscription]) -> None:
        for subscription in subscriptions:
            self._subscriptions.pop(subscription, None)

    def lose(self) -> None:
        """Changes were missed: end every subscription and say so."""
        receivers = {subscription.receiver for subscription in self._subscriptions}
        self._subscriptions.clear()
        for receiver in receivers:
            receiver.changes_lost()

    def wants(self, table: Table) -> bool:
        """Whether anybody asks about this table at all."""
        return any(
            subscription.request.concerns(table.schema, table.name)
            for subscription in self._subscriptions
        )

    async def deliver(self, batch: Sequence[CapturedChange]) -> None:
        """Queue every event of the batch. Raises Refusal when Postgres is away."""
        wanted = self._wanted(batch)
        if not wanted:
            return
        await self._learn_privileges(wanted)
        audiences = _audiences(wanted)
        rendered, passing = await asyncio.gather(
            self._rendered(wanted),
            asyncio.gather(*map(self._passing, audiences.values())),
        )
        passed = dict(zip(audiences, passing, strict=True))
        for change, asking in wanted.items():
            _send_refusals(change, asking)
            allowed = [s for s in asking if _is_allowed(change, s, passed)]
            _send(rendered[change], allowed)

    def _wanted(
        self, batch: Sequence[CapturedChange]
    ) -> dict[CapturedChange, list[Subscription]]:
        asking: dict[tuple[Table, str], list[Subscription]] = {}
        for change in batch:
            table, kind = change.table, change.kind
            if (table, kind) not in asking:
                asking[table, kind] = [
                    subscription
                    for subscription in self._subscriptions
                    if subscription.request.wants(kind, table.schema, table.name)
                ]
        return {
            change: subscriptions
            for change in batch
            if (subscriptions := asking[change.table, change.kind])
        }

    async def _learn_privileges(
        self, wanted: Mapping[CapturedChange, list[Subscription]]
    ) -> None:
        for change, asking in wanted.items():
            for role in {subscription.identity.role for subscription in asking}:
                if role not in change.table.selectable:
                    await learn_selectable(self._database, change.table, role)

    async def _passing(self, audience: _Audience) -> _Passing:
        async with self._queries:
            return await audience.passing(self._database)

    async def _rendered(
        self, wanted: Iterable[CapturedChange]
    ) -> dict[CapturedChange, Rendered]:
        by_table: dict[Table, list[CapturedChange]] = {}
        for change in wanted:
            by_table.setdefault(change.table, []).append(change)
        rendered: dict[CapturedChange, Rendered] = {}
        for table, changes in by_table.items():
            rows = [row for change in changes for row in change.rows()]
            cells = iter(await records.render(self._database, table, rows))
            for change in changes:
                rendered[change] = change.rendered(cells)
        return rendered


def _audiences(
    wanted: Mapping[CapturedChange, list[Subscription]],
) -> dict[_AudienceKey, _Audience]:
    audiences: dict[_AudienceKey, _Audience] = {}
    for change, asking in wanted.items():
        for subscription in asking:
            if _fault(change, subscription.identity.role):
                continue
            key = _audience_key(change, subscription)
            identity = subscription.identity if key[2] else None
            audience = audiences.setdefault(key, _Audience(change.table, identity))
            audience.changes[change] = None
            audience.filters[subscription.request.filters] = None
    return audiences


def _audience_key(change: CapturedChange, subscription: Subscription) -> _AudienceKey:
    deleted = change.kind is ChangeKind.DELETE
    checked = change.table.has_row_security and not deleted
    return change.table, deleted, subscription.identity.claims_json if checked else ""


def _is_allowed(
    change: CapturedChange,
    subscription: Subscription,
    passed: Mapping[_AudienceKey, _Passing],
) -> bool:
    passing = passed.get(_audience_key(change, subscription), {})
    return change in passing.get(subscription.request.filters, ())


def _fault(change: CapturedChange, role: str) -> str | None:
    """Why no row of the table can be shown to the role at all."""
    table = change.table
    if change.kind is ChangeKind.DELETE:
        return None
    keys = {table.columns[place].name for place in table.keys}
    if not keys:
        return "Error 400: Bad Request, no primary key"
    if not keys <= table.selectable[role]:
        return "Error 401: Unauthorized"
    return None


def _send_refusals(change: CapturedChange, asking: Sequence[Subscription]) -> None:
    for subscription in asking:
        if fault := _fault(change, subscription.identity.role):
            data = records.refusal(change.table, change.kind, fault)
            subscription.receiver.deliver_changes([subscription.id], data)


def _send(rendered: Rendered, allowed: Sequence[Subscription]) -> None:
    """One event per receiver and selection of columns, naming all its subscriptions."""
    texts: dict[frozenset[str], str] = {}
    ids: dict[tuple[Receiver, frozenset[str]], list[int]] = {}
    for subscription in allowed:
        names = _shown(rendered, subscription)
        ids.setdefault((subscription.receiver, names), []).append(subscription.id)
    for (receiver, names), matching in ids.items():
        if names not in texts:
            texts[names] = rendered.data(names)
        receiver.deliver_changes(matching, texts[names])


def _shown(rendered: Rendered, subscription: Subscription) -> frozenset[str]:
    table = rendered.table
    names = table.selectable[subscription.identity.role]
    if subscription.request.columns is None:
        return names
    keys = {table.columns[place].name for place in table.keys}
    return names & (subscription.request.columns | keys)
