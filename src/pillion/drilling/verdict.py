"""What a drill comes to: one verdict for each case, what nobody should live with, and the exit code. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum

from msgspec import Struct

from pillion.core.lifecycle.spec import TaskSpec
from pillion.core.plan.model import Notice
from pillion.core.timeline.axis import short_duration
from pillion.drilling.comparing import Difference, compare
from pillion.drilling.faults import Case, Fault, LeftOut
from pillion.drilling.observing import Gap, Observed, gaps_of, observe
from pillion.drilling.recording import Lines, Recording
from pillion.engines.simulated.drill import lost_logs
from pillion.rehearsing.rehearsal import Effect, danger_of

FOUND = 1
"""Exit code of a drill that found something, or could not finish."""

GAP_DANGER_S = 1.0
"""Without a container that is not essential the application should not be silent for longer."""


class Verdict(Enum):
    """How a case went; the value is what people are told."""

    AS_PREDICTED = "as predicted"
    DIFFERS = "differs from the prediction"
    TIMED_OUT = "not over in time"
    IMPOSSIBLE = "could not be done here"
    NOT_RUN = "not run"


class Result(Struct, frozen=True, kw_only=True):
    """One case: what was seen, what was predicted, and what is to be thought of it.

    `recording` and what follows from it are None where the case did not run, or could not be done.
    `reason` says why not. `predicted_lost` are the containers of which the simulation loses output, because
    their log router is down while they run; how much, it cannot know.
    """

    case: Case
    verdict: Verdict
    reason: str | None = None
    recording: Recording | None = None
    prediction: Recording | None = None
    observed: Observed | None = None
    predicted: Observed | None = None
    differences: tuple[Difference, ...] = ()
    dangers: tuple[str, ...] = ()
    gaps: tuple[Gap, ...] = ()
    predicted_lost: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def lost(self) -> tuple[Lines, ...]:
        """The containers of which lines were lost."""
        return tuple(item for item in self.recording.lines if item.lost) if self.recording else ()

    @property
    def is_finding(self) -> bool:
        """Whether somebody should look at it."""
        return bool(self.dangers) or self.verdict in (Verdict.DIFFERS, Verdict.TIMED_OUT)


class DrillReport(Struct, frozen=True, kw_only=True):
    """A whole drill.

    Attributes:
        spec: the task.
        name: how the drill is called: the clusters of its tasks are this, a dash and the number of the case.
        family: its family and revision.
        engine: what it ran on.
        url: what was asked for an answer; None: nothing.
        well: the run without a fault.
        trouble: why the task is not well without a fault, so that there was no drill.
        results: the cases, in their order.
        left_out: what does not apply.
        notices: what of the definition cannot be honoured here, as `run` says it.
        accepted: names of cases whose findings somebody lives with: they do not count.
        took_s: how long it all took.
        interrupted: somebody ended it before its end.
    """

    spec: TaskSpec
    name: str
    family: str
    engine: str
    url: str | None
    well: Recording | None
    trouble: str | None
    results: tuple[Result, ...]
    left_out: tuple[LeftOut, ...]
    notices: tuple[Notice, ...] = ()
    accepted: frozenset[str] = frozenset()
    took_s: float
    interrupted: bool = False

    @property
    def exit_code(self) -> int:
        """1 where something was found or is not known, else 0. The command knows others."""
        counted = (item for item in self.results if item.case.name not in self.accepted)
        return FOUND if any(item.is_finding or item.verdict is Verdict.NOT_RUN for item in counted) else 0


def judge(
    spec: TaskSpec,
    case: Case,
    recording: Recording,
    prediction: Recording | None,
    usual: Mapping[str, int | None],
    *,
    log_routes: Mapping[str, str] | None = None,
    notes: tuple[str, ...] = (),
) -> Result:
    """Return the result of a case that ran.

    Args:
        spec: the task.
        case: the fault.
        recording: what was seen.
        prediction: what the simulation says; None where the fault was not made.
        usual: who ends by itself without a fault, with what.
        log_routes: for each container whose output goes through a log router, the router's name.
        notes: what a reader should know of how the case was run.
    """
    if recording.not_struck is not None or prediction is None or recording.struck_at_s is None:
        verdict = Verdict.TIMED_OUT if recording.timed_out else Verdict.IMPOSSIBLE
        reason = recording.not_struck or "the fault was not made before the time of the case was over"
        return Result(case=case, verdict=verdict, reason=reason, recording=recording, notes=notes)
    observed, predicted = observe(recording, case, usual), observe(prediction, case, usual)
    differences = compare(case, predicted, observed)
    gaps = gaps_of(recording)
    verdict = Verdict.DIFFERS if differences else Verdict.AS_PREDICTED
    return Result(
        case=case,
        verdict=Verdict.TIMED_OUT if recording.timed_out else verdict,
        reason="it was ended before everything that was to be seen had happened"
        if recording.timed_out
        else None,
        recording=recording,
        prediction=prediction,
        observed=observed,
        predicted=predicted,
        differences=differences,
        dangers=_dangers(spec, case, observed, gaps),
        gaps=gaps,
        predicted_lost=_lost_output(prediction, log_routes or {}),
        notes=notes,
    )


def _lost_output(prediction: Recording, log_routes: Mapping[str, str]) -> tuple[str, ...]:
    """Return whose output is lost; what runs on at the end of a prediction goes on for a while after it."""
    return lost_logs(prediction.last, log_routes, until_s=prediction.ended_at_s + 1.0)


def _dangers(spec: TaskSpec, case: Case, observed: Observed, gaps: tuple[Gap, ...]) -> tuple[str, ...]:
    found: list[str] = []
    if case.container is None:
        if observed.effect is Effect.HANGS:
            found.append("the task waits for ever, and nobody is told")
        return tuple(found)
    item = spec.container(case.container)
    danger = danger_of(spec, item, observed.effect)
    if danger is not None:
        found.append(danger)
    silent_s = sum(gap.length_s for gap in gaps)
    if not item.essential and observed.effect is Effect.RUNS_ON and silent_s >= GAP_DANGER_S:
        during = "while it was cut off" if case.fault is Fault.NETWORK else f"when {case.words}"
        found.append(
            f"{item.name} is not essential, and yet the application did not answer for "
            f"{short_duration(round(silent_s, 1))} {during}"
        )
    return tuple(found)
