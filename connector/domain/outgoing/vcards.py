"""Contact cards as phones write them: vCard 3.0 (RFC 2426), with WhatsApp's own `waid`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from connector.domain.addresses import Jid
from connector.domain.outgoing.content import ContactCard

_SPECIAL: Final = re.compile(r"[\\,;]")
_LINE_BREAK: Final = re.compile(r"\r\n|[\n\r\u0085\u2028\u2029]")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")


def contact_card(
    name: str,
    phone_numbers: Sequence[Jid],
    *,
    organization: str | None = None,
    email: str | None = None,
) -> ContactCard:
    """`waid` is what opens a chat with the number when it is tapped."""
    lines = ["BEGIN:VCARD", "VERSION:3.0", f"N:;{_escaped(name)};;;"]
    lines.append(f"FN:{_escaped(name)}")
    if organization is not None:
        lines.append(f"ORG:{_escaped(organization)};")
    lines += (
        f"TEL;type=CELL;type=VOICE;waid={number.user}:+{number.user}"
        for number in phone_numbers
    )
    if email is not None:
        lines.append(f"EMAIL;type=INTERNET:{_escaped(email)}")
    lines.append("END:VCARD")
    return ContactCard(name=name, vcard="\n".join(lines))


def _escaped(text: str) -> str:
    """A value that stays one line, whatever is in it."""
    marked = _SPECIAL.sub(r"\\\g<0>", text)
    return _CONTROL.sub("", _LINE_BREAK.sub(r"\\n", marked))
