"""Rehearsals and drills as JSON values, for programs.

Times are seconds from the start of the task; in `task` they are ISO 8601 as in DescribeTasks, and the task
begins at 1970-01-01T00:00:00Z.
"""

from __future__ import annotations

from typing import Any

from pillion.core.describe import iso_times
from pillion.core.lifecycle.explain import Waiting
from pillion.core.lifecycle.states import ContainerKind
from pillion.rehearsing.rehearsal import Drill, Rehearsal, Trial, hangs_of


def rehearsal_value(rehearsal: Rehearsal) -> dict[str, Any]:
    """Return a rehearsal as a JSON value."""
    containers = [iso_times(item) for item in rehearsal.task["containers"]]
    return {
        "outcome": rehearsal.outcome.name,
        "exitCode": rehearsal.exit_code,
        "task": {**iso_times(rehearsal.task), "containers": containers},
        "waitsForEver": [_waiting(item) for item in rehearsal.hangs],
        "timeline": [
            {
                "container": track.name,
                "essential": track.essential,
                "phases": [
                    {"phase": span.phase.value, "from": _seconds(span.begins_s), "to": _seconds(span.ends_s)}
                    for span in track.spans
                ],
            }
            for track in rehearsal.tracks
        ],
        "events": [
            {
                "at": _seconds(item.at_s),
                **({"container": item.container} if item.container else {}),
                "what": item.what,
                "why": item.why,
            }
            for item in rehearsal.story
        ],
    }


def drill_value(drill: Drill) -> dict[str, Any]:
    """Return a drill as a JSON value."""
    return {
        "containers": [
            {"name": item.name, "essential": item.essential}
            for item in drill.spec.containers
            if item.kind is ContainerKind.NORMAL
        ],
        "well": {"outcome": drill.well.outcome.name, "exitCode": drill.well.exit_code},
        "trials": [_trial(item) for item in drill.trials],
        "dangers": len(drill.dangers),
    }


def _trial(trial: Trial) -> dict[str, Any]:
    state = trial.run.state
    return {
        "container": trial.container,
        "mishap": trial.mishap.name,
        "effect": trial.effect.name,
        "stoppingAt": _seconds(trial.stopping_at_s),
        "stoppedAt": _seconds(trial.stopped_at_s),
        "secondsUntilStopped": _seconds(trial.until_stopped_s),
        "stopCode": state.stop_code.value if state.stop_code else None,
        "stoppedReason": state.stopped_reason,
        "lostLogs": list(trial.lost_logs),
        "waitsForEver": [_waiting(item) for item in hangs_of(trial)],
        "danger": trial.danger,
    }


def _waiting(item: Waiting) -> dict[str, Any]:
    return {"container": item.container, "waitsFor": list(item.on), "text": item.text}


def _seconds(at_s: float | None) -> float | None:
    return None if at_s is None else round(at_s, 3)
