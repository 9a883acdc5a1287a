"""A drill in words: one row per container, one column per fault, then all that somebody should look at."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from textwrap import wrap

from pillion.core.lifecycle.states import ContainerKind
from pillion.core.timeline.axis import short_duration
from pillion.core.units import format_duration_s
from pillion.drilling.faults import THE_TASK, Fault
from pillion.drilling.observing import Gap
from pillion.drilling.recording import Lines
from pillion.drilling.verdict import DrillReport, Result, Verdict
from pillion.rehearsing.matrix import MEANINGS, WORDS, advice
from pillion.rehearsing.rehearsal import Effect

HEADS = {
    Fault.KILL: ("killed", ""),
    Fault.EXIT_0: ("exits", "with 0"),
    Fault.EXIT_1: ("exits", "with 1"),
    Fault.MEMORY: ("out of", "memory"),
    Fault.FREEZE: ("frozen", ""),
    Fault.NEVER_HEALTHY: ("never", "healthy"),
    Fault.UNHEALTHY: ("turns", "unhealthy"),
    Fault.DELAY: ("starts", "late"),
    Fault.VOLUME: ("volume", "full"),
    Fault.NETWORK: ("network", "cut"),
}
DANGER, DIFFERS, LOST, SILENT = "!", "≠", "~", "◦"

WIDTH = 110

_UNKNOWN = {Verdict.TIMED_OUT: "time", Verdict.IMPOSSIBLE: "n/a", Verdict.NOT_RUN: "…"}


def drill_text(report: DrillReport) -> str:
    """Return all that a person is told of a drill."""
    if report.trouble is not None:
        return f"The task is not well even without a fault: {report.trouble}"
    parts = [
        matrix_lines(report),
        _legend(report),
        _dangers(report),
        _differences(report),
        _answers(report),
        _losses(report),
        _notes(report),
        _unknown(report),
        [summary(report)],
    ]
    return "\n\n".join("\n".join(lines) for lines in parts if lines)


def matrix_lines(report: DrillReport) -> list[str]:
    """Return the matrix: below each effect, how long it took until the task was STOPPED or well again."""
    found = {(item.case.container, item.case.fault): item for item in report.results}
    faults = [fault for fault in Fault if any(other is fault for _, other in found)]
    names = [item.name for item in report.spec.containers if item.kind is ContainerKind.NORMAL]
    wanted: list[str | None] = [*names, None]
    rows: list[Sequence[str]] = [
        ["", *(HEADS[fault][0] for fault in faults)],
        ["", *(HEADS[fault][1] for fault in faults)],
    ]
    for name in wanted:
        results = [found.get((name, fault)) for fault in faults]
        if any(results):
            rows.append([_name(report, name), *(cell(item) for item in results)])
            rows.append(["", *(time_of(item) for item in results)])
    widths = [max(len(row[number]) for row in rows) for number in range(len(rows[0]))]
    lines = [
        "  ".join(f"{word:{size}}" for word, size in zip(row, widths, strict=True)).rstrip() for row in rows
    ]
    return [line for line in lines if line]


def _name(report: DrillReport, name: str | None) -> str:
    if name is None:
        return THE_TASK
    return f"{name} *" if report.spec.container(name).essential else name


def cell(result: Result | None) -> str:
    """Return an effect with its marks; - where the fault does not apply."""
    if result is None:
        return "-"
    if result.observed is None:
        return _UNKNOWN[result.verdict]
    return f"{WORDS[result.observed.effect]}{marks(result)}"


def marks(result: Result) -> str:
    """Return the marks of a case: dangerous, other than predicted, lines lost, the URL silent."""
    return (
        (DANGER if result.dangers else "")
        + (DIFFERS if result.differences else "")
        + (LOST if result.lost else "")
        + (SILENT if result.gaps else "")
    )


def time_of(result: Result | None) -> str:
    """Return how long it took until the task was STOPPED, or until the container was well again."""
    if result is None or result.observed is None:
        return ""
    seen = result.observed
    if seen.stopped_after_s is not None:
        return short_duration(round(seen.stopped_after_s, 1))
    if seen.recovered_after_s is not None:
        return f"↺{short_duration(round(seen.recovered_after_s, 1))}"
    return ""


def _legend(report: DrillReport) -> list[str]:
    results = report.results
    effects = {item.observed.effect for item in results if item.observed}
    lines = [f"{WORDS[effect]}: {MEANINGS[effect]}" for effect in Effect if effect in effects]
    words = ["*: essential"]
    words += [f"{DANGER}: should not be left like that"] if any(item.dangers for item in results) else []
    words += [f"{DIFFERS}: other than predicted"] if any(item.differences for item in results) else []
    words += [f"{LOST}: output was lost"] if any(item.lost for item in results) else []
    words += [f"{SILENT}: the URL did not answer"] if any(item.gaps for item in results) else []
    verdicts = {item.verdict for item in results if item.observed is None}
    words += [f"{mark}: {verdict.value}" for verdict, mark in _UNKNOWN.items() if verdict in verdicts]
    times = "times: from the fault until the task was STOPPED"
    if any(item.observed and item.observed.recovered_after_s is not None for item in results):
        times += "; ↺ until the container was well again"
    return [*lines, *_fitted(words), times]


def _fitted(words: Sequence[str]) -> list[str]:
    """Return words on as few lines as they fit."""
    lines: list[str] = []
    for word in words:
        longer = f"{lines[-1]};  {word}" if lines else word
        lines[-1:] = [longer] if len(longer) <= WIDTH else [*lines[-1:], word]
    return lines


def _dangers(report: DrillReport) -> list[str]:
    found: dict[str, list[Result]] = {}
    for item in report.results:
        for danger in item.dangers:
            found.setdefault(danger, []).append(item)
    if not found:
        asked = any(item.observed is not None for item in report.results)
        return ["No fault of a sidecar took the task down, and none made it wait for ever."] if asked else []
    lines = ["Should not be left like that:"]
    for danger, results in found.items():
        lines += [f"  {danger}", *(f"    {_with_waits(item)}" for item in results)]
        hints = dict.fromkeys(hint for hint in map(advice_for, results) if hint)
        lines += [f"    {hint}" for hint in hints]
    return lines


def advice_for(result: Result) -> str | None:
    """Say what to change where a task hangs or is taken down."""
    seen = result.observed
    if seen is None or result.case.container is None or seen.effect is Effect.RUNS_ON:
        return None
    return advice(result.case.container, hangs=seen.effect is Effect.HANGS)


def _with_waits(result: Result) -> str:
    waits = "; ".join(result.observed.waits) if result.observed else ""
    return f"{result.case.words}{f': {waits}' if waits else ''}"


def _differences(report: DrillReport) -> list[str]:
    lines = []
    for item in report.results:
        if item.differences:
            lines.append(f"  {item.case.words}  ({item.case.name})")
        for one in item.differences:
            lines.append(f"    {one.what}: predicted {one.predicted}; seen {one.observed}")
            lines += wrap(one.why, WIDTH, initial_indent="      ", subsequent_indent="      ")
    return ["Other than the simulation predicted:", *lines] if lines else []


def _answers(report: DrillReport) -> list[str]:
    if report.url is None:
        return []
    lines = [
        f"  {item.case.words}: {'; '.join(map(gap_words, item.gaps))}" for item in report.results if item.gaps
    ]
    asked = sum(item.observed is not None for item in report.results)
    if not lines:
        return [f"{report.url} answered throughout."]
    return [f"{report.url} did not answer for a while in {len(lines)} of {asked} cases:", *lines]


def gap_words(gap: Gap) -> str:
    """Return a gap in words."""
    begins = f"{gap.begins_s:+.1f} s after the fault".replace("+", "")
    until = "to the end of the task" if gap.ends_s is None else f"for {gap.length_s:.1f} s"
    return f"{until}, from {begins} ({gap.error})"


def _losses(report: DrillReport) -> list[str]:
    usual = {item.container: item.lost or 0 for item in report.well.lines} if report.well else {}
    lines = [
        f"  {item.case.words}: {', '.join(_lost(one, usual, item) for one in item.lost)}"
        for item in report.results
        if item.lost
    ]
    return ["Lines that were written and did not arrive:", *lines] if lines else []


def _lost(lines: Lines, usual: dict[str, int], result: Result) -> str:
    without = f" (without a fault {usual[lines.container]})" if usual.get(lines.container) else ""
    predicted = "predicted" if lines.container in result.predicted_lost else "not predicted"
    return f"{lines.lost} of {lines.written} of {lines.container}{without}, {predicted}"


def _notes(report: DrillReport) -> list[str]:
    about = [f"note: {f'{item.container}: ' if item.container else ''}{item.text}" for item in report.notices]
    found: dict[str, list[str]] = {}
    for item in report.results:
        for note in item.notes:
            found.setdefault(note, []).append(item.case.name)
    return [*about, *(f"note: {', '.join(names)}: {note}" for note, names in found.items())]


def _unknown(report: DrillReport) -> list[str]:
    return [
        f"{item.case.name}: {item.verdict.value}: {item.reason}"
        for item in report.results
        if item.reason is not None
    ]


def counts(report: DrillReport) -> Iterator[tuple[Verdict, int]]:
    """Yield each verdict that there is, with the number of its cases."""
    for verdict in Verdict:
        count = sum(item.verdict is verdict for item in report.results)
        if count:
            yield verdict, count


def summary(report: DrillReport) -> str:
    """Return the drill in one line."""
    parts = ", ".join(f"{count} {verdict.value}" for verdict, count in counts(report)) or "no case"
    dangers = sum(bool(item.dangers) for item in report.results)
    found = f"; {dangers} should not be left like that" if dangers else ""
    known = [
        item.case.name for item in report.results if item.is_finding and item.case.name in report.accepted
    ]
    accepted = f" Accepted: {', '.join(known)}." if known else ""
    interrupted = "Interrupted. " if report.interrupted else ""
    cases = "1 case" if len(report.results) == 1 else f"{len(report.results)} cases"
    return f"{interrupted}{cases} in {format_duration_s(report.took_s)}: {parts}{found}.{accepted}"
