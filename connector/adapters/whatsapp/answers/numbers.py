"""Whom phone numbers belong to, as a worker answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from connector.adapters.whatsapp.identity import person, several
from connector.domain.look_ups import NumberAnswer

MOST_AT_ONCE: Final = 50


def numbers_found(header: Mapping[str, Any]) -> Sequence[NumberAnswer]:
    return [
        NumberAnswer(
            asked=str(found["asked"]).removeprefix("+"),
            person=person(*several(found["addresses"])),
            business_name=found["business_name"] or None,
        )
        for found in header["found"]
    ]
