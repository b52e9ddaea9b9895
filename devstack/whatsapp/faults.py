"""What can be made to go wrong at the server, and the words WhatsApp has for it."""

from __future__ import annotations

import enum
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias


class Fault(enum.StrEnum):
    """What a phone can do wrong while it links a device."""

    WRONG_HMAC = "wrong_hmac"  # the client answers 401 hmac-mismatch
    WRONG_SIGNATURE = "wrong_signature"  # the client answers 401 signature-mismatch


@dataclass(frozen=True, slots=True)
class Failure:
    """How a login is refused: `<failure reason=…/>` and then the socket's end.

    Reasons: 401 logged out, 402 temporary ban (with `code`, and `expire` in seconds),
    403 main device gone, 405 client outdated, 406 unknown logout, 409 conflict,
    500 and 503 server trouble; any other number is an unspecific failure.
    Ban codes: 101 sent to too many people, 102 blocked by users, 103 too many groups,
    104 same message too often, 106 too many broadcasts.
    """

    reason: int
    code: int | None = None
    expire: int | None = None
    message: str | None = None

    def attributes(self) -> Mapping[str, str | int | None]:
        return {
            "reason": self.reason,
            "location": "cln",
            "code": self.code,
            "expire": self.expire,
            "message": self.message,
        }


Subject: TypeAlias = Literal["group", "groups", "picture", "number"]


@dataclass(slots=True)
class Refusals:
    """Which of the clients' next look-ups are refused, by what they ask for."""

    _left: dict[Subject, deque[int]] = field(default_factory=dict)

    def add(self, code: int, times: int, subject: Subject) -> None:
        self._left.setdefault(subject, deque()).extend([code] * times)

    def take(self, subject: Subject) -> int | None:
        """The code for this look-up, if it is to be refused."""
        codes = self._left.get(subject)
        return codes.popleft() if codes else None


@dataclass(slots=True)
class Faults:
    """What is wrong with the server as a whole at the moment."""

    frozen: bool = False  # connections stay up, and nothing is said or heard on them
    refusing: bool = False  # nobody can connect
    refusals: Refusals = field(default_factory=Refusals)
    look_ups_take: float = 0.0  # seconds
    next_ack_error: int | None = None  # refuses the next message, and only that
