"""The generated parts of docs/lifecycle.md. PILLION_REWRITE=1 writes them anew."""

import os
import re
from pathlib import Path

import pytest

from pillion.core.lifecycle.diagram import markdown_actions, markdown_table, mermaid
from pillion.core.lifecycle.states import CONTAINER_PROGRESS

PAGE = Path(__file__).parents[3] / "docs" / "lifecycle.md"
GENERATED = {"table": markdown_table, "actions": markdown_actions}


def generated(text: str) -> str:
    """Return a page with its generated parts as they are now."""
    page = re.sub(r"```mermaid\n.*?```", lambda _: f"```mermaid\n{mermaid()}\n```", text, flags=re.DOTALL)
    for name, make in GENERATED.items():
        begin, end = f"<!-- generated: {name} -->\n", "<!-- end -->"
        head, _, rest = page.partition(begin)
        page = f"{head}{begin}{make()}\n{end}{rest.partition(end)[2]}"
    return page


def test_the_page_shows_the_lifecycle_as_it_is() -> None:
    text = PAGE.read_text(encoding="utf-8")
    now = generated(text)
    if os.environ.get("PILLION_REWRITE"):
        PAGE.write_text(now, encoding="utf-8")
        return
    assert text == now


def test_the_page_has_a_place_for_every_generated_part() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert "```mermaid\n" in text
    assert [name for name in GENERATED if f"<!-- generated: {name} -->" not in text] == []


@pytest.mark.parametrize("status", CONTAINER_PROGRESS)
def test_the_picture_has_a_way_in_and_a_way_out_of_every_status(status: object) -> None:
    name = getattr(status, "value", "")
    arrows = [re.split(r" --> |: ", line.strip()) for line in mermaid().splitlines()[1:]]
    assert any(parts[1] == name for parts in arrows)
    assert any(parts[0] == name for parts in arrows)
