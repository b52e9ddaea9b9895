"""What a check found, and how it is told."""

from __future__ import annotations

import enum
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass


class Verdict(enum.StrEnum):
    GOOD = "good"
    WARNING = "warning"  # it works; somebody should look
    BAD = "bad"  # it does not work


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """`cure`: what to do, unless it is good. Never a key, a number or an address."""

    check: str
    verdict: Verdict
    sentence: str
    cure: str = ""


def good(check: str, sentence: str) -> Finding:
    return Finding(check=check, verdict=Verdict.GOOD, sentence=sentence)


def warning(check: str, sentence: str, cure: str) -> Finding:
    return Finding(check=check, verdict=Verdict.WARNING, sentence=sentence, cure=cure)


def bad(check: str, sentence: str, cure: str) -> Finding:
    return Finding(check=check, verdict=Verdict.BAD, sentence=sentence, cure=cure)


def all_is_well(findings: Sequence[Finding]) -> bool:
    return all(finding.verdict is not Verdict.BAD for finding in findings)


def as_text(findings: Sequence[Finding]) -> str:
    width = max(len(finding.check) for finding in findings)
    lines = []
    for finding in findings:
        mark = _MARKS[finding.verdict]
        lines.append(f"{mark} {finding.check:{width}}  {finding.sentence}")
        if finding.cure:
            lines.append(f"{'':{len(mark) + 1 + width}}  -> {finding.cure}")
    return "\n".join(lines)


def as_json(findings: Sequence[Finding]) -> str:
    return json.dumps([asdict(finding) for finding in findings], indent=2)


_MARKS = {Verdict.GOOD: "ok  ", Verdict.WARNING: "warn", Verdict.BAD: "FAIL"}
