"""What is no task definition at all: unknown members, wrong types, missing ones."""

from __future__ import annotations

from pillion.core.findings import Finding


def structure_findings(value: object) -> list[Finding]:
    """Problems of structure, as findings."""
    return []
