from __future__ import annotations

from functools import reduce

from hypothesis import given
from hypothesis import strategies as st

from connector.domain.messages import Status
from connector.domain.receipts import furthest

statuses = st.sampled_from(Status)


@given(st.permutations(list(Status)))
def test_receipts_in_any_order_end_in_the_same_status(order: list[Status]) -> None:
    assert reduce(furthest, order) is Status.PLAYED


@given(known=statuses, reported=statuses)
def test_a_receipt_counts_once_and_never_backwards(
    known: Status, reported: Status
) -> None:
    merged = furthest(known, reported)

    assert merged in (known, reported)
    assert furthest(merged, reported) is merged
    assert furthest(merged, known) is merged
    assert furthest(reported, known) is merged


def test_a_message_thought_failed_that_arrived_has_arrived() -> None:
    assert furthest(Status.FAILED, Status.SENT) is Status.SENT
    assert furthest(Status.PENDING, Status.FAILED) is Status.FAILED
