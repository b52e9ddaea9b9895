"""How what we send is written."""

from __future__ import annotations

from datetime import datetime
from typing import TypeAlias

from connector.domain.messages import Json

Record: TypeAlias = dict[str, Json]


def timestamp(moment: datetime) -> str:
    return moment.isoformat()
