"""Reading a definition for a command: file, overrides, options and pillion.toml, with every problem told.

All problems of a document are collected and printed together, each with file:line:column, the field and
what to do; then the command ends with exit code 2.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct

from pillion.cli.exits import UserError
from pillion.core.errors import DocumentError
from pillion.core.findings import Finding, Severity
from pillion.core.lifecycle.states import PullBehavior
from pillion.core.monitoring.settings import (
    MonitorSettings,
    MonitorSettingsError,
    read_monitor_settings,
)
from pillion.core.plan.options import (
    OptionError,
    Publish,
    RunOptions,
    parse_assignment,
    parse_publish,
    parse_pull_behavior,
)
from pillion.core.rules.blocking import blocking_findings
from pillion.core.taskdef.model import TaskDefinition
from pillion.core.taskdef.overrides import TaskOverride, parse_overrides
from pillion.core.taskdef.parse import parse_task_definition
from pillion.core.taskdef.problem import Problem, format_path
from pillion.core.units import parse_duration_s
from pillion.documents.json_text import parse_json
from pillion.documents.load import load_document
from pillion.documents.source import Document
from pillion.inputs import (
    ChoiceError,
    Subject,
    UnknownValuesError,
    choose_definition,
    complete_definition,
)
from pillion.settings import Settings, SettingsError, find_settings

KEEP_HISTORY_S = 3600.0
"""How long a task can be described after its end, in seconds: ECS's hour."""


class TaskDocument(Struct, frozen=True, kw_only=True):
    """A definition that was read and can be run.

    Attributes:
        definition: the definition.
        value: the same as it was read, with `UNKNOWN` for values that only the deployment knows.
        stand_ins: fields whose value only the deployment knows; something of no weight stands there instead.
    """

    definition: TaskDefinition
    value: object
    stand_ins: tuple[str, ...]

    def notes(self) -> list[str]:
        """Return, as lines, what whoever runs it should know of how it was read."""
        if not self.stand_ins:
            return []
        return [f"only the deployment knows {', '.join(self.stand_ins)}: stand-ins are used"]

    def refusals(self) -> list[str]:
        """Return, as lines, what AWS would refuse although it can be run here."""
        from pillion.core.rules.check import check_definition

        return [
            f"{item.message} [{item.code}]"
            for item in check_definition(self.value)
            if item.severity is Severity.ERROR and not item.blocks_run
        ]


def read_task(file: str, family: str | None = None, *, to_run: bool = True) -> TaskDocument:
    """Read one definition from a document of any kind that `pillion check` knows.

    Args:
        file: the document's name; - for standard input.
        family: family, logical id or address; needed only where the document has several definitions.
        to_run: whether containers will be run; planning and rehearsing need fewer values to be known.

    Raises:
        UserError: with every structural problem, and with everything that cannot be run at all.
    """
    try:
        document = load_document(file)
        subject = choose_definition(document.value, family)
    except DocumentError as error:
        raise UserError(str(error)) from error
    except ChoiceError as error:
        raise UserError(f"{file}: {error}") from error
    try:
        completed = complete_definition(subject, to_run=to_run)
    except UnknownValuesError as error:
        raise UserError(_unknown_report(document, subject, error.paths)) from error
    result = parse_task_definition(completed.value)
    if result.definition is None or result.problems:
        raise UserError(_problem_report(document, subject, result.problems))
    blocking = blocking_findings(subject.value)
    if blocking:
        raise UserError(_finding_report(document, subject, blocking))
    return TaskDocument(
        definition=result.definition,
        value=subject.value,
        stand_ins=tuple(format_path(path) for path in completed.stand_ins),
    )


_UNKNOWN_HINT = (
    "Give the parameter a default, or use the definition as ECS has it: aws ecs describe-task-definition."
)


def _unknown_report(document: Document, subject: Subject, paths: Iterable[tuple[str | int, ...]]) -> str:
    lines = []
    for path in paths:
        place = f"{document.name}:{document.locate(subject.locate(path))}"
        lines += _entry(place, path, "only the deployment knows this value", "")
    return "\n".join([_report(lines), f"  {_UNKNOWN_HINT}"])


def _problem_report(document: Document, subject: Subject, problems: Iterable[Problem]) -> str:
    lines = []
    for problem in problems:
        place = document.locate(subject.locate(problem.path), key=problem.at_key)
        lines += _entry(f"{document.name}:{place}", problem.path, problem.message, problem.hint)
    return _report(lines)


def _finding_report(document: Document, subject: Subject, findings: Iterable[Finding]) -> str:
    lines = []
    for finding in findings:
        place = f"{document.name}:{document.locate(subject.locate(finding.path))}"
        lines += _entry(place, finding.path, f"{finding.message} [{finding.code}]", finding.fix)
    return _report(lines)


