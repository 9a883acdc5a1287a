from __future__ import annotations

from pathlib import Path

from pillion.checking.pages import rule_pages

FOLDER = Path(__file__).parents[2] / "docs" / "rules"


def test_the_pages_are_what_the_rules_say() -> None:
    present = {path.name: path.read_text(encoding="utf-8") for path in FOLDER.glob("*.md")}
    assert present == rule_pages(), "run scripts/generate-rule-docs"
