from __future__ import annotations

import pytest

from connector.domain.leases import (
    continues,
    follows_closely,
    is_trusted,
    trusted_until,
)


def test_trust_ends_before_the_lease_does_counted_from_the_request() -> None:
    until = trusted_until(attempt_started=100.0, ttl=30.0, margin=3.0)

    assert until == 127.0
    assert is_trusted(until, 126.9)
    assert not is_trusted(until, 127.0)


@pytest.mark.parametrize(
    ("old", "new", "unbroken"), [(4, 4, True), (4, 5, True), (4, 6, False)]
)
def test_a_gap_in_the_terms_means_somebody_else_ran_the_session(
    old: int, new: int, *, unbroken: bool
) -> None:
    assert continues(old, new) is unbroken


@pytest.mark.parametrize(
    ("ago", "closely"), [(None, False), (0.0, True), (59.9, True), (60.0, False)]
)
def test_who_had_a_lease_within_the_last_minute_may_not_know_that_it_is_over(
    ago: float | None, *, closely: bool
) -> None:
    assert follows_closely(ago) is closely
