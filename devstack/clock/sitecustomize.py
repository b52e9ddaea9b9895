"""Python imports this at start-up when its folder is on PYTHONPATH. See the package.

Without ZAPBASE_CLOCK_SHIFT it does nothing.
"""

from __future__ import annotations

import datetime as dt
import os
import time
from typing import Any, Self, TypeAlias

SHIFT_VARIABLE = "ZAPBASE_CLOCK_SHIFT"

TrueDatetime: TypeAlias = dt.datetime
true_time, true_time_ns = time.time, time.time_ns


class _LikeTheTrueOne(type):
    """What C code makes is one of these as well."""

    def __instancecheck__(cls, instance: object) -> bool:
        return isinstance(instance, TrueDatetime)

    def __subclasscheck__(cls, subclass: type) -> bool:
        return issubclass(subclass, TrueDatetime)


def shift_clock(seconds: float) -> None:
    """Have this process believe that it is so much later."""
    shift = dt.timedelta(seconds=seconds)

    class Shifted(TrueDatetime, metaclass=_LikeTheTrueOne):
        @classmethod
        def now(cls, tz: dt.tzinfo | None = None) -> Self:
            now: Self = super().now(tz) + shift
            return now

        @classmethod
        def utcnow(cls) -> Self:
            now: Self = super().utcnow() + shift
            return now

    def shifted_time() -> float:
        return true_time() + seconds

    def shifted_time_ns() -> int:
        return true_time_ns() + int(seconds * 1_000_000_000)

    modules: tuple[Any, Any] = time, dt
    modules[0].time, modules[0].time_ns = shifted_time, shifted_time_ns
    modules[1].datetime = Shifted


if os.environ.get(SHIFT_VARIABLE):
    shift_clock(float(os.environ[SHIFT_VARIABLE]))
