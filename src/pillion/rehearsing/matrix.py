"""A drill in words: one row per container, one column per mishap, and what should not be left like that."""

from __future__ import annotations

from collections.abc import Sequence

from pillion.core.lifecycle.spec import ContainerSpec
from pillion.core.lifecycle.states import ContainerKind
from pillion.core.timeline.axis import short_duration
from pillion.rehearsing.rehearsal import Drill, Effect, Mishap, Outcome, Trial, hangs_of

_HEADS = {
    Mishap.FAILS_TO_PULL: ("fails", "to pull"),
    Mishap.CRASHES_AT_START: ("crashes", "at start"),
    Mishap.CRASHES_LATER: ("crashes", "later"),
    Mishap.EXITS_WITH_0: ("exits", "with 0"),
    Mishap.NEVER_ENDS: ("never", "ends"),
    Mishap.NEVER_HEALTHY: ("never", "healthy"),
    Mishap.TURNS_UNHEALTHY: ("turns", "unhealthy"),
    Mishap.OUT_OF_MEMORY: ("out of", "memory"),
    Mishap.HANGS_ON_STOP: ("ignores", "stop"),
}
WORDS = {
    Effect.RUNS_ON: "on",
    Effect.STOPS: "stops",
    Effect.NEVER_RUNS: "never",
    Effect.HANGS: "HANGS",
}
"""Each effect as a cell of a matrix."""

MEANINGS = {
    Effect.RUNS_ON: "the task runs on",
    Effect.STOPS: "the task stops",
    Effect.NEVER_RUNS: "the task stops before it ever ran",
    Effect.HANGS: "the task stays PENDING for ever",
}
_DANGER, _LOST = "!", "~"


def drill_text(drill: Drill) -> str:
    """Return all that a person is told of a drill."""
    parts = [matrix_lines(drill), _legend(drill), _losses(drill), _dangers(drill)]
    if drill.well.outcome is not Outcome.STEADY:
        parts.insert(0, _not_well(drill))
    return "\n\n".join("\n".join(lines) for lines in parts if lines)


def matrix_lines(drill: Drill) -> list[str]:
    """Return the matrix: below each effect, how long it took from the mishap until the task was STOPPED."""
    found = {(trial.container, trial.mishap): trial for trial in drill.trials}
    containers = [item for item in drill.spec.containers if item.kind is ContainerKind.NORMAL]
    rows: list[Sequence[str]] = [
        ["", *(_HEADS[mishap][0] for mishap in Mishap)],
        ["", *(_HEADS[mishap][1] for mishap in Mishap)],
    ]
    for item in containers:
        trials = [found.get((item.name, mishap)) for mishap in Mishap]
        rows.append([_name(item), *(_effect(trial) for trial in trials)])
        rows.append(["", *(_time(trial) for trial in trials)])
    widths = [max(len(row[number]) for row in rows) for number in range(len(rows[0]))]
    return [
        "  ".join(f"{cell:{size}}" for cell, size in zip(row, widths, strict=True)).rstrip() for row in rows
    ]


def _name(item: ContainerSpec) -> str:
    return f"{item.name} *" if item.essential else item.name


def _effect(trial: Trial | None) -> str:
    if trial is None:
        return "-"
    marks = (_DANGER if trial.danger else "") + (_LOST if trial.lost_logs else "")
    return f"{WORDS[trial.effect]}{marks}"


def _time(trial: Trial | None) -> str:
    if trial is None or trial.until_stopped_s is None or trial.effect is Effect.HANGS:
        return ""
    if trial.effect is Effect.RUNS_ON and trial.mishap is not Mishap.HANGS_ON_STOP:
        return ""
    return short_duration(round(trial.until_stopped_s, 1))


def _legend(drill: Drill) -> list[str]:
    seen = {trial.effect for trial in drill.trials}
    lines = [f"{WORDS[effect]}: {MEANINGS[effect]}" for effect in Effect if effect in seen]
    marks = ["*: essential"]
    if drill.dangers:
        marks.append(f"{_DANGER}: should not be left like that")
    if any(trial.lost_logs for trial in drill.trials):
        marks.append(f"{_LOST}: output is lost")
    return [
        *lines,
        ";  ".join(marks),
        "times: from the mishap, or from the stop that is ignored, until the task is STOPPED",
    ]


def _losses(drill: Drill) -> list[str]:
    """Return whose output is lost, and when: one line for each router and mishap."""
    lines = [
        f"  {trial.container} {trial.mishap.value}: that of {', '.join(trial.lost_logs)}"
        for trial in drill.trials
        if trial.lost_logs
    ]
    return ["Output that is not delivered while the log router is down:", *lines] if lines else []


def _dangers(drill: Drill) -> list[str]:
    """Return what should not be left like that, each container once for the mishaps with one end."""
    if not drill.dangers:
        return ["No mishap of a sidecar takes the task down, and none makes it wait for ever."]
    found: dict[tuple[str, str, bool], list[str]] = {}
    for trial in drill.dangers:
        key = (trial.container, trial.danger or "", trial.effect is Effect.HANGS)
        waits = "; ".join(item.text for item in hangs_of(trial) if trial.container in item.on)
        found.setdefault(key, []).append(f"{trial.mishap.value}{f': {waits}' if waits else ''}")
    lines = ["Should not be left like that:"]
    for (container, danger, hangs), mishaps in found.items():
        subject = "" if danger.startswith(f"{container} ") else f"{container}: "
        lines.append(f"  {subject}{danger}")
        lines += [f"    {mishap}" for mishap in mishaps]
        lines.append(f"    {advice(container, hangs=hangs)}")
    return lines


def advice(container: str, *, hangs: bool) -> str:
    """Say what to change where a task hangs, or where a container takes it down that is not essential."""
    if hangs:
        return f"Give {container} a startTimeout: when it has passed, ECS stops the task and says why."
    return (
        f"Make {container} essential if the task is worth nothing without it; "
        "if it is not, let nobody wait for it."
    )


def _not_well(drill: Drill) -> list[str]:
    if drill.well.hangs:
        return [
            "Even without a mishap the task stays PENDING for ever:",
            *(f"  {item.text}" for item in drill.well.hangs),
        ]
    reason = drill.well.task.get("stoppedReason", "it was still changing at the end")
    return [f"Even without a mishap the task does not run on: {reason}."]
