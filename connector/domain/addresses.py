"""Who a message is from or for: WhatsApp addresses (JIDs) and phone numbers.

A person has two addresses: a phone number (`5511912345678@s.whatsapp.net`) and an
opaque, lasting one, the LID (`123456789012345@lid`). The LID is canonical, the phone
number its alias. A number is never rewritten by rule (Brazil's ninth digit): only
WhatsApp knows which form it registered.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from connector.errors import InvalidAddress

PHONE_SERVER: Final = "s.whatsapp.net"
LID_SERVER: Final = "lid"
GROUP_SERVER: Final = "g.us"

_JID = re.compile(
    r"(?P<user>[0-9A-Za-z_.-]{1,64})(?::(?P<device>[0-9]{1,3}))?@(?P<server>[a-z.]{1,32})"
)
# E.164: at most fifteen digits, never a leading zero; seven is the shortest in use.
_PHONE = re.compile(r"[1-9][0-9]{6,14}")
_PHONE_PUNCTUATION = re.compile(r"[\s().\-/\u00a0\u2010-\u2015]")


@dataclass(frozen=True, slots=True)
class Jid:
    """A WhatsApp address without its device part."""

    user: str
    server: str

    @classmethod
    def parse(cls, text: str) -> Jid:
        """Read `user[:device]@server`; the device is dropped.

        Raises InvalidAddress.
        """
        match = _JID.fullmatch(text)
        if match is None:
            raise InvalidAddress
        return cls(match["user"], match["server"])

    @classmethod
    def of_phone(cls, number: str) -> Jid:
        """Address a phone number written by a person, such as `+55 (11) 91234-5678`.

        Raises InvalidAddress when it cannot be an international (E.164) number.
        """
        digits = _PHONE_PUNCTUATION.sub("", number).removeprefix("+")
        if not _PHONE.fullmatch(digits):
            raise InvalidAddress
        return cls(digits, PHONE_SERVER)

    @property
    def is_group(self) -> bool:
        return self.server == GROUP_SERVER

    @property
    def is_lid(self) -> bool:
        return self.server == LID_SERVER

    @property
    def phone_number(self) -> str | None:
        """Digits without a plus sign, or None when this is not a phone address."""
        return self.user if self.server == PHONE_SERVER else None

    def __str__(self) -> str:
        return f"{self.user}@{self.server}"
