"""Whether a figure grows: its slope by least squares, against its scatter."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

HOURS_A_DAY: Final = 24
ENDS: Final = 10  # the first and the last tenth are told


@dataclass(frozen=True, slots=True, kw_only=True)
class Slope:
    """Of one figure, after the warm-up."""

    first: float
    last: float
    per_hour: float
    scatter: float  # standard deviation around the line
    hours: float

    @classmethod
    def of(cls, hours: Sequence[float], figures: Sequence[float]) -> Slope:
        """At least three looks. Raises statistics.StatisticsError."""
        line = statistics.linear_regression(hours, figures)
        around = [
            figure - line.slope * hour - line.intercept
            for hour, figure in zip(hours, figures, strict=True)
        ]
        few = max(1, len(figures) // ENDS)
        return cls(
            first=statistics.fmean(figures[:few]),
            last=statistics.fmean(figures[-few:]),
            per_hour=line.slope,
            scatter=statistics.pstdev(around),
            hours=hours[-1] - hours[0],
        )

    @property
    def percent_a_day(self) -> float:
        """By how much it would grow in a day of such traffic."""
        return 100 * HOURS_A_DAY * self.per_hour / max(self.first, 1.0)

    def is_flat(self, percent_a_day: float) -> bool:
        """Within that, or rising by no more than it scatters anyway."""
        rise = self.per_hour * self.hours
        return self.percent_a_day <= percent_a_day or rise <= self.scatter
