"""Findings for programs: JSON, SARIF 2.1.0, GitHub's annotations, JUnit's XML.

Each function takes checked documents and returns text. SARIF is what code scanning services read; GitHub's
annotations are lines that a workflow prints; JUnit's XML is what most CI servers show as test results.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from typing import Any, Final

from pillion.checking.check import CheckedDocument
from pillion.checking.observed import NOTHING_OBSERVED, ByFamily, observed_of
from pillion.checking.summary import count
from pillion.core.budget import Share, budget_of
from pillion.core.findings import Finding, Place, Severity
from pillion.core.rules.catalogue import BY_CODE

SARIF_SCHEMA: Final = "https://json.schemastore.org/sarif-2.1.0.json"
_PROJECT: Final = "pillion"
_LEVELS: Final = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "note"}


def to_json(documents: Sequence[CheckedDocument], *, observed: ByFamily = NOTHING_OBSERVED) -> str:
    """Everything that is known, for programs of one's own; `version` changes when a member does.

    A container in a budget has the member `observed` where past runs were looked up and found.
    """
    findings = [finding for document in documents for finding in document.findings]
    value = {
        "version": 1,
        "summary": {severity.value: n for severity, n in count(findings).items()},
        "findings": [finding_value(finding) for finding in findings],
        "definitions": [
            {
                "file": document.document.name,
                "name": definition.subject.name or None,
                "findings": len(definition.findings),
                "budget": _budget_value(definition.subject.value, observed),
            }
            for document in documents
            for definition in document.definitions
        ],
    }
    return json.dumps(value, indent=2, ensure_ascii=False)


def finding_value(finding: Finding) -> dict[str, Any]:
    """A finding as plain JSON."""
    place = finding.place
    return {
        "code": finding.code,
        "severity": finding.severity.value,
        "title": finding.title,
        "message": finding.message,
        "awsText": finding.aws_text,
        "detail": finding.detail or None,
        "file": place.file if place else None,
        "line": place.line if place else None,
        "column": place.column if place else None,
        "endColumn": place.end_column if place else None,
        "definition": finding.definition,
        "container": finding.container,
        "field": finding.field,
        "why": finding.why,
        "fix": finding.fix,
        "source": finding.source,
        "blocksRun": finding.blocks_run,
        "fixable": finding.edit is not None,
    }


def _budget_value(value: dict[str, Any], observed: ByFamily) -> dict[str, Any]:
    budget = budget_of(value, observed_of(observed, value))
    return {
        "taskCpu": budget.task_cpu_units,
        "taskMemoryMiB": budget.task_memory_mib,
        "containers": [
            {
                "name": share.container,
                "role": share.role,
                "cpu": share.cpu_units,
                "memoryMiB": share.memory_mib,
                "memoryReservationMiB": share.reservation_mib,
                **_observed_value(share),
            }
            for share in budget.shares
        ],
        "cpuLeft": budget.cpu_left,
        "memoryLeftMiB": budget.memory_left_mib,
        "reservationLeftMiB": budget.reservation_left_mib,
    }


def _observed_value(share: Share) -> dict[str, Any]:
    if share.observed is None:
        return {}
    return {"observed": {"cpu": share.observed.cpu_units, "memoryMiB": share.observed.memory_mib}}


def to_sarif(documents: Sequence[CheckedDocument], *, version: str) -> str:
    """SARIF 2.1.0, with the rules that were broken and one result for each finding."""
    findings = [finding for document in documents for finding in document.findings]
    codes = sorted({finding.code for finding in findings})
    indices = {code: index for index, code in enumerate(codes)}
    run = {
        "tool": {
            "driver": {
                "name": _PROJECT,
                "version": version,
                "rules": [_sarif_rule(code, findings) for code in codes],
            }
        },
        "columnKind": "unicodeCodePoints",
        "results": [_sarif_result(finding, indices[finding.code]) for finding in findings],
    }
    value = {"$schema": SARIF_SCHEMA, "version": "2.1.0", "runs": [run]}
    return json.dumps(value, indent=2, ensure_ascii=False)


def _sarif_rule(code: str, findings: Iterable[Finding]) -> dict[str, Any]:
    rule = BY_CODE[code]
    return {
        "id": code,
        "name": "".join(word.capitalize() for word in rule_slug(rule.title).split("-")),
        "shortDescription": {"text": rule.title},
        "fullDescription": {"text": rule.why},
        "help": {"text": f"{rule.why}\n\nFix: {rule.fix}\n\n{rule.source}"},
        "helpUri": rule.source,
        "defaultConfiguration": {"level": _LEVELS[rule.severity]},
    }


def rule_slug(title: str) -> str:
    """The title in small letters and hyphens."""
    words = "".join(c if c.isalnum() and c.isascii() else " " for c in title.lower()).split()
    return "-".join(words)


def _sarif_result(finding: Finding, index: int) -> dict[str, Any]:
    result: dict[str, Any] = {
        "ruleId": finding.code,
        "ruleIndex": index,
        "level": _LEVELS[finding.severity],
        "message": {"text": _sentence(finding)},
        "partialFingerprints": {"pillion/v1": _fingerprint(finding)},
    }
    if finding.place is not None:
        location: dict[str, Any] = {
            "physicalLocation": {
                "artifactLocation": {"uri": _uri(finding.place.file)},
                "region": _region(finding.place),
            }
        }
        if finding.field:
            location["logicalLocations"] = [{"fullyQualifiedName": finding.field, "kind": "member"}]
        result["locations"] = [location]
    return result


def _region(place: Place) -> dict[str, int]:
    region = {"startLine": place.line, "startColumn": place.column}
    if place.end_column is not None:
        region["endColumn"] = place.end_column
    return region


def _uri(file: str) -> str:
    from urllib.parse import quote

    return quote(file.replace("\\", "/"))


def _fingerprint(finding: Finding) -> str:
    """Stays the same when lines move, so that a service recognises the finding."""
    parts = (finding.code, finding.definition or "", finding.container or "", finding.field, finding.message)
    return hashlib.sha256("\0".join(parts).encode("utf-8", "replace")).hexdigest()[:32]


def _sentence(finding: Finding) -> str:
    return f"{finding.message} {finding.detail}".rstrip()


def to_github(documents: Sequence[CheckedDocument]) -> str:
    """One workflow command for each finding; GitHub shows them at the lines of a pull request."""
    levels = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "notice"}
    lines = []
    for document in documents:
        for finding in document.findings:
            place = finding.place
            where = f"file={_property(place.file)},line={place.line},col={place.column}," if place else ""
            title = _property(f"{finding.code} {finding.title}")
            message = _data(f"{_sentence(finding)}\n{finding.fix}".strip())
            lines.append(f"::{levels[finding.severity]} {where}title={title}::{message}")
    return "\n".join(lines)


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def to_junit(documents: Sequence[CheckedDocument], *, threshold: Severity | None) -> str:
    """One suite for each file; a finding at the threshold is a failed case, a milder one a passed case."""
    from xml.etree import ElementTree

    suites = ElementTree.Element("testsuites", name=_PROJECT)
    for document in documents:
        suite = ElementTree.SubElement(suites, "testsuite", name=_xml(document.document.name))
        failures = 0
        for definition in document.definitions:
            name = definition.subject.name or document.document.name
            if not definition.findings:
                ElementTree.SubElement(suite, "testcase", classname=_xml(name), name="no findings")
            for finding in definition.findings:
                case = ElementTree.SubElement(
                    suite,
                    "testcase",
                    classname=_xml(name),
                    name=_xml(f"{finding.code} {finding.field}".rstrip()),
                )
                text = _xml(f"{finding.place or ''}\n{_sentence(finding)}\n{finding.why}\n{finding.fix}")
                if threshold is not None and finding.severity.at_least(threshold):
                    failures += 1
                    kind = finding.severity.value
                    message = _xml(_sentence(finding))
                    ElementTree.SubElement(case, "failure", message=message, type=kind).text = text
                else:
                    ElementTree.SubElement(case, "system-out").text = text
        suite.set("tests", str(len(suite)))
        suite.set("failures", str(failures))
    ElementTree.indent(suites)
    return ElementTree.tostring(suites, encoding="unicode", xml_declaration=True)


def _xml(text: str) -> str:
    """Without the characters that XML cannot hold in any spelling."""
    return "".join(
        c if c in "\t\n\r" or " " <= c <= "\ud7ff" or "\ue000" <= c <= "\ufffd" or c > "\uffff" else "?"
        for c in text
    )
