"""Counts findings, and says what they mean for the exit code."""

from __future__ import annotations

from collections.abc import Iterable

from pillion.core.findings import Finding, Severity

_WORDS = {
    Severity.ERROR: ("error", "errors"),
    Severity.WARNING: ("warning", "warnings"),
    Severity.INFO: ("note", "notes"),
}


def count(findings: Iterable[Finding]) -> dict[Severity, int]:
    """How many findings of each severity, worst first."""
    counts = dict.fromkeys(Severity, 0)
    for finding in findings:
        counts[finding.severity] += 1
    return counts


def in_words(counts: dict[Severity, int]) -> str:
    """`1 error, 2 warnings`; `no findings` where there are none."""
    parts = [f"{n} {_WORDS[severity][n != 1]}" for severity, n in counts.items() if n]
    return ", ".join(parts) or "no findings"


def word(severity: Severity) -> str:
    """What people call a finding of this severity: error, warning, note."""
    return _WORDS[severity][0]


def fails(findings: Iterable[Finding], threshold: Severity | None) -> bool:
    """Is any finding at least as bad as the threshold? Never, where that is None."""
    return threshold is not None and any(finding.severity.at_least(threshold) for finding in findings)
