"""What each figure may be at worst, and how a run is told."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from tests.benchmarks.figures import Figure, Figures


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """A bound of a figure, or of one of its percentiles."""

    at_most: float | None = None
    at_least: float | None = None
    goal: str = ""

    def __str__(self) -> str:
        return (
            f"≤ {self.at_most:g}" if self.at_least is None else f"≥ {self.at_least:g}"
        )

    def met(self, value: float) -> bool:
        too_much = self.at_most is not None and value > self.at_most
        too_little = self.at_least is not None and value < self.at_least
        return not (too_much or too_little)


BUDGETS: Mapping[str, Budget] = {
    "first_qr_s": Budget(at_most=1.0, goal="0.5"),
    "inbound_to_row_ms.p50": Budget(at_most=12, goal="8"),
    "inbound_to_row_ms.p95": Budget(at_most=25),
    "inbound_to_event_ms.p50": Budget(at_most=35, goal="20"),
    "inbound_to_event_ms.p95": Budget(at_most=90),
    "outbox_to_wire_ms.p50": Budget(at_most=25, goal="15"),
    "outbox_to_wire_ms.p95": Budget(at_most=60),
    "sends_per_s_unpaced": Budget(at_least=300, goal="the bare send loop"),
    # Bare neonize has the files in memory; ours come from Storage, by way of the disk.
    "media_send_mb_per_s": Budget(at_least=20, goal="0.6 of the bare upload loop"),
    "media_send_extra_mb": Budget(at_most=80),
    "media_send_left_mb": Budget(at_most=15, goal="0"),
    "ingest_per_s": Budget(at_least=900, goal="1500"),
    "history_per_s": Budget(at_least=3000, goal="70 % of insert … select"),
    "history_extra_mb": Budget(at_most=80),
    "drain_per_s": Budget(at_least=1500),
    "supervisor_and_zygote_mb": Budget(at_most=100),
    "rss_supervisor_mb.50": Budget(at_most=150, goal="110"),
    "private_per_worker_mb.10": Budget(at_most=30, goal="20"),
    "private_per_worker_mb.50": Budget(at_most=30, goal="20"),
    "state_save_ms.p50": Budget(at_most=25, goal="twice its bare upload"),
    "state_save_ms.p95": Budget(at_most=60),
    "state_bytes_per_message": Budget(at_most=1_500, goal="600"),
    "handover_s": Budget(at_most=5, goal="2"),
    # All processes of both machines, Postgres and WhatsApp are on the same cores.
    "handover_away_max_s.20": Budget(at_most=5),
    # The lease of the dead one has to run out: 30 s, and the next look.
    "failover_s": Budget(at_most=45),
    "resume_s": Budget(at_most=1.5, goal="0.8"),
}


def table(figures: Figures) -> Iterator[str]:
    """A line per figure; what misses its budget is marked."""
    yield f"{'figure':46} {'measured':>10}  {'budget':>8}  {'':4}  goal"
    for name, value in _flat(figures):
        budget = BUDGETS.get(name)
        if budget is None:
            yield f"{name:46} {value:>10}"
            continue
        verdict = "ok" if budget.met(value) else "MISS"
        yield f"{name:46} {value:>10}  {budget!s:>8}  {verdict:4}  {budget.goal}".rstrip()


def missed(figures: Figures, *, partly: bool) -> list[str]:
    """What is over budget; in a run of all parts, also what could not be measured."""
    measured = dict(_flat(figures))
    over = [n for n, b in BUDGETS.items() if n in measured and not b.met(measured[n])]
    return over if partly else [*over, *(BUDGETS.keys() - measured.keys())]


def _flat(figures: Figures) -> Iterator[tuple[str, float]]:
    for name, value in figures.items():
        yield from _parts(name, value)


def _parts(name: str, value: Figure) -> Iterator[tuple[str, float]]:
    if isinstance(value, dict):
        yield from ((f"{name}.{part}", each) for part, each in value.items())
    else:
        yield name, value
