"""Runs a prepared task in the simulated world, once or with every mishap, and keeps what came of it.

The task begins at second 0 and all times are virtual. Its id follows from its definition, so that the same
definition and behaviours give the same rehearsal, byte for byte.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any

from msgspec import Struct

from pillion.core.describe import NEVER_RAN_EXIT_CODE, describe_task, exit_code_of
from pillion.core.lifecycle.events import StopRequested
from pillion.core.lifecycle.explain import Waiting, waiting
from pillion.core.lifecycle.spec import TaskSpec
from pillion.core.lifecycle.states import ContainerKind
from pillion.core.plan.dependencies import log_routes
from pillion.core.timeline.story import Happening, story_of
from pillion.core.timeline.tracks import Track, tracks_of
from pillion.engines.simulated.behaviour import Behaviour
from pillion.engines.simulated.drill import STOP_S, Effect, Mishap, Trial, danger_of, drill
from pillion.engines.simulated.drive import HORIZON_S, Ask, Outcome, Run, drive
from pillion.engines.simulated.scene import LIKELY_TASK_S, likely_behaviours, scene_of_plan
from pillion.engines.simulated.script import KEYS, RUN_KEYS, ScriptError, read_behaviours
from pillion.preparing import PreparedTask

__all__ = [
    "HORIZON_S",
    "KEYS",
    "RUN_KEYS",
    "Drill",
    "Effect",
    "Mishap",
    "Outcome",
    "Rehearsal",
    "ScriptError",
    "Trial",
    "behaviours_for",
    "danger_of",
    "rehearse_task",
    "rehearsed_task_id",
    "run_drill",
]

_AFTERGLOW = 0.08
_AFTERGLOW_LEAST_S = 1.0
"""How much of a chart shows a task that runs on; as a share of the time before, and at least."""


class Rehearsal(Struct, frozen=True, kw_only=True):
    """What came of a task. Times are seconds from its start.

    Attributes:
        outcome: how the rehearsal ended.
        exit_code: what `pillion run` would exit with; 125 for a task that waits for ever, 0 for one that
            runs on until somebody stops it.
        task: the task as DescribeTasks shows it, times as POSIX seconds.
        hangs: who waits for ever for whom, had nobody stopped the task; empty where none does.
        tracks: what each container did when.
        story: what happened, output included.
        ends_s: where the tracks end.
    """

    outcome: Outcome
    exit_code: int
    task: Mapping[str, Any]
    hangs: tuple[Waiting, ...]
    tracks: tuple[Track, ...]
    story: tuple[Happening, ...]
    ends_s: float


class Drill(Struct, frozen=True, kw_only=True):
    """A task without mishaps, and with each of them."""

    spec: TaskSpec
    well: Rehearsal
    trials: tuple[Trial, ...]

    @property
    def dangers(self) -> tuple[Trial, ...]:
        """The trials with which a team should not live."""
        return tuple(trial for trial in self.trials if trial.danger is not None)


def rehearsed_task_id(name: str) -> str:
    """Return the id that a rehearsed task gets: 32 hex digits, always the same for a name."""
    return hashlib.sha256(f"rehearsal {name}".encode()).hexdigest()[:32]


def behaviours_for(
    spec: TaskSpec, table: Mapping[str, object], assignments: Iterable[str]
) -> dict[str, Behaviour]:
    """Return how the containers behave: as scripted, and as is likely where a script says nothing.

    Whoever others wait for with COMPLETE or SUCCESS ends after three seconds, unless its script says when.

    Args:
        spec: the task.
        table: a table for each container, as read from TOML.
        assignments: texts of the form `NAME:key=value,key=value`.

    Raises:
        ScriptError: a script cannot be understood.
    """
    names = [item.name for item in spec.containers if item.kind is ContainerKind.NORMAL]
    likely: dict[str, object] = {name: {"exit-after": LIKELY_TASK_S} for name in likely_behaviours(spec)}
    for name, entries in table.items():
        before = likely.get(name)
        both = isinstance(entries, Mapping) and isinstance(before, Mapping)
        likely[name] = {**before, **entries} if both else entries  # type: ignore[dict-item]
    return read_behaviours(likely, assignments, names=names)


def rehearse_task(
    prepared: PreparedTask, behaviours: Mapping[str, Behaviour], *, stop_after_s: float | None = None
) -> Rehearsal:
    """Run a task in virtual time until it is STOPPED or nothing more can happen.

    Args:
        prepared: the task.
        behaviours: how its containers behave, by name.
        stop_after_s: when somebody stops the task in order; None: nobody does.
    """
    plan = prepared.plan
    scene = scene_of_plan(plan, behaviours)
    alone = drive(plan.spec, scene)
    run = alone
    if stop_after_s is not None:
        horizon_s = stop_after_s + HORIZON_S
        run = drive(
            plan.spec, scene, asks=(Ask(at_s=stop_after_s, event=StopRequested()),), horizon_s=horizon_s
        )
    return _told(prepared, run, hangs=_hangs(alone))


def run_drill(prepared: PreparedTask, behaviours: Mapping[str, Behaviour]) -> Drill:
    """Run a task without mishaps, and with every mishap of every container."""
    plan = prepared.plan
    scene = scene_of_plan(plan, behaviours)
    well = drive(plan.spec, scene, horizon_s=STOP_S)
    routes = log_routes(prepared.running)
    return Drill(
        spec=plan.spec,
        well=_told(prepared, well, hangs=_hangs(well)),
        trials=drill(plan.spec, scene, log_routes=routes),
    )


def hangs_of(trial: Trial) -> tuple[Waiting, ...]:
    """Return who waited for whom in a trial whose task hung, before it was stopped."""
    before = [moment.state for moment in trial.run.moments if moment.at_s < STOP_S]
    return waiting(before[-1]) if trial.effect is Effect.HANGS and before else ()


def _told(prepared: PreparedTask, run: Run, *, hangs: tuple[Waiting, ...]) -> Rehearsal:
    stopped = run.outcome is Outcome.STOPPED
    afterglow_s = 0.0 if stopped else max(run.ended_at_s * _AFTERGLOW, _AFTERGLOW_LEAST_S)
    ends_s = run.ended_at_s + afterglow_s
    history = [(moment.at_s, moment.state) for moment in run.moments]
    commands = [(moment.at_s, command) for moment in run.moments for command in moment.commands]
    written = [
        Happening(at_s=line.at_s, container=line.container, what=line.stream, why=line.message)
        for line in run.lines
    ]
    story = sorted((*story_of(run.spec, commands), *written), key=lambda item: item.at_s)
    return Rehearsal(
        outcome=run.outcome,
        exit_code=_exit_code(run),
        task=describe_task(prepared.plan, run.state, {}, prepared.overrides),
        hangs=hangs,
        tracks=tracks_of(history, ended_at_s=ends_s),
        story=tuple(story),
        ends_s=ends_s,
    )


def _exit_code(run: Run) -> int:
    match run.outcome:
        case Outcome.STOPPED:
            return exit_code_of(run.state)
        case Outcome.STUCK:
            return NEVER_RAN_EXIT_CODE
        case _:
            return 0


def _hangs(run: Run) -> tuple[Waiting, ...]:
    return waiting(run.state) if run.outcome is Outcome.STUCK else ()
