"""A drill as one page of HTML that needs nothing else: matrix, findings, a timeline for each case. Pure."""

from __future__ import annotations

from html import escape

from pillion.core.lifecycle.states import ContainerKind
from pillion.core.timeline.axis import short_duration
from pillion.core.timeline.story import story_of
from pillion.core.units import format_duration_s
from pillion.drilling.chart import chart_svg
from pillion.drilling.faults import THE_TASK, Fault
from pillion.drilling.observing import Observed
from pillion.drilling.page_style import STYLE
from pillion.drilling.recording import Recording
from pillion.drilling.text import HEADS, advice_for, cell, counts, gap_words, time_of
from pillion.drilling.verdict import DrillReport, Result, Verdict
from pillion.rehearsing.matrix import MEANINGS, WORDS

_MARKS = (
    "* essential, ! should not be left like that, ≠ other than predicted, ~ output was lost, ◦ no answer. "
    "Times until STOPPED, ↺ until well again."
)
_PHASES = ("waits", "pulling", "starting", "running", "healthy", "unhealthy", "stopping")
_TONES = {Verdict.AS_PREDICTED: "ok", Verdict.DIFFERS: "differs", Verdict.TIMED_OUT: "differs"}


def drill_page(report: DrillReport) -> str:
    """Return the page."""
    title = f"Drill of {escape(report.family)}"
    body = [
        f"<h1>{title}</h1>",
        f'<p class="soft">{_subtitle(report)}</p>',
        *_trouble(report),
        *_tiles(report),
        *_matrix(report),
        *_findings(report),
        *_well(report),
        *_cases(report),
        *_fine_print(report),
    ]
    return "\n".join(
        (
            "<!doctype html>",
            '<html lang="en"><head><meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width,initial-scale=1">',
            f"<title>{title}</title>",
            f"<style>{STYLE}</style></head><body><main>",
            *body,
            "</main></body></html>\n",
        )
    )


def _subtitle(report: DrillReport) -> str:
    parts = [
        f"every fault on every container, on {escape(report.engine)}, in {format_duration_s(report.took_s)}"
    ]
    if report.url is not None:
        parts.append(f"<code>{escape(report.url)}</code> was asked all the time")
    if report.interrupted:
        parts.append("<b>interrupted before its end</b>")
    return "; ".join(parts)


def _trouble(report: DrillReport) -> list[str]:
    if report.trouble is None:
        return []
    text = f"The task is not well even without a fault: {escape(report.trouble)}"
    return [f'<div class="card danger-card"><p>{text}</p></div>']


def _tiles(report: DrillReport) -> list[str]:
    if not report.results:
        return []
    tiles = [("", len(report.results), "cases")]
    tones = {Verdict.AS_PREDICTED: "good", Verdict.DIFFERS: "warn", Verdict.TIMED_OUT: "warn"}
    tiles += [(tones.get(verdict, ""), count, verdict.value) for verdict, count in counts(report)]
    dangers = sum(bool(item.dangers) for item in report.results)
    tiles.append(("bad" if dangers else "good", dangers, "should not be left like that"))
    return [
        '<div class="tiles">',
        *(f'<div class="tile {tone}"><b>{count}</b><span>{word}</span></div>' for tone, count, word in tiles),
        "</div>",
    ]


def _matrix(report: DrillReport) -> list[str]:
    if not report.results:
        return []
    found = {(item.case.container, item.case.fault): item for item in report.results}
    faults = [fault for fault in Fault if any(other is fault for _, other in found)]
    heads = "".join(f"<th>{' '.join(HEADS[fault]).strip().replace(' ', '<br>')}</th>" for fault in faults)
    lines = ['<div class="scroll"><table class="matrix">', f"<tr><th></th>{heads}</tr>"]
    names = [item.name for item in report.spec.containers if item.kind is ContainerKind.NORMAL]
    for name in [*names, None]:
        results = [found.get((name, fault)) for fault in faults]
        if any(results):
            star = " *" if name is not None and report.spec.container(name).essential else ""
            cells = "".join(f"<td>{_cell(item)}</td>" for item in results)
            lines.append(f'<tr><th class="who">{escape(name or THE_TASK)}{star}</th>{cells}</tr>')
    effects = {item.observed.effect for item in report.results if item.observed}
    keys = ", ".join(
        f"<b>{WORDS[effect]}</b> {text}" for effect, text in MEANINGS.items() if effect in effects
    )
    return [*lines, "</table></div>", f'<p class="note">{keys}; {_MARKS}</p>']


def _cell(result: Result | None) -> str:
    if result is None:
        return '<span class="gone">–</span>'
    time = time_of(result)
    small = f"<small>{time}</small>" if time else ""
    return f'<a class="{_tone(result)}" href="#{_anchor(result)}">{escape(cell(result))}{small}</a>'


def _tone(result: Result) -> str:
    return "danger" if result.dangers else _TONES.get(result.verdict, "none")


def _anchor(result: Result) -> str:
    return escape(result.case.name.replace(":", "-"), quote=True)


def _findings(report: DrillReport) -> list[str]:
    found: dict[str, list[Result]] = {}
    for item in report.results:
        for danger in item.dangers:
            found.setdefault(danger, []).append(item)
    if not found:
        return []
    lines = ["<h2>Should not be left like that</h2>"]
    for danger, results in found.items():
        cases = "".join(
            f'<li><a href="#{_anchor(item)}">{escape(item.case.words)}</a>{_waits(item)}</li>'
            for item in results
        )
        hint = advice_for(results[0])
        lines.append(
            f'<div class="card danger-card"><h3>{escape(danger)}</h3><ul>{cases}</ul>'
            f"{f'<p>{escape(hint)}</p>' if hint else ''}</div>"
        )
    return lines


