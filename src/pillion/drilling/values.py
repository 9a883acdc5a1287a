"""A drill as a JSON value, for programs. Times are seconds; `after` means from the fault."""

from __future__ import annotations

from typing import Any

from pillion.core.lifecycle.states import ContainerKind
from pillion.core.timeline.story import story_of
from pillion.core.timeline.tracks import tracks_of
from pillion.drilling.observing import Gap, Observed
from pillion.drilling.recording import Recording
from pillion.drilling.verdict import DrillReport, Result


def drill_value(report: DrillReport) -> dict[str, Any]:
    """Return a drill as a JSON value."""
    return {
        "drill": report.name,
        "family": report.family,
        "engine": report.engine,
        "url": report.url,
        "exitCode": report.exit_code,
        "interrupted": report.interrupted,
        "trouble": report.trouble,
        "seconds": _seconds(report.took_s),
        "containers": [
            {"name": item.name, "essential": item.essential}
            for item in report.spec.containers
            if item.kind is ContainerKind.NORMAL
        ],
        "well": _recording(report.well) if report.well else None,
        "cases": [_result(item, accepted=item.case.name in report.accepted) for item in report.results],
        "notices": [
            {
                "code": item.code,
                "text": item.text,
                **({"container": item.container} if item.container else {}),
            }
            for item in report.notices
        ],
        "leftOut": [
            {"container": item.container, "fault": item.fault.value, "reason": item.reason}
            for item in report.left_out
        ],
    }


def _result(result: Result, *, accepted: bool) -> dict[str, Any]:
    return {
        "case": result.case.name,
        "container": result.case.container,
        "fault": result.case.fault.value,
        "verdict": result.verdict.name,
        "accepted": accepted,
        "reason": result.reason,
        "observed": _observed(result.observed) if result.observed else None,
        "predicted": _observed(result.predicted) if result.predicted else None,
        "differences": [
            {"what": item.what, "predicted": item.predicted, "observed": item.observed, "why": item.why}
            for item in result.differences
        ],
        "dangers": list(result.dangers),
        "predictedToLoseLines": list(result.predicted_lost),
        "gaps": [_gap(item) for item in result.gaps],
        "notes": list(result.notes),
        "run": _recording(result.recording) if result.recording else None,
    }


def _observed(seen: Observed) -> dict[str, Any]:
    return {
        "effect": seen.effect.name,
        "stopCode": seen.stop_code,
        "stoppedReason": seen.stopped_reason,
        "exitCode": seen.exit_code,
        "outOfMemory": seen.out_of_memory,
        "unhealthy": seen.unhealthy,
        "unhealthyAfter": _seconds(seen.unhealthy_after_s),
        "restarts": seen.restarts,
        "recoveredAfter": _seconds(seen.recovered_after_s),
        "othersEnded": [{"container": name, "exitCode": code} for name, code in seen.others_ended],
        "stoppingAfter": _seconds(seen.stopping_after_s),
        "stoppedAfter": _seconds(seen.stopped_after_s),
        "waitsForEver": list(seen.waits),
        "slowStops": [
            {"container": item.container, "seconds": _seconds(item.took_s), "killed": item.is_killed}
            for item in seen.slow_stops
        ],
    }


def _gap(gap: Gap) -> dict[str, Any]:
    return {
        "from": _seconds(gap.begins_s),
        "to": _seconds(gap.ends_s),
        "seconds": _seconds(gap.length_s),
        "error": gap.error,
    }


def _recording(recording: Recording) -> dict[str, Any]:
    """Return a run; times from the start of the task."""
    zero_s = recording.began_at_s
    history = [(at_s - zero_s, state) for at_s, state in recording.history]
    ends_s = recording.ended_at_s - zero_s
    looks = recording.answers
    return {
        "struckAt": _since(recording.struck_at_s, zero_s),
        "liftedAt": _since(recording.lifted_at_s, zero_s),
        "askedToStopAt": _since(recording.asked_at_s, zero_s),
        "endedAt": _seconds(ends_s),
        "looks": {"all": len(looks), "answered": sum(look.is_good for look in looks)},
        "lines": [
            {
                "container": item.container,
                "pipeline": item.pipeline,
                "written": item.written,
                "arrived": item.arrived,
                "lost": item.lost,
            }
            for item in recording.lines
        ],
        "timeline": [
            {
                "container": track.name,
                "phases": [
                    {"phase": span.phase.value, "from": _seconds(span.begins_s), "to": _seconds(span.ends_s)}
                    for span in track.spans
                ],
            }
            for track in tracks_of(history, ended_at_s=ends_s)
        ],
        "events": [
            {
                "at": _since(item.at_s, zero_s),
                **({"container": item.container} if item.container else {}),
                "what": item.what,
                "why": item.why,
            }
            for item in story_of(recording.last.spec, recording.commands)
        ],
    }


def _since(at_s: float | None, zero_s: float) -> float | None:
    return None if at_s is None else _seconds(at_s - zero_s)


def _seconds(at_s: float | None) -> float | None:
    return None if at_s is None else round(at_s, 3)