def _entry(place: str, path: tuple[str | int, ...], message: str, hint: str) -> list[str]:
    """Return the lines of one problem: where, which field, what; and below it what to do."""
    field = format_path(path)
    subject = f"{field}: " if path and not message.startswith(f"{field} ") else ""
    return [f"  {place}: {subject}{message}", *([f"    {hint}"] if hint else [])]


def _report(lines: list[str]) -> str:
    count = sum(not line.startswith("    ") for line in lines)
    problems = "1 problem" if count == 1 else f"{count} problems"
    return "\n".join([f"the definition cannot be run: {problems}", *lines])


def read_overrides(text: str | None) -> TaskOverride | None:
    """Read `--overrides`: JSON itself, or the name of a file that holds it. Raises UserError."""
    if text is None:
        return None
    source = "--overrides"
    body = text
    if not text.lstrip().startswith("{"):
        path = Path(text.removeprefix("file://"))
        source = str(path)
        try:
            body = path.read_text(encoding="utf-8")
        except OSError as error:
            hint = "It takes the name of a JSON file, or JSON itself: '{\"containerOverrides\": […]}'."
            raise UserError(f"--overrides {text}: {error.strerror}\n  {hint}") from error
        except UnicodeDecodeError as error:
            raise UserError(f"--overrides {text}: this is not UTF-8") from error
    try:
        value = parse_json(body, source)
    except DocumentError as error:
        raise UserError(str(error)) from error
    result = parse_overrides(value)
    if result.definition is None:
        lines = [f"  {source}: {problem}" for problem in result.problems]
        raise UserError("\n".join(["the overrides cannot be used:", *lines]))
    return result.definition


def settings_for(file: str) -> Settings:
    """Find pillion.toml for a definition. Raises UserError."""
    try:
        return find_settings(file)
    except SettingsError as error:
        raise UserError(str(error)) from error


def keep_history(settings: Settings) -> float:
    """Return for how many seconds a task is kept after its end: `keep_history`, else ECS's hour.

    Raises:
        UserError: pillion.toml says something that is no duration.
    """
    text = settings.table("run").get("keep_history")
    if text is None:
        return KEEP_HISTORY_S
    try:
        return parse_duration_s(text)
    except ValueError as error:
        raise UserError(f"{settings.path}: [run] keep_history: {error}") from error


def monitor_settings(settings: Settings) -> MonitorSettings:
    """Return how tasks are watched: `[monitor]`.

    Raises:
        UserError: it says something that means nothing.
    """
    try:
        return read_monitor_settings(settings.table("monitor"))
    except MonitorSettingsError as error:
        raise UserError(f"{settings.path}: {error}") from error


def run_options(
    settings: Settings,
    *,
    images: Iterable[str] = (),
    builds: Iterable[str] = (),
    volumes: Iterable[str] = (),
    publish: Iterable[str] = (),
    mute: Iterable[str] = (),
    stub: Iterable[str] = (),
    pull: str | None = None,
) -> RunOptions:
    """Merge the command line over pillion.toml. Raises UserError."""
    table = settings.table("run")
    try:
        return RunOptions(
            pull_behavior=_pull(pull, table),
            pull_upfront=table.get("pull_upfront", True),
            images={**table.get("images", {}), **_assignments(images, "an image", "web:1=web:local")},
            builds={
                **_folders(table.get("builds", {}), settings.folder, "pillion.toml: [run.builds]"),
                **_folders(_assignments(builds, "a folder to build", "web:1=./web"), Path.cwd(), "--build"),
            },
            volumes={
                **_folders(table.get("volumes", {}), settings.folder, "pillion.toml: [run.volumes]"),
                **_folders(_assignments(volumes, "a volume", "data=./data"), Path.cwd(), "--volume"),
            },
            publish=_publish([*table.get("publish", []), *publish]),
            host_ip=table.get("host_ip", "127.0.0.1"),
            mute=frozenset([*table.get("mute", []), *mute]),
            stub=frozenset([*table.get("stub", []), *stub]),
        )
    except OptionError as error:
        raise UserError(str(error)) from error


def _pull(given: str | None, table: Mapping[str, Any]) -> PullBehavior:
    text = given or table.get("pull")
    return parse_pull_behavior(text) if text else PullBehavior.PREFER_CACHED


def _publish(texts: Iterable[str]) -> tuple[Publish, ...]:
    return tuple(parse_publish(text) for text in texts)


def _assignments(texts: Iterable[str], what: str, example: str) -> dict[str, str]:
    return dict(parse_assignment(text, what, example) for text in texts)


def _folders(table: Mapping[str, str], base: Path, option: str) -> dict[str, str]:
    found = {}
    for name, text in table.items():
        path = (base / Path(text).expanduser()).resolve()
        if not path.is_dir():
            raise OptionError(f"{option} {name}: there is no folder {path}")
        found[name] = str(path)
    return found
