from __future__ import annotations

from typing import cast

import pytest

from devstack.whatsapp import LinkedDevice, Login
from tests.chaos.blows import Blow
from tests.chaos.disturbances import Disturbance, Kind
from tests.chaos.leases import Lease, LeaseLog
from tests.chaos.sockets import Ownership, Span, judge_logins, outages, without

DEVICE = cast("LinkedDevice", object())
HOLDERS = {"first-1": "A", "second-1": "B"}
# A until it runs out at 20; B has it from 25 on.
LEASES = LeaseLog({"s": [Lease("A", 1, 20.0, 10.0), Lease("B", 2, 60.0, 25.0)]})


def _login(
    caller: str,
    opened: float,
    at: float,
    *,
    ended: float | None = None,
    pushed_out: Login | None = None,
) -> Login:
    return Login(DEVICE, caller, opened, at, pushed_out, active_at=at, ended_at=ended)


def _judged(*logins: Login) -> Ownership:
    ownership = Ownership()
    judge_logins(ownership, logins, "s", LEASES, HOLDERS.get)
    return ownership


def test_a_socket_under_ones_own_lease_is_as_it_should_be() -> None:
    first = _login("first-1", 11, 12)
    found = _judged(first, _login("second-1", 26, 27, pushed_out=first))

    assert (found.two_owners, found.late, found.lapsed) == ([], [], [])
    assert found.takeovers == 1


def test_a_socket_under_anothers_lease_is_two_owners() -> None:
    found = _judged(_login("first-1", 26, 27), _login("second-1", 11, 12))

    assert len(found.two_owners) == 2


def test_who_is_unknown_owns_nothing() -> None:
    assert len(_judged(_login("third-1", 11, 12)).two_owners) == 1


@pytest.mark.parametrize(
    ("opened", "at", "name"), [(21, 26, "late"), (21, 22, "lapsed")]
)
def test_a_login_on_its_way_when_the_lease_ended_is_told_apart(
    opened: float, at: float, name: str
) -> None:
    found = _judged(_login("first-1", opened, at))

    assert found.two_owners == []
    assert len(getattr(found, name)) == 1


@pytest.mark.parametrize(
    ("others", "left"),
    [
        ([], [(0, 10)]),
        ([(2, 4), (3, 5)], [(0, 2), (5, 10)]),
        ([(8, 20), (-5, 1)], [(1, 8)]),
        ([(-1, 11)], []),
        ([(10, 12), (-3, 0)], [(0, 10)]),
    ],
)
def test_what_is_left_of_a_span(others: list[Span], left: list[Span]) -> None:
    assert without((0, 10), others) == left


def _blow(kind: Kind, begun: float, ended: float, caller: str = "first-1") -> Blow:
    disturbance = Disturbance(kind, 0, ended - begun, at_its_connector=True)
    return Blow(1, disturbance, begun, caller=caller, ended=ended)


def test_without_a_socket_or_with_a_silent_one_a_number_is_away() -> None:
    logins = [
        _login("first-1", 0, 0, ended=10),
        _login("first-1", 11, 12, ended=30),
        _login("second-1", 30, 30),
    ]
    blows = [
        _blow(Kind.KILL_WORKER, 10, 10),
        _blow(Kind.CUT_WHATSAPP, 20, 30),
        _blow(Kind.CUT_WHATSAPP, 14, 16, caller="second-1"),
        _blow(Kind.CUT_SUPABASE, 17, 18),
    ]

    found = outages(logins, blows, "s", (5, 40))

    assert [(one.begun, one.ended, one.cause) for one in found] == [
        (10, 12, "worker killed"),
        (20, 30, "cut off from WhatsApp, past the lease"),
    ]
