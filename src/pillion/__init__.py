"""Run Amazon ECS task definitions, sidecars and all, on any machine, exactly as ECS would.

The public names are few, and are imported when they are first used: `pillion --version` does not pay for
them. Everything else may move.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pillion.checking.api import check
    from pillion.core.findings import Finding, Severity

__all__ = ["Finding", "Severity", "__version__", "check"]

__version__ = "0.1.0"
"""The build reads it from here; looking for the metadata of the installation takes 40 ms."""

_HOMES = {
    "Finding": "pillion.core.findings",
    "Severity": "pillion.core.findings",
    "check": "pillion.checking.api",
}


def __getattr__(name: str) -> object:
    """Import a public name from where it lives."""
    if name not in _HOMES:
        raise AttributeError(f"module 'pillion' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
