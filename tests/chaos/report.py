"""Many rounds in a table and in one JSON object."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from statistics import median
from typing import TYPE_CHECKING

from tests.chaos.judging import Verdict
from tests.chaos.outgoing import Sent

if TYPE_CHECKING:
    from tests.chaos.rounds import Chaos
    from tests.chaos.sockets import Outage

MOST_SHOWN = 5


def told(first: int, last: int, verdict: Verdict) -> str:
    longest = max((one.seconds for one in verdict.outages), default=0.0)
    sent, received = verdict.sent, verdict.received
    begun, ended = verdict.between
    line = (
        f"rounds {first}-{last} in {ended - begun:.0f} s: {sent.rows} rows, "
        f"{sent.in_doubt.total()} in doubt; {received.said} said, "
        f"{received.in_the_window.total()} in the window; "
        f"{verdict.ownership.takeovers} taken over; longest outage {longest:.1f} s"
    )
    return line if verdict.is_clean else f"{line}\n{evidence(verdict)}"


def evidence(verdict: Verdict) -> str:
    lines = ["DEFECT, after these since the last judgement:"]
    lines += [f"  {blow}" for blow in verdict.blows]
    for name, notes in verdict.defects().items():
        lines.append(f"  {name}: {len(notes)}")
        lines += [f"    {note}" for note in notes[:MOST_SHOWN]]
    return "\n".join(lines)


def summary(
    chaos: Chaos, again: Sent, rounds: int, seconds: float
) -> dict[str, object]:
    verdicts = chaos.verdicts
    outages = [one for verdict in verdicts for one in verdict.outages]
    return {
        "seed": chaos.seed,
        "rounds": rounds,
        "disturbances": sum(len(one.blows) for one in verdicts),
        "rows": sum(one.sent.rows for one in verdicts),
        "said": sum(one.received.said for one in verdicts),
        **_defects(verdicts),
        "found_only_at_the_end": _only_at_the_end(verdicts, again),
        "in_doubt": _total(one.sent.in_doubt for one in verdicts),
        "in_doubt_though_heard": sum(one.sent.left for one in verdicts),
        "in_doubt_at_the_end": again.in_doubt.total(),
        "lost_in_the_library": sum(len(one.sent.raced) for one in verdicts),
        "known_by_a_neighbours_id": sum(len(one.sent.exchanged) for one in verdicts),
        "left_late": sum(len(one.sent.late) for one in verdicts),
        "in_the_window": _total(one.received.in_the_window for one in verdicts),
        "exchanged_within_a_second": sum(
            len(one.received.within_a_second) for one in verdicts
        ),
        "taken_over": sum(one.ownership.takeovers for one in verdicts),
        "logged_in_late": sum(len(one.ownership.late) for one in verdicts),
        "logged_in_under_a_lapsed_lease": sum(
            len(one.ownership.lapsed) for one in verdicts
        ),
        "events": _total(one.events for one in verdicts),
        "outages": len(outages),
        "longest_outage": round(max((one.seconds for one in outages), default=0), 1),
        "median_outage": round(median([one.seconds for one in outages] or [0]), 1),
        "outages_after": _by_cause(outages),
        "seconds": round(seconds),
    }


def _defects(verdicts: Sequence[Verdict]) -> dict[str, int]:
    """Every one by its name, also those that never were."""
    return {
        name.replace(", ", "_").replace(" ", "_"): sum(
            len(one.checks()[name]) for one in verdicts
        )
        for name in Verdict((0, 0), ()).checks()
    }


def _only_at_the_end(verdicts: Sequence[Verdict], again: Sent) -> dict[str, int]:
    """Defects that were none when their rounds were judged."""
    earlier = {
        name: sum(len(one.sent.defects()[name]) for one in verdicts)
        for name in again.defects()
    }
    return {
        name: len(notes) - earlier[name]
        for name, notes in again.defects().items()
        if len(notes) > earlier[name]
    }


def _total(counters: Iterable[Counter[str]]) -> dict[str, int]:
    return dict(sum(counters, Counter()).most_common())


def _by_cause(outages: Sequence[Outage]) -> dict[str, dict[str, float]]:
    seconds: defaultdict[str, list[float]] = defaultdict(list)
    for one in outages:
        seconds[one.cause].append(one.seconds)
    return {
        cause: {
            "times": len(each),
            "median": round(median(each), 1),
            "longest": round(max(each), 1),
        }
        for cause, each in sorted(seconds.items())
    }


def table(figures: dict[str, object]) -> str:
    """The same for people: one line a figure, and one a cause."""
    lines = []
    for name, value in figures.items():
        if not isinstance(value, dict):
            lines.append(f"{name.replace('_', ' '):34} {value}")
            continue
        lines.append(f"{name.replace('_', ' '):34}")
        for cause, each in value.items():
            shown = (
                ", ".join(f"{key} {number}" for key, number in each.items())
                if isinstance(each, dict)
                else each
            )
            lines.append(f"  {cause:44} {shown}")
    return "\n".join(lines)
