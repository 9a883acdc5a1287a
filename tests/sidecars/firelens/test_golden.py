"""The generated configuration, compared with golden files and read with Fluent Bit's own grammar.

`PILLION_REWRITE_GOLDEN=1 pytest tests/sidecars` writes the files anew; the diff is the review.
"""

import os
import re
from pathlib import Path

import pytest

from pillion.sidecars.firelens.plan import FirelensSettings, plan_firelens
from sidecars.firelens.definitions import EXAMPLES, IDENTITY

GOLDEN = Path(__file__).parent / "golden"
SETTINGS = FirelensSettings(folder="/state/firelens/0123", instance_id="i-0abc")


def text_of(name: str) -> str:
    definition, mode = EXAMPLES[name]
    plan = plan_firelens(definition, IDENTITY, mode, SETTINGS)
    assert plan is not None
    return plan.text


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_configuration_is_what_the_golden_file_says(name: str) -> None:
    path = GOLDEN / name
    if os.environ.get("PILLION_REWRITE_GOLDEN"):
        path.write_text(text_of(name))
    assert text_of(name) == path.read_text()


def test_every_golden_file_is_used() -> None:
    assert {path.name for path in GOLDEN.iterdir()} == EXAMPLES.keys()


@pytest.mark.parametrize("name", [name for name in EXAMPLES if name.startswith("fluentbit")])
def test_fluent_bits_grammar_accepts_the_file(name: str) -> None:
    tree_sitter = pytest.importorskip("tree_sitter")
    grammar = pytest.importorskip("tree_sitter_fluentbit")
    parser = tree_sitter.Parser(tree_sitter.Language(grammar.language()))
    # The grammar knows no empty line behind a directive; Fluent Bit itself does.
    text = re.sub(r"^(@INCLUDE .*)\n\n", r"\1\n", text_of(name), flags=re.MULTILINE)
    tree = parser.parse(text.encode())
    assert not tree.root_node.has_error, str(tree.root_node)
    sections = [node for node in tree.root_node.children if node.type == "section"]
    assert len(sections) == text_of(name).count("\n[") + 1
