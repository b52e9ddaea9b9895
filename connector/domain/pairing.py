"""Linking a number: which QR or pairing code is shown, and until when.

WhatsApp hands out six QR codes for one attempt. The client shows the first for 60 s,
every other for 20 s, then gives up (whatsmeow, qrchan.go):

    QR 60 s -> QR 20 s -> … -> QR 20 s -> timeout after 160 s
      \\-> pairing code, when a phone number was given; good until the same end
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

FIRST_QR: Final = timedelta(seconds=60)
NEXT_QR: Final = timedelta(seconds=20)
WHOLE_ATTEMPT: Final = timedelta(seconds=160)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pairing:
    """What a person may scan or type at this moment; nothing before the first QR."""

    began_at: datetime | None = None
    qr: str | None = None
    code: str | None = None
    expires_at: datetime | None = None

    def show_qr(self, text: str, now: datetime) -> Pairing:
        """Show the next QR; while a pairing code is being typed, nothing changes."""
        if self.code is not None:
            return self
        valid = FIRST_QR if self.began_at is None else NEXT_QR
        return Pairing(
            began_at=self.began_at or now, qr=text, code=None, expires_at=now + valid
        )

    def show_code(self, text: str, now: datetime) -> Pairing:
        """Hand over to the pairing code: it replaces the QR until the attempt ends."""
        began_at = self.began_at or now
        return replace(
            self,
            began_at=began_at,
            qr=None,
            code=text,
            expires_at=began_at + WHOLE_ATTEMPT,
        )
