"""The documentation of the rules, made from the rules: an index and one page for each."""

from __future__ import annotations

import json
from typing import Any, Final

from pillion.checking.summary import word
from pillion.core.findings import EditAction, Finding
from pillion.core.rules.catalogue import RULES
from pillion.core.rules.check import check_definition
from pillion.core.rules.rule import Rule

_FAMILIES: Final = {
    "S": ("No task definition", "The structure is not that of a task definition, so AWS's tools refuse it."),
    "E": ("Refused by AWS", "AWS refuses to register the definition."),
    "W": ("Trouble at run time", "AWS takes the definition, and it fails or hurts when it runs, or may."),
}
_EXAMPLE_MAX: Final = 60
"""Lines of an example; the longest are all repetition."""


def rule_pages() -> dict[str, str]:
    """File name -> text of every page."""
    pages = {f"{rule.code}.md": rule_page(rule) for rule in RULES}
    return {"README.md": index_page(), **pages}


def index_page() -> str:
    """The list of all rules, by family."""
    lines = [
        "# Rules of `pillion check`",
        "",
        "Made by `scripts/generate-rule-docs`; the rules are in `src/pillion/core/rules`.",
        "`pillion check --explain CODE` shows the same in a terminal.",
    ]
    for letter, (title, text) in _FAMILIES.items():
        lines += ["", f"## {letter}: {title}", "", text, "", "| code | severity | rule |", "|---|---|---|"]
        for rule in sorted(RULES, key=lambda rule: rule.code):
            if rule.code.startswith(letter):
                lines.append(f"| [{rule.code}]({rule.code}.md) | {word(rule.severity)} | {rule.title} |")
    return "\n".join(lines) + "\n"


def rule_page(rule: Rule) -> str:
    """Everything that a rule has to say."""
    finding = next(found for found in check_definition(rule.bad) if found.code == rule.code)
    lines = [
        f"# {rule.code}: {rule.title}",
        "",
        f"*{word(rule.severity).capitalize()}*{_holds_for(rule)}",
        "",
        f"**Why.** {rule.why}",
        "",
        f"**Fix.** {rule.fix}{_repair(finding)}",
        "",
        f"**Source.** <{rule.source}>",
        "",
        "## Not like this",
        "",
        *_example(rule.bad),
        "",
        *_message(finding),
        "",
        "## But like this",
        "",
        *_example(rule.good),
        "",
        "## Ignoring it",
        "",
        f"`pillion check --ignore {rule.code}`, or in `pillion.toml`:",
        "",
        "```toml",
        "[check]",
        f'ignore = ["{rule.code}"]',
        "```",
    ]
    return "\n".join(lines) + "\n"


def _holds_for(rule: Rule) -> str:
    launch_type = f"; only for {rule.launch_type}" if rule.launch_type else ""
    blocks = "; such a task cannot be run, not even locally" if rule.blocks_run else ""
    return f"{launch_type}{blocks}."


def _repair(finding: Finding) -> str:
    if finding.edit is None:
        return ""
    verb = {EditAction.SET: "sets the value", EditAction.REMOVE: "takes the member away"}
    return f" `--fix` {verb.get(finding.edit.action, 'corrects the name')}."


def _message(finding: Finding) -> list[str]:
    place = f" at `{finding.field}`" if finding.field else ""
    speaker = "AWS answers" if finding.aws_text else "pillion says"
    lines = [f"{speaker}{place}:", "", "```text", finding.message, "```"]
    return [*lines, "", finding.detail] if finding.detail else lines


def _example(value: Any) -> list[str]:  # noqa: ANN401 (any JSON value)
    lines = json.dumps(value, indent=2, ensure_ascii=False).splitlines()
    shown = [line if len(line) <= 100 else f"{line[:97]}..." for line in lines[:_EXAMPLE_MAX]]
    if len(lines) > _EXAMPLE_MAX:
        shown.append("...")
    return ["```json", *shown, "```"]
