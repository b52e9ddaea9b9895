"""What each way of failing leads to."""

from __future__ import annotations

from datetime import timedelta

import pytest

from connector.domain import outgoing
from connector.domain.outgoing import (
    MOST_ATTEMPTS,
    REFUSALS,
    OutboxResult,
    Outcome,
    Pause,
    Pauses,
    PauseScope,
)
from connector.domain.outgoing.refusals import LONGEST_PAUSE, LONGEST_RETRY
from connector.errors import (
    FileUnavailable,
    NotConnected,
    RecipientUnknown,
    SendFailed,
    SendRefused,
    UploadFailed,
)

HOUR = timedelta(hours=1)


def failed(
    error: SendFailed | FileUnavailable, attempts: int = 1, chance: float = 1.0
) -> OutboxResult:
    return outgoing.outcome_of_failure("row", attempts, error, chance)


SERVER_CODES = [
    (400, Outcome.RETRY, "refused_malformed"),
    (401, Outcome.FAILED, "refused_forbidden"),
    (402, Outcome.PAUSED, "restricted"),
    (403, Outcome.FAILED, "refused_forbidden"),
    (404, Outcome.FAILED, "chat_not_found"),
    (405, Outcome.FAILED, "refused_forbidden"),
    (406, Outcome.FAILED, "refused_malformed"),
    (408, Outcome.RETRY, "server_error"),
    (409, Outcome.RETRY, "group_changed"),
    (410, Outcome.FAILED, "chat_not_found"),
    (420, Outcome.PAUSED, "throttled"),
    (421, Outcome.RETRY, "group_changed"),
    (429, Outcome.PAUSED, "throttled"),
    (463, Outcome.PAUSED, "timelocked"),
    (475, Outcome.PAUSED, "new_chats_capped"),
    (479, Outcome.RETRY, "refused_malformed"),
    (487, Outcome.FAILED, "refused_malformed"),
    (488, Outcome.FAILED, "refused_malformed"),
    (489, Outcome.FAILED, "refused_malformed"),
    (490, Outcome.FAILED, "refused_malformed"),
    (491, Outcome.FAILED, "refused_malformed"),
    (500, Outcome.RETRY, "server_error"),
    (503, Outcome.RETRY, "server_error"),
    (530, Outcome.RETRY, "server_error"),
    (550, Outcome.FAILED, "refused_forbidden"),
    (551, Outcome.FAILED, "refused_forbidden"),
    (552, Outcome.RETRY, "server_error"),
    (999, Outcome.RETRY, "refused"),
]


def test_every_code_of_the_server_has_its_outcome() -> None:
    for server_code, outcome, code in SERVER_CODES:
        result = failed(SendRefused(server_code))

        assert (result.outcome, result.code) == (outcome, code), server_code
        assert str(result.message).endswith(f" (server code {server_code}).")
        assert (result.pause is not None) == (outcome is Outcome.PAUSED)
        assert (result.retry_after is None) == (outcome is Outcome.FAILED)


@pytest.mark.parametrize(
    ("error", "outcome", "code"),
    [
        (NotConnected(), Outcome.RELEASED, None),
        (RecipientUnknown(), Outcome.FAILED, "not_on_whatsapp"),
        (SendFailed(), Outcome.RETRY, "send_failed"),
        (UploadFailed(), Outcome.RETRY, "upload_to_whatsapp_failed"),
        (FileUnavailable(), Outcome.RETRY, "file_unavailable"),
    ],
)
def test_so_has_everything_that_fails_before_the_server_answers(
    error: SendFailed | FileUnavailable, outcome: Outcome, code: str | None
) -> None:
    result = failed(error)

    assert (result.outcome, result.code) == (outcome, code)


@pytest.mark.parametrize(
    "error", [SendRefused(503), SendRefused(999), SendFailed(), FileUnavailable()]
)
def test_trying_again_has_an_end(error: SendFailed | FileUnavailable) -> None:
    before = failed(error, MOST_ATTEMPTS - 1)
    last = failed(error, MOST_ATTEMPTS)

    assert (before.outcome, last.outcome) == (Outcome.RETRY, Outcome.FAILED)
    assert last.code == before.code
    assert last.retry_after is None


def test_waiting_grows_with_every_attempt_and_is_never_in_step() -> None:
    for server_code, refusal in REFUSALS.items():
        waits = [
            failed(SendRefused(server_code), attempts).retry_after
            for attempts in range(1, MOST_ATTEMPTS)
        ]
        early = failed(SendRefused(server_code), 1, chance=0.0).retry_after

        if refusal.retry is not None:
            assert waits == sorted(set(waits), key=lambda wait: wait or timedelta())
            assert early is not None
            assert waits[0] == 2 * early
            assert early >= timedelta(seconds=5)
        longest = max(LONGEST_RETRY, 3 * HOUR)
        assert all(wait is None or wait <= longest for wait in waits), server_code


@pytest.mark.parametrize("server_code", [402, 420, 429])
def test_a_number_that_is_told_to_slow_down_sends_nothing_for_a_while(
    server_code: int,
) -> None:
    result = failed(SendRefused(server_code), attempts=MOST_ATTEMPTS)

    assert result.outcome is Outcome.PAUSED
    assert result.pause is not None
    assert result.pause.scope is PauseScope.ALL


@pytest.mark.parametrize("server_code", [463, 475])
def test_a_number_that_may_start_no_chats_still_answers(server_code: int) -> None:
    result = failed(SendRefused(server_code))

    assert result.pause is not None
    assert result.pause.scope is PauseScope.NEW_CHATS
    assert result.retry_after == result.pause.lasting  # also in an old chat


def test_each_pause_is_longer_than_the_last_one_up_to_six_hours() -> None:
    pauses, lasting = Pauses(), []

    for number in range(5):
        now = number * HOUR.total_seconds()
        counts = pauses.counts(now)
        result = outgoing.outcome_of_failure("row", 1, SendRefused(402), 0.5, counts)
        assert result.pause is not None
        lasting.append(result.pause.lasting)
        pauses = pauses.and_one(PauseScope.ALL, now)

    assert lasting == [HOUR, 2 * HOUR, 4 * HOUR, LONGEST_PAUSE, LONGEST_PAUSE]


def test_a_pause_of_one_scope_does_not_lengthen_the_other() -> None:
    pauses = Pauses().and_one(PauseScope.NEW_CHATS, 0.0)
    counts = pauses.counts(1.0)

    result = outgoing.outcome_of_failure("row", 1, SendRefused(402), 0.5, counts)

    assert result.pause == Pause(scope=PauseScope.ALL, lasting=HOUR)


def test_what_was_refused_half_a_day_ago_is_forgotten() -> None:
    pauses = Pauses().and_one(PauseScope.ALL, 0.0)

    assert pauses.counts(11 * 3_600.0) == {PauseScope.ALL: 1}
    assert pauses.counts(12 * 3_600.0) == {}


def test_a_row_over_which_a_worker_broke_off_goes_first_again_and_has_an_end() -> None:
    again = outgoing.outcome_of_vanished("row", MOST_ATTEMPTS - 1)
    last = outgoing.outcome_of_vanished("row", MOST_ATTEMPTS)

    assert (again.outcome, again.retry_after) == (Outcome.RETRY, timedelta(0))
    assert (last.outcome, last.code) == (Outcome.FAILED, "send_failed")
