"""Findings for people: what, where with a line of the source, why, and what to do.

The text is plain; `style` decides about colours, and colour is never the only sign.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence

from pillion.checking.check import CheckedDefinition, CheckedDocument
from pillion.checking.observed import NOTHING_OBSERVED, ByFamily, observed_of
from pillion.checking.summary import count, in_words, word
from pillion.core.budget import Budget, Share, budget_of
from pillion.core.findings import Finding, Severity
from pillion.core.rules.rule import Rule
from pillion.core.rules.secrets import plain_secret
from pillion.core.usage import Observed

Style = Callable[..., str]
"""Like `click.style`: a text, and how it should look."""

_COLOURS = {Severity.ERROR: "red", Severity.WARNING: "yellow", Severity.INFO: "blue"}
_LINE_MAX = 100
"""Longer source lines are cut around the caret."""


_UNSEEN = re.compile("[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")
"""Characters that steer a terminal or a build log, or that turn the direction of writing."""


def _visible(text: str) -> str:
    """A text from somebody's file, on one line and without power over where it is shown."""
    return _UNSEEN.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def plain(text: str, **_look: object) -> str:
    """The style without any."""
    return text


def document_text(
    checked: CheckedDocument,
    *,
    style: Style = plain,
    budget: bool = False,
    observed: ByFamily = NOTHING_OBSERVED,
) -> Iterator[str]:
    """The lines about one document, grouped by definition; none about a definition without findings.

    Args:
        checked: The document.
        style: How texts look.
        budget: Whether to show the budget of each definition as well.
        observed: What past runs used, for the budget.
    """
    for definition in checked.definitions:
        if definition.findings:
            yield _header(checked, definition, style)
            lines = _shown_lines(checked)
            for finding in definition.findings:
                yield from _finding_text(finding, lines, style)
        if budget:
            value = definition.subject.value
            found = budget_of(value, observed_of(observed, value))
            yield from budget_text(found, definition.subject.name, style=style)


def _shown_lines(checked: CheckedDocument) -> list[str]:
    """The lines of the source; what looks like a secret is hidden, as a report goes further than its file."""
    lines = checked.document.text.splitlines()
    for finding in checked.findings:
        place = finding.place
        if finding.code == plain_secret.code and place is not None and 0 < place.line <= len(lines):
            line = lines[place.line - 1]
            start, end = place.column - 1, (place.end_column or len(line) + 1) - 1
            hidden = re.sub(r"[^\s\"']", "*", line[start:end])
            lines[place.line - 1] = line[:start] + hidden + line[end:]
    return lines


def _header(checked: CheckedDocument, definition: CheckedDefinition, style: Style) -> str:
    name = f" · {definition.subject.name}" if definition.subject.name else ""
    counts = in_words(count(definition.findings))
    return f"{style(_visible(checked.document.name + name), bold=True)}: {counts}\n"


def _finding_text(finding: Finding, lines: list[str], style: Style) -> Iterator[str]:
    severity = style(word(finding.severity), fg=_COLOURS[finding.severity], bold=True)
    where = f"{_visible(finding.container)}: " if finding.container else ""
    yield f"{_visible(str(finding.place))}: {severity} {finding.code} {where}{finding.title}"
    if finding.aws_text:
        yield f"  AWS says: {_visible(finding.message)}"
    else:
        yield f"  {_visible(finding.message)}"
    if finding.detail:
        yield f"  {_visible(finding.detail)}"
    if finding.severity is not Severity.INFO:
        yield from (f"  {style(_visible(line), dim=True)}" for line in _excerpt(finding, lines))
        yield f"  why: {finding.why}"
    yield f"  fix: {finding.fix}"
    yield ""


