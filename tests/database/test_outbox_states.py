"""Whatever happens to rows of the outbox, in whatever order and how often: none goes back."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import asyncpg
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.database.conversation import message, messages, receipt
from tests.database.outbox import queue, queue_kind
from tests.database.scene import Connection, Row, Session, exchange, store

SENT: Final = frozenset({"sent", "delivered", "read"})
FORWARD: Final[Mapping[str, frozenset[str]]] = {
    "queued": frozenset({"claimed", "sending", "expired", "cancelled"}) | SENT,
    "claimed": frozenset({"sending", "failed", "uncertain"}) | SENT,
    "sending": frozenset({"failed", "uncertain"}) | SENT,
    # A late word may still prove that it was sent after all.
    "uncertain": SENT,
    "failed": SENT,
    "cancelled": SENT,
    "expired": SENT,
    "sent": frozenset({"delivered", "read"}),
    "delivered": frozenset({"read"}),
    "read": frozenset(),
}
GIVEN_BACK: Final = frozenset({"retry", "released", "paused"})
OUTCOMES: Final = (
    "sent",
    "failed",
    "awaiting_receipt",
    "uncertain",
    *sorted(GIVEN_BACK),
)
KNOWING: Final = frozenset({"sent", "awaiting_receipt"})
DOUBTS: Final = ("awaiting_receipt", "uncertain")
STATUSES: Final = ("pending", "failed", "sent", "delivered", "read")


@dataclasses.dataclass(frozen=True, slots=True)
class Step:
    """Something that is said of one of two rows."""

    name: str
    row: int = 0
    detail: str = ""
    claims: int = 0  # how many claims before the newest a result is about

    def takes_back(self, row: int, state: str) -> bool:
        """Whether this may return the row to the queue."""
        if row != self.row:
            return False
        if self.name == "result":
            begun = state in {"claimed", "sending"}
            return begun and self.detail in GIVEN_BACK and self.claims == 0
        return state == "uncertain" and (self.name, self.detail) == ("resolve", "retry")


ROWS = st.integers(0, 1)
LATE = st.sampled_from([0, 0, 0, 1])
TICKS = st.sampled_from(["delivered", "read", "unknown"])
STEPS = st.one_of(
    st.builds(Step, st.sampled_from(["claim", "cancel", "settle", "expire"]), ROWS),
    st.builds(Step, st.just("result"), ROWS, st.sampled_from(OUTCOMES), LATE),
    st.builds(Step, st.just("result"), ROWS, st.sampled_from(DOUBTS), LATE),
    st.builds(Step, st.just("receipt"), ROWS, TICKS),
    st.builds(Step, st.just("resolve"), ROWS, st.sampled_from(["sent", "retry"])),
)


@settings(
    max_examples=80,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(steps=st.lists(STEPS, min_size=5, max_size=15))
async def test_no_row_ever_goes_back(
    leased: Session, service: Connection, steps: list[Step]
) -> None:
    attempt = service.transaction()
    await attempt.start()
    try:
        outbox = await Outbox.filled(service, leased)
        for step in (Step("claim"), *steps):
            before = await outbox.rows()
            await outbox.take(step)
            after = await outbox.rows()
            check(before, after, step)
            if step.name != "claim":
                await outbox.take(step)
                assert await outbox.rows() == after
    finally:
        await attempt.rollback()


def check(before: Sequence[Row], after: Sequence[Row], step: Step) -> None:
    for row, (old, new) in enumerate(zip(before, after, strict=True)):
        if new["state"] == "queued" and step.takes_back(row, old["state"]):
            assert new["claims"] == old["claims"]
        elif new["state"] != old["state"]:
            assert new["state"] in FORWARD[old["state"]], step
        check_message(old, new, contested=is_contested(after))
    # A message is of one row, unless the connector says later that it is of another.
    assert not is_contested(after) or is_contested(before) or step.detail in KNOWING


def is_contested(rows: Sequence[Row]) -> bool:
    """Whether two rows are said to have sent one message."""
    known = [row["whatsapp_id"] for row in rows if row["whatsapp_id"] is not None]
    return len(set(known)) < len(known)


def check_message(old: Row, new: Row, *, contested: bool) -> None:
    """The message that shows the row says the same, and goes back no more than it."""
    if new["status"] is None:
        # It speaks for no row, or was taken back.
        assert old["status"] is None or new["state"] == "cancelled"
        return
    assert STATUSES.index(new["status"]) >= STATUSES.index(old["status"])
    if contested:
        return
    if new["state"] in SENT:
        assert new["status"] == new["state"]
    else:
        failed = new["state"] in {"failed", "expired", "cancelled"}
        assert new["status"] == ("failed" if failed else "pending")
        assert new["message_error"] == new["error_code"]


@dataclasses.dataclass(frozen=True, slots=True)
class Outbox:
    connection: Connection
    session: Session
    ids: Sequence[str]

    @classmethod
    async def filled(cls, connection: Connection, session: Session) -> Outbox:
        await store(connection, session, messages(message("BOBS")))
        named = await connection.fetchval("select id::text from wa_messages")
        payload = {"message_id": named, "emoji": "👍"}
        ids = [
            *await queue(connection, session, "one"),
            await queue_kind(connection, session, "reaction", payload),
        ]
        return cls(connection, session, ids)

    async def rows(self) -> list[dict[str, Any]]:
        found = await self.connection.fetch(
            """select entry.*, message.status, message.error_code as message_error,
            message.whatsapp_id as shown_id, message.sent_at as shown_at
            from wa_outbox as entry
            left join wa_messages as message on message.id = entry.message_id
            order by entry.seq"""
        )
        return [dict(row) for row in found]

    async def take(self, step: Step) -> None:
        """Do it; what is refused leaves everything as it was."""
        row_id = self.ids[step.row]
        match step.name:
            case "claim":
                await exchange(self.connection, self.session, limit=2)
            case "result":
                await exchange(
                    self.connection, self.session, await self.result(step), limit=0
                )
            case "receipt":
                await store(self.connection, self.session, tick(step))
            case "settle":
                await self.pass_time("settle_by", row_id)
            case "expire":
                await self.pass_time("expires_at", row_id)
            case "cancel":
                await self.decide("wa_cancel_outbox($1)", row_id)
            case _:
                await self.decide("wa_resolve_outbox($1, $2)", row_id, step.detail)

    async def result(self, step: Step) -> Row:
        row_id = self.ids[step.row]
        query = "select claims from wa_outbox where id = $1"
        knows_id = step.detail in KNOWING
        return {
            "id": row_id,
            "outcome": step.detail,
            "claims": await self.connection.fetchval(query, row_id) - step.claims,
            "whatsapp_id": f"3EB0{step.row}" if knows_id else None,
            "code": "refused",
        }

    async def pass_time(self, column: str, row_id: str) -> None:
        await self.connection.execute(
            # One of two names of this file's own.
            f"""update wa_outbox set {column} = now() where id = $1
            and state = '{"queued" if column == "expires_at" else "sending"}'
            and {column} is {"null" if column == "expires_at" else "not null"}""",  # noqa: S608
            row_id,
        )
        await exchange(self.connection, self.session, limit=0)

    async def decide(self, call: str, *arguments: str) -> None:
        try:
            async with self.connection.transaction():
                # One of two calls of this file's own.
                await self.connection.fetch(f"select * from {call}", *arguments)  # noqa: S608
        except asyncpg.InvalidParameterValueError:
            return


def tick(step: Step) -> Row:
    """A receipt for a row's id, or for a message that nobody recorded."""
    unknown = step.detail == "unknown"
    at = (datetime.now(UTC) + timedelta(seconds=5)).isoformat()
    return {
        "receipts": [
            receipt(
                f"3EB0{'U' if unknown else ''}{step.row}",
                "delivered" if unknown else step.detail,
                at=at,
            )
        ]
    }
