from __future__ import annotations

from pathlib import Path

import pytest

from pillion.checking.api import check

ROOT = Path(__file__).parents[2]
EXAMPLES = sorted((ROOT / "examples").rglob("task*.json"))


def test_there_are_examples() -> None:
    assert EXAMPLES


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_aws_would_take_every_example_and_experience_has_nothing_against_it(path: Path) -> None:
    assert [finding for finding in check(path) if finding.severity != "info"] == []