def _excerpt(finding: Finding, lines: list[str]) -> Iterator[str]:
    """The line of the source, and a caret below the place."""
    place = finding.place
    if place is None or not 0 < place.line <= len(lines):
        return
    source = lines[place.line - 1].replace("\t", " ")
    column = place.column - 1
    start = max(0, min(column - 20, len(source) - _LINE_MAX)) if len(source) > _LINE_MAX else 0
    shown = source[start : start + _LINE_MAX]
    if start == 0:
        indent = len(shown) - len(shown.lstrip())
        cut = min(indent, column, max(indent - 2, 0))
        shown, start = shown[cut:], cut
    gutter = f"{place.line} | "
    yield f"{gutter}{shown}".rstrip()
    width = (place.end_column or place.column + 1) - place.column
    carets = "^" * max(1, min(width, len(shown) - (column - start)))
    yield f"{' ' * (len(gutter) - 2)}| {' ' * (column - start)}{carets}"


def summary_text(documents: Sequence[CheckedDocument], *, style: Style = plain) -> str:
    """One line: how many definitions, and what was found in them."""
    findings = [finding for document in documents for finding in document.findings]
    definitions = sum(len(document.definitions) for document in documents)
    counts = count(findings)
    fixable = sum(1 for finding in findings if finding.edit is not None)
    worst = next((severity for severity, n in counts.items() if n), None)
    text = style(in_words(counts), fg=_COLOURS[worst] if worst else "green", bold=True)
    checked = "1 definition" if definitions == 1 else f"{definitions} definitions"
    more = f"; {fixable} can be repaired with --fix" if fixable else ""
    return f"{checked} checked: {text}{more}"


def budget_text(budget: Budget, name: str, *, style: Style = plain) -> Iterator[str]:
    """The budget as a table; `?` stands for what is not known yet.

    What past runs used has its columns where there is something to show.
    """
    with_observed = any(share.observed is not None for share in budget.shares)
    no_cells = ("", "") if with_observed else ()
    heads = ("observed cpu", "observed memory") if with_observed else ()
    rows: list[tuple[str, ...]] = [("container", "cpu", "memory", "reserved", *heads, "role")]
    for share in budget.shares:
        nothing = "-" if share.known else "?"
        numbers = (share.cpu_units, share.memory_mib, share.reservation_mib)
        cells = tuple(nothing if n is None else str(n) for n in numbers)
        seen = _observed_cells(share) if with_observed else ()
        rows.append((_visible(share.container), *cells, *seen, share.role))
    rows.append(("task", _number(budget.task_cpu_units), _number(budget.task_memory_mib), "", *no_cells, ""))
    left = (budget.cpu_left, budget.memory_left_mib, budget.reservation_left_mib)
    rows.append(("left", *(_number(n) for n in left), *no_cells, ""))
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    yield style(f"Budget{f' of {_visible(name)}' if name else ''} (cpu units, MiB)", bold=True)
    for row in rows:
        numbers_text = "  ".join(row[column].rjust(widths[column]) for column in range(1, len(row) - 1))
        yield f"  {row[0].ljust(widths[0])}  {numbers_text}  {row[-1]}".rstrip()
    yield ""


def _observed_cells(share: Share) -> tuple[str, str]:
    seen = share.observed or Observed()
    return _number(seen.cpu_units), _number(seen.memory_mib)


def _number(value: int | None) -> str:
    return "-" if value is None else str(value)


def explain_text(rule: Rule, *, style: Style = plain) -> Iterator[str]:
    """Everything that a rule has to say, with its examples."""
    import json

    severity = style(word(rule.severity), fg=_COLOURS[rule.severity], bold=True)
    yield f"{style(rule.code, bold=True)} ({severity}): {rule.title}"
    if rule.launch_type:
        yield f"Holds for the launch type {rule.launch_type}."
    yield ""
    yield f"why: {rule.why}"
    yield f"fix: {rule.fix}"
    yield f"see: {rule.source}"
    for title, example in (("Not like this:", rule.bad), ("But like this:", rule.good)):
        yield ""
        yield style(title, bold=True)
        text = json.dumps(example, indent=2, ensure_ascii=False)
        lines = text.splitlines()
        yield from (f"  {line[:_LINE_MAX]}" for line in lines[:60])
        if len(lines) > 60:
            yield f"  … {len(lines) - 60} more lines"
