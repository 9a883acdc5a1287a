"""`pillion.check`: the check as a Python function."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from pillion.checking.check import CheckOptions, check_document
from pillion.core.findings import Finding
from pillion.core.rules.check import check_definition
from pillion.documents.load import load_document, read_document
from pillion.inputs import find_definitions

Checkable = Mapping[str, Any] | Sequence[Any] | str | Path


def check(
    document: Checkable, *, ignore: Iterable[str] = (), launch_types: Iterable[str] = ()
) -> list[Finding]:
    """Find what AWS would refuse in a task definition, and what will hurt at run time.

    Args:
        document: A task definition, a list of container definitions, a CloudFormation template or Terraform's
            JSON: as a value, as text (JSON or YAML), or as the `Path` of a file.
        ignore: Codes of findings to leave out.
        launch_types: Launch types to check for beside those that the definition requires.

    Returns:
        The findings, those first that AWS would report first. Those of a text or a file have a `place`.

    Raises:
        DocumentError: The text or file cannot be read as JSON or YAML.
    """
    ignored, wanted = frozenset(ignore), frozenset(launch_types)
    if isinstance(document, (str, Path)):
        loaded = load_document(document) if isinstance(document, Path) else read_document(document, "<text>")
        return check_document(loaded, CheckOptions(ignore=ignored, launch_types=wanted)).findings
    return [
        finding
        for subject in find_definitions(_plain(document))
        for finding in check_definition(subject.value, launch_types=wanted)
        if finding.code not in ignored
    ]


def _plain(document: Mapping[str, Any] | Sequence[Any]) -> object:
    """A list as a list and a mapping as a dict, which is what readers and rules look for."""
    return dict(document) if isinstance(document, Mapping) else list(document)
