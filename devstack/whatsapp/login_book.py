"""Every login of a linked device: who dialled, and for how long they had the socket.

Who dialled is the user name in the proxy's address, `http://first@127.0.0.1:1234`: so
several programs with the keys of one device can be told apart.
"""

from __future__ import annotations

import base64
import binascii
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from devstack.whatsapp.devices import LinkedDevice

_AUTHORISATION = b"proxy-authorization:"
_BASIC = b"basic "


@dataclass(eq=False, slots=True)
class Login:
    """Times are Unix seconds; None: not yet."""

    device: LinkedDevice
    caller: str  # empty when the proxy's address names nobody
    opened_at: float  # the socket; the login follows some round trips later
    at: float
    pushed_out: Login | None = None  # whoever had the device's socket at that moment
    active_at: float | None = None  # it asked for its stanzas
    ended_at: float | None = None


@dataclass(slots=True)
class LoginBook:
    """All logins, oldest first."""

    all: list[Login] = field(default_factory=list)

    def add(
        self,
        device: LinkedDevice,
        caller: str,
        opened_at: float,
        pushed_out: Login | None,
    ) -> Login:
        login = Login(device, caller, opened_at, time.time(), pushed_out)
        self.all.append(login)
        return login

    def of(self, device: LinkedDevice) -> list[Login]:
        return [login for login in self.all if login.device is device]


def caller_of(request: bytes) -> str:
    """The user name that a request to the proxy carries; empty when there is none."""
    for line in request.split(b"\r\n"):
        if line.lower().startswith(_AUTHORISATION):
            value = line[len(_AUTHORISATION) :].strip()
            if value.lower().startswith(_BASIC):
                return _user(value[len(_BASIC) :])
    return ""


def _user(credentials: bytes) -> str:
    try:
        text = base64.b64decode(credentials, validate=True).decode("utf-8")
    except (binascii.Error, UnicodeDecodeError):
        return ""
    return text.partition(":")[0]
