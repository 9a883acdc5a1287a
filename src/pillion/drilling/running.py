"""A whole drill: the run without a fault first, then every case, some of them at once, in bounded time."""

from __future__ import annotations

import asyncio
import secrets
import shutil
import tempfile
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from msgspec import Struct
from msgspec.structs import replace

from pillion.core.lifecycle.explain import waiting
from pillion.core.lifecycle.states import StopCode
from pillion.core.plan.dependencies import log_routes
from pillion.core.plan.model import TaskPlan, VolumeKind
from pillion.core.taskdef.model import TaskDefinition
from pillion.drilling.altering import altered, without_ports
from pillion.drilling.asking import Question
from pillion.drilling.case import CaseOutcome, CaseRun, CaseSettings
from pillion.drilling.faults import Case, Fault, Matrix
from pillion.drilling.learning import learned_behaviours, usual_ends
from pillion.drilling.pacing import Pace, is_ready, strikes_early
from pillion.drilling.predicting import Blow, predict
from pillion.drilling.recording import Recording
from pillion.drilling.verdict import DrillReport, Result, Verdict, judge
from pillion.engines.simulated.behaviour import Behaviour
from pillion.ports.engine import Engine
from pillion.ports.injector import Injector
from pillion.preparing import PreparedTask
from pillion.run_settings import RunSettings

SECOND_TIME = "the time of the whole drill was over"
INTERRUPTED = "the drill was interrupted"

_WITH_PIPELINES = ("awsfirelens", "awslogs")


class Told(Protocol):
    """Who is told how a drill goes on. Must be quick."""

    def begins(self, case: Case | None, number: int, of: int) -> None:
        """A case begins; None: the run without a fault."""
        ...

    def ends(self, result: Result | None, number: int, of: int) -> None:
        """A case is over; None: the run without a fault."""
        ...


class DrillSettings(Struct, frozen=True, kw_only=True):
    """How a drill is made.

    Attributes:
        prepare: makes a new task of the definition in a cluster of this name.
        run: how its tasks are run; each gets a state folder of its own in place of the one here.
        matrix: the cases.
        pace: how long everything may take.
        question: the URL; None: nobody is asked.
        accepted: names of cases whose findings do not count.
        jobs: how many cases run at once.
        timeout_s: when no further case begins, and those that run are ended.
        engine, injector: make a connection to the engine.
        told: who is told how it goes on.
    """

    prepare: Callable[[str], PreparedTask]
    run: RunSettings
    matrix: Matrix
    pace: Pace
    question: Question | None
    accepted: frozenset[str] = frozenset()
    jobs: int
    timeout_s: float
    engine: Callable[[], Engine]
    injector: Callable[[], Injector]
    told: Told


class DrillControl:
    """Lets somebody outside end a drill: the cases under way are killed and clean up, no other begins."""

    def __init__(self) -> None:
        self.interrupted = False
        self._runs: set[CaseRun] = set()

    def stop(self) -> None:
        """End the drill."""
        self.interrupted = True
        for run in self._runs:
            run.kill()

    def kill(self) -> None:
        """The same once more: what is under way is being killed already."""
        self.stop()

    @contextmanager
    def running(self, run: CaseRun) -> Iterator[None]:
        """Have a case ended with the drill."""
        self._runs.add(run)
        try:
            yield
        finally:
            self._runs.discard(run)


async def run_drill(settings: DrillSettings, control: DrillControl) -> DrillReport:
    """Run a drill. Raises what `run_task` raises: no engine, an unusable state folder."""
    folder = Path(tempfile.mkdtemp(prefix="pillion-drill-"))
    injector = settings.injector()
    try:
        return await _Drill(settings, control, folder, injector).run()
    finally:
        await injector.close()
        await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)


class _Known(Struct, frozen=True, kw_only=True):
    """What the run without a fault has shown."""

    behaviours: Mapping[str, Behaviour]
    usual: Mapping[str, int | None]
    log_routes: Mapping[str, str]


