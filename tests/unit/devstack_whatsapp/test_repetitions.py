from __future__ import annotations

from typing import cast

from devstack.whatsapp import LinkedDevice, Login
from devstack.whatsapp.repetitions import REMEMBERED, Repetition, Repetitions, place_of

DEVICE = cast("LinkedDevice", object())


def _login() -> Login:
    return Login(DEVICE, "", 0.0, 0.0)


def test_two_at_one_place_through_one_socket_are_one_processs() -> None:
    repetitions, one, other = Repetitions(), _login(), _login()
    repetitions.read(("a",), "1", one)
    repetitions.ignored(("a",), "2", one)
    repetitions.ignored(("a",), "3", other)
    repetitions.ignored(("b",), "4", one)

    assert repetitions.all == [
        Repetition("2", "1", same_socket=True),
        Repetition("3", "1", same_socket=False),
        Repetition("4", None, same_socket=False),
    ]


def test_old_places_are_forgotten() -> None:
    repetitions, login = Repetitions(), _login()
    for number in range(REMEMBERED + 1):
        repetitions.read((number,), str(number), login)
    repetitions.ignored((0,), "again", login)

    assert repetitions.all == [Repetition("again", None, same_socket=False)]


def test_what_is_no_message_between_two_has_no_place() -> None:
    assert place_of("bob", "skmsg", b"") is None
    assert place_of("bob", "msg", b"nonsense") is None
