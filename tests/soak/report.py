"""What grew, and by how much a day; said plainly."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from tests.soak.counting import Counts
from tests.soak.samples import Figures, Samples
from tests.soak.slopes import Slope

SECONDS_AN_HOUR: Final = 3_600
# A busy worker has what it needs after 2,500 messages: a quarter of an hour.
WARM_UP: Final = 1 / 2  # of the time, at most
LONGEST_WARM_UP: Final = 900.0
MEMORY: Final = 50.0  # percent a day of this traffic: half as much again
COUNTED: Final = 10.0  # threads and handles
# The stores grow with every message, and so do the data; spools are judged by their end.
# The memory of workers that are not busy still rises at the end of half an hour.
BOUNDS: Final[Mapping[str, float]] = {
    **dict.fromkeys(("supervisor_private_mb", "busy_private_mb"), MEMORY),
    # What it shared with a worker is its own again when that one ends: all of it is judged.
    "zygote_rss_mb": MEMORY,
    **{
        f"{kind}_{figure}": COUNTED
        for kind in ("supervisor", "zygote", "worker", "busy")
        for figure in ("threads", "handles")
    },
}


@dataclass(frozen=True, slots=True)
class Report:
    slopes: Mapping[str, Slope]
    counts: Counts
    replaced: int
    left_in_spools: float

    @classmethod
    def of(cls, samples: Samples, counts: Counts, at_rest: Figures) -> Report:
        """Raises statistics.StatisticsError when it was too short to say anything."""
        began = samples.at[0]
        lasted = samples.at[-1] - began
        warm = began + min(lasted * WARM_UP, LONGEST_WARM_UP)
        looks = [
            ((at - began) / SECONDS_AN_HOUR, figures)
            for at, figures in zip(samples.at, samples.figures, strict=True)
            if at >= warm
        ]
        hours = [hour for hour, _ in looks]
        slopes = {
            name: Slope.of(hours, [figures[name] for _, figures in looks])
            for name in samples.figures[0]
        }
        left = at_rest["spool_events"] + at_rest["dead_letters"]
        return cls(slopes, counts, samples.replaced, left)

    @property
    def growing(self) -> list[str]:
        return [
            name
            for name, bound in BOUNDS.items()
            if not self.slopes[name].is_flat(bound)
        ]

    @property
    def is_clean(self) -> bool:
        faults = (self.growing, self.replaced, self.left_in_spools)
        return self.counts.is_clean and not any(faults)

    def lines(self) -> Iterator[str]:
        yield f"{'figure':24} {'first':>9} {'last':>9} {'an hour':>9} {'scatter':>8} {'% a day':>8}"
        for name, slope in self.slopes.items():
            bound = BOUNDS.get(name)
            verdict = "" if bound is None else f"  ≤ {bound:g} "
            if bound is not None:
                verdict += "flat" if slope.is_flat(bound) else "GROWS"
            yield (
                f"{name:24} {slope.first:9.2f} {slope.last:9.2f} {slope.per_hour:9.2f}"
                f" {slope.scatter:8.2f} {slope.percent_a_day:8.0f}{verdict}"
            )
        yield f"{self.counts}; {self.replaced} workers ended by themselves"
        yield f"{self.left_in_spools:g} events are left in spools"
        yield "flat" if not self.growing else f"NOT FLAT: {', '.join(self.growing)}"
