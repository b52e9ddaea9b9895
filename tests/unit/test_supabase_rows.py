"""How Supabase's answers and failures are read."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import httpx
import pytest
from postgrest.exceptions import APIError

from connector.adapters.supabase import rows
from connector.adapters.supabase.client import SupabaseClient
from connector.adapters.supabase.failures import translated
from connector.adapters.supabase.intake import SupabaseIntake
from connector.adapters.supabase.leases import SupabaseLeases
from connector.clock import SystemClock
from connector.errors import (
    ConnectorError,
    InputRefused,
    KeyRefused,
    LeaseLost,
    OverQuota,
    SchemaMissing,
    SupabaseBusy,
    SupabasePaused,
    SupabaseRefused,
    SupabaseUnavailable,
)
from connector.ports import SessionId

FAILURES = [
    ("ZB001", LeaseLost),
    ("503", SupabaseUnavailable),
    ("502", SupabaseUnavailable),
    ("429", SupabaseBusy),
    ("540", SupabasePaused),
    ("57P01", SupabaseUnavailable),
    ("08006", SupabaseUnavailable),
    ("40001", SupabaseUnavailable),
    ("PGRST001", SupabaseUnavailable),
    ("401", KeyRefused),
    ("402", OverQuota),
    ("413", InputRefused),
    ("22P02", InputRefused),
    ("23514", InputRefused),
    ("25006", OverQuota),  # read-only: the disk of the database is full
    ("PGRST202", SchemaMissing),  # no such function: a schema not reloaded yet
    ("42501", SupabaseRefused),
    ("PGRST301", KeyRefused),
    (None, SupabaseUnavailable),  # none of PostgREST's: something before it
]


def test_every_failure_says_whether_waiting_helps() -> None:
    for code, error in FAILURES:
        refusal = APIError({"code": code, "message": "5511912345678 says oi"})

        meant = translated(refusal)

        assert type(meant) is error, code
        assert "5511912345678" not in str(meant), code


@pytest.mark.parametrize(
    "answer", [{"value": "<html>5511912345678</html>"}, {"session_id": 5511912345678}]
)
def test_an_answer_of_somebody_else_is_refused_and_not_quoted(
    answer: dict[str, object],
) -> None:
    with pytest.raises(SupabaseRefused) as refusal:
        rows.LeaseRow.read(answer)

    assert "5511912345678" not in str(refusal.value)


async def test_what_no_utf_8_can_say_is_refused_and_not_tried_for_ever() -> None:
    answers = httpx.MockTransport(lambda _: httpx.Response(200, json=None))
    client = SupabaseClient("http://127.0.0.1:1", "sb_secret_x", answers)

    with pytest.raises(InputRefused):
        await client.call("wa_store_batch", {"p_batch": {"body": "\ud83d"}})

    await client.aclose()


@pytest.mark.parametrize(
    ("status", "error"),
    [
        *((status, SupabaseUnavailable) for status in (408, 502, 503, 504, 520, 544)),
        (429, SupabaseBusy),
        (540, SupabasePaused),
        (401, KeyRefused),
        (402, OverQuota),
        (403, KeyRefused),
    ],
)
async def test_a_gateway_that_answers_in_words_of_its_own_is_believed_by_its_status(
    status: int, error: type[ConnectorError]
) -> None:
    answers = httpx.MockTransport(
        lambda _: httpx.Response(status, json={"message": "name resolution failed"})
    )
    client = SupabaseClient("http://127.0.0.1:1", "sb_secret_x", answers)

    for asking in (
        client.call("wa_claim_sessions", {}),
        client.send("POST", "/storage/v1/object/wa-media/a", b"", {}),
    ):
        with pytest.raises(ConnectorError) as told:
            await asking
        assert type(told.value) is error

    await client.aclose()


async def test_what_postgres_forbids_is_not_taken_for_a_wrong_key() -> None:
    body = {"code": "42501", "message": "permission denied for function"}
    answers = httpx.MockTransport(lambda _: httpx.Response(403, json=body))
    client = SupabaseClient("http://127.0.0.1:1", "sb_secret_x", answers)

    with pytest.raises(SupabaseRefused, match="42501"):
        await client.call("wa_claim_sessions", {})

    await client.aclose()


@pytest.mark.parametrize("ended", [True, False])
async def test_history_that_stalled_is_ended_by_postgres(ended: bool) -> None:  # noqa: FBT001 - a parameter
    asked: list[Any] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append((request.url.path, json.loads(request.content)))
        return httpx.Response(200, json=ended)

    client = SupabaseClient(
        "http://127.0.0.1:1", "sb_secret_x", httpx.MockTransport(answer)
    )
    intake = SupabaseIntake(client)

    after = timedelta(minutes=10)

    assert await intake.end_stalled_history(SessionId("s"), 7, after) is ended
    await client.aclose()

    arguments = {"p_session_id": "s", "p_term": 7, "p_after": "600.0 seconds"}
    assert asked == [("/rest/v1/rpc/wa_end_stalled_history", arguments)]


@pytest.mark.parametrize("body", ["", "null", "[]", "{}", '[{"leases": 1}]', "<p>Hi"])
async def test_an_answer_that_says_nothing_about_leases_takes_none_away(
    body: str,
) -> None:
    """A proxy's, say; nor does it end the connector."""
    answer = httpx.Response(200, text=body)
    client = SupabaseClient("http://s", "k", httpx.MockTransport(lambda _: answer))
    leases = SupabaseLeases(
        client, SystemClock(), holder="h", ttl=timedelta(seconds=30), state_keys=["k"]
    )

    with pytest.raises(SupabaseRefused):
        await leases.claim([], 1)