def _waits(result: Result) -> str:
    waits = result.observed.waits if result.observed else ()
    return f": {escape('; '.join(waits))}" if waits else ""


def _well(report: DrillReport) -> list[str]:
    if report.well is None:
        return []
    legend = "".join(f'<span><i class="{phase}"></i>{phase}</span>' for phase in _PHASES)
    return [
        "<h2>Without a fault</h2>",
        '<div class="card">',
        f'<div class="chart">{chart_svg(report.well, title="the task without a fault")}</div>',
        f'<div class="legend">{legend}</div>',
        _story(report.well),
        "</div>",
    ]


def _cases(report: DrillReport) -> list[str]:
    if not report.results:
        return []
    about = "The thick bars are what was seen, the thin ones below what the simulation predicted."
    return [
        "<h2>Case by case</h2>",
        f'<p class="note">{about}</p>',
        *(_case(item) for item in report.results),
    ]


def _case(result: Result) -> str:
    lines = [
        f'<article class="card" id="{_anchor(result)}">',
        f'<div class="head"><h3>{escape(result.case.words)}</h3>',
        f'<span class="pill {_tone(result)}">{_pill(result)}</span></div>',
    ]
    lines += [f"<p>{escape(result.reason)}</p>"] if result.reason else []
    lines += [f'<p class="alarm">{escape(danger)}</p>' for danger in result.dangers]
    if result.observed is not None:
        lines.append(_facts(result, result.observed))
    if result.differences:
        lines.append(_differences(result))
    lines += [f'<p class="note">note: {escape(note)}</p>' for note in result.notes]
    if result.recording is not None and result.observed is not None:
        chart = chart_svg(
            result.recording,
            title=result.case.words,
            struck=result.case.container,
            prediction=result.prediction,
        )
        lines.append(f'<div class="chart">{chart}</div>')
        lines.append(_story(result.recording))
    return "\n".join([*lines, "</article>"])


def _pill(result: Result) -> str:
    return escape(result.verdict.value)


def _facts(result: Result, seen: Observed) -> str:
    facts = [("the task", seen.effect.value.removeprefix("the task "))]
    if seen.stop_code is not None:
        facts.append(("stopCode", seen.stop_code))
    if seen.stopped_after_s is not None:
        facts.append(("STOPPED after", short_duration(round(seen.stopped_after_s, 2))))
    if seen.exit_code is not None:
        facts.append(("exit code", f"{seen.exit_code}{' (out of memory)' if seen.out_of_memory else ''}"))
    if seen.unhealthy_after_s is not None:
        facts.append(("UNHEALTHY after", short_duration(round(seen.unhealthy_after_s, 1))))
    facts += [
        ("slow to stop", f"{item.container}, {short_duration(round(item.took_s, 1))}")
        for item in seen.slow_stops
    ]
    if seen.restarts:
        facts.append(("restarts", str(seen.restarts)))
    if seen.recovered_after_s is not None:
        facts.append(("well again after", short_duration(round(seen.recovered_after_s, 1))))
    facts += [("no answer", gap_words(gap)) for gap in result.gaps]
    facts += [(f"lines of {item.container} lost", f"{item.lost} of {item.written}") for item in result.lost]
    return (
        '<div class="facts">'
        + "".join(f"<span>{escape(name)} <b>{escape(value)}</b></span>" for name, value in facts)
        + "</div>"
    )


def _differences(result: Result) -> str:
    rows = "".join(
        f'<tr><td>{escape(item.what)}</td><td data-is="predicted">{escape(item.predicted)}</td>'
        f'<td data-is="seen">{escape(item.observed)}</td><td class="why">{escape(item.why)}</td></tr>'
        for item in result.differences
    )
    titles = '<tr class="titles"><th></th><th>predicted</th><th>seen</th><th></th></tr>'
    return f'<table class="diff">{titles}{rows}</table>'


def _story(recording: Recording) -> str:
    zero_s = recording.began_at_s
    rows = "".join(
        f"<tr><td>{item.at_s - zero_s:.2f} s</td><td>{escape(item.container or THE_TASK)}</td>"
        f"<td>{escape(item.what)}</td><td>{escape(item.why)}</td></tr>"
        for item in story_of(recording.last.spec, recording.commands)
    )
    return (
        f'<details><summary>what happened</summary><div class="story"><table>{rows}</table></div></details>'
    )


def _fine_print(report: DrillReport) -> list[str]:
    lines = []
    if report.notices:
        notes = "".join(
            f"<li>{f'<b>{escape(item.container)}</b> ' if item.container else ''}{escape(item.text)}</li>"
            for item in report.notices
        )
        lines.append(f'<h2>How this differs from ECS</h2><div class="card"><ul>{notes}</ul></div>')
    if not report.left_out:
        return lines
    rows = "".join(
        f"<li><code>{escape(item.container or 'task')}:{item.fault.value}</code> {escape(item.reason)}</li>"
        for item in report.left_out
    )
    return [*lines, f'<h2>Does not apply</h2><div class="card"><ul>{rows}</ul></div>']