class _Drill:
    def __init__(
        self, settings: DrillSettings, control: DrillControl, folder: Path, injector: Injector
    ) -> None:
        self._settings = settings
        self._control = control
        self._folder = folder
        self._injector = injector
        self._began_s = time.monotonic()
        self._name = f"drill-{secrets.token_hex(3)}"
        self._results: dict[str, Result] = {}

    async def run(self) -> DrillReport:
        settings, cases = self._settings, self._settings.matrix.cases
        settings.told.begins(None, 0, len(cases))
        outcome, plan = await self._run_case(None, 0, None)
        settings.told.ends(None, 0, len(cases))
        trouble = None if self._control.interrupted else why_not_well(outcome.recording, settings.question)
        if trouble is None:
            well = outcome.recording
            await self._run_cases(
                _Known(
                    behaviours=learned_behaviours(plan, well),
                    usual=usual_ends(well),
                    log_routes=log_routes(settings.prepare(self._name).running),
                )
            )
        return DrillReport(
            spec=plan.spec,
            name=self._name,
            family=f"{plan.identity.family}:{plan.identity.revision}",
            engine=outcome.engine,
            url=settings.question.url if settings.question else None,
            well=outcome.recording,
            trouble=trouble,
            results=tuple(self._results[case.name] for case in cases if case.name in self._results),
            left_out=settings.matrix.left_out,
            notices=outcome.notices,
            accepted=settings.accepted,
            took_s=time.monotonic() - self._began_s,
            interrupted=self._control.interrupted,
        )

    async def _run_cases(self, known: _Known) -> None:
        """Run all cases, some at once; what one raises ends all of them."""
        cases = self._settings.matrix.cases
        waiting = deque(enumerate(cases, start=1))
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(min(self._settings.jobs, len(cases))):
                    group.create_task(self._work(waiting, known))
        except ExceptionGroup as failed:
            raise failed.exceptions[0] from None

    async def _work(self, waiting: deque[tuple[int, Case]], known: _Known) -> None:
        settings = self._settings
        while waiting:
            number, case = waiting.popleft()
            if self._control.interrupted or self._left_s() <= 0:
                reason = INTERRUPTED if self._control.interrupted else SECOND_TIME
                self._results[case.name] = Result(case=case, verdict=Verdict.NOT_RUN, reason=reason)
                continue
            settings.told.begins(case, number, len(settings.matrix.cases))
            outcome, plan = await self._run_case(case, number, known)
            result = self._judged(case, plan, outcome, known)
            self._results[case.name] = result
            settings.told.ends(result, number, len(settings.matrix.cases))

    def _judged(self, case: Case, plan: TaskPlan, outcome: CaseOutcome, known: _Known) -> Result:
        if self._control.interrupted:
            return Result(case=case, verdict=Verdict.NOT_RUN, reason=INTERRUPTED)
        recording = outcome.recording
        return judge(
            plan.spec,
            case,
            recording,
            outcome.prediction,
            known.usual,
            log_routes=known.log_routes,
            notes=_notes(case, plan, recording),
        )

    async def _run_case(
        self, case: Case | None, number: int, known: _Known | None
    ) -> tuple[CaseOutcome, TaskPlan]:
        """Run a case; return what came of it, and the plan as the definition has it."""
        settings = self._settings
        folder, gate = self._folder / str(number), self._folder / str(number) / "gate"
        gate.mkdir(parents=True)
        prepared = settings.prepare(f"{self._name}-{number}")
        port = settings.question.port if settings.question else None
        plan = without_ports(prepared.plan, port)
        pace = replace(
            settings.pace, case_timeout_s=max(min(settings.pace.case_timeout_s, self._left_s()), 1.0)
        )
        run = CaseRun(
            case,
            CaseSettings(
                prepared=replace(
                    prepared, plan=plan if case is None else altered(plan, case, gate_folder=str(gate))
                ),
                run=replace(
                    settings.run, state_folder=folder, count_logs=True, stop_after_s=None, keep=False
                ),
                pace=pace,
                question=settings.question,
                early=known is not None and case is not None and strikes_early(case, frozenset(known.usual)),
                orderly=case is None or _has_pipelines(prepared.running),
                gate_folder=gate,
                predict=None
                if known is None or case is None
                else lambda blow: _predicted(plan, known, case, blow),
            ),
            engine=settings.engine(),
            injector=self._injector,
        )
        with self._control.running(run):
            if self._control.interrupted:
                run.kill()
            return await run.run(), plan

    def _left_s(self) -> float:
        return self._settings.timeout_s - (time.monotonic() - self._began_s)


def _predicted(plan: TaskPlan, known: _Known, case: Case, blow: Blow) -> Recording:
    return predict(plan, known.behaviours, case, blow)


def _has_pipelines(definition: TaskDefinition) -> bool:
    return any(
        item.log_configuration is not None and item.log_configuration.log_driver in _WITH_PIPELINES
        for item in definition.container_definitions or ()
    )


def why_not_well(recording: Recording, question: Question | None) -> str | None:
    """Say why a task is not well although nothing was done to it; None where it is."""
    state = recording.before_we_asked()
    if state.stop_code is not None and state.stop_code is not StopCode.USER_INITIATED:
        return f"it stopped by itself: {state.stopped_reason}"
    if not is_ready(state):
        waits = "; ".join(item.text for item in waiting(state))
        return f"it is not RUNNING with every health check decided in time{': ' if waits else ''}{waits}"
    if question is not None and not any(look.is_good for look in recording.answers):
        last = recording.answers[-1] if recording.answers else None
        how = "nobody listens there" if last is None else last.error or f"status {last.status}"
        return f"{question.url} does not answer: {how}"
    return None


def _notes(case: Case, plan: TaskPlan, recording: Recording) -> tuple[str, ...]:
    """Say what a reader should know of how a case was run."""
    notes = [*recording.troubles]
    if case.fault is Fault.VOLUME:
        foreign = [
            volume.name
            for volume in plan.volumes
            if volume.name in case.volumes and volume.kind is not VolumeKind.TASK
        ]
        notes += [f"volume {name} began empty: the real one is not filled" for name in foreign]
    policy = plan.spec.container(case.container).restart if case.container else None
    ends = case.fault in (Fault.KILL, Fault.EXIT_0, Fault.EXIT_1, Fault.MEMORY)
    if ends and policy is not None and (recording.age_s or 0.0) < policy.attempt_period_s:
        notes.append(
            f"its restartPolicy restarts it only after it has run for {policy.attempt_period_s:g} s; it had "
            f"run for {recording.age_s or 0.0:.0f} s (--after {policy.attempt_period_s:g}s waits that long)"
        )
    return tuple(notes)
