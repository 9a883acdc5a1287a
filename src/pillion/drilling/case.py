"""One case of a drill: the task runs, the fault is made, what follows is taken down, nothing is left behind.

The task runs through `app.run_task` like any other. Beside it stands a director that waits until the task is
well, makes the fault, takes it back, watches for as long as the simulation says that something changes, and
asks for the stop.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from pillion.app import TaskControl, run_task
from pillion.core.lifecycle.state import TaskState
from pillion.core.lifecycle.states import HealthStatus, TaskStatus
from pillion.core.plan.model import Notice
from pillion.drilling.asking import Question, ask
from pillion.drilling.engine import attended
from pillion.drilling.faults import HELD, Case, Fault
from pillion.drilling.pacing import AFTERMATH_S, MARGIN_S, Pace, held_s, is_ready
from pillion.drilling.predicting import Blow, last_change_after_s
from pillion.drilling.recorder import Recorder
from pillion.drilling.recording import Answer, Recording
from pillion.drilling.striking import Striker
from pillion.ports.engine import Capabilities, Engine
from pillion.ports.injector import InjectionUnavailableError, Injector
from pillion.preparing import PreparedTask
from pillion.run_settings import RunSettings
from pillion.runtime.observer import Observer

BEHIND_S = 20.0
"""How much longer a task that should be RUNNING by now is waited for: a real engine is slower."""

ENDING_S = 10.0
"""How much longer than its stopTimeouts an orderly stop may take before the task is killed."""

_NOTICED_S = 1.0
"""How long a fault goes on after its health check has noticed it."""

Predict = Callable[[Blow], Recording]


class CaseSettings(Struct, frozen=True, kw_only=True):
    """What a case needs.

    Attributes:
        prepared: the task, its plan altered for the case.
        run: how it is run; its state folder is the case's own.
        pace: how long everything may take.
        question: the URL; None: nobody is asked.
        early: the fault is made as soon as the container starts.
        orderly: the task is stopped in order at the end, so that its log pipelines deliver what they have.
        gate_folder: the folder whose file makes a health check fail.
        predict: what the simulation says to the fault; None for a run without one.
    """

    prepared: PreparedTask
    run: RunSettings
    pace: Pace
    question: Question | None = None
    early: bool = False
    orderly: bool = True
    gate_folder: Path
    predict: Predict | None = None


class CaseOutcome(Struct, frozen=True, kw_only=True):
    """What was seen, what was predicted for it, what the engine is, and what it cannot do here."""

    recording: Recording
    prediction: Recording | None
    engine: str
    notices: tuple[Notice, ...]


class CaseRun:
    """Runs one case; `case` is None for a run without a fault."""

    def __init__(
        self, case: Case | None, settings: CaseSettings, *, engine: Engine, injector: Injector
    ) -> None:
        self._case = case
        self._settings = settings
        self._pace = settings.pace
        self._plan = settings.prepared.plan
        self._engine = engine
        self._striker = (
            Striker(case, self._plan, injector=injector, gate_folder=settings.gate_folder) if case else None
        )
        self._control = TaskControl()
        self._recorder = Recorder()
        self._about = ""
        self._notices: tuple[Notice, ...] = ()

    def kill(self) -> None:
        """End the case now; it still cleans up."""
        self._control.kill()

    async def run(self) -> CaseOutcome:
        """Run the case to its end. Raises what `run_task` raises."""
        recorder = self._recorder
        run = asyncio.create_task(
            run_task(
                self._settings.prepared,
                replace(self._settings.run, counted=recorder.counted),
                engine=attended(self._engine, self._before_start, self._after_start),
                observe=self._observe,
                control=self._control,
            )
        )
        run.add_done_callback(lambda _: recorder.end())
        director = asyncio.create_task(self._direct())
        director.add_done_callback(self._directed)
        try:
            await run
        finally:
            director.cancel()
            outcome = (await asyncio.gather(director, return_exceptions=True))[0]
        if isinstance(outcome, Exception):
            raise outcome
        return CaseOutcome(
            recording=recorder.recording(time.time()),
            prediction=self._prediction(),
            engine=self._about,
            notices=self._notices,
        )

    def _directed(self, director: asyncio.Task[None]) -> None:
        """Without its director nobody would stop the task."""
        if not director.cancelled() and director.exception() is not None:
            self._control.kill()

    def _observe(self, notices: tuple[Notice, ...], capabilities: Capabilities) -> Observer:
        self._about, self._notices = f"{capabilities.name} {capabilities.version}", notices
        return self._recorder

    async def _direct(self) -> None:
        asking = asyncio.create_task(self._ask())
        try:
            async with asyncio.timeout(self._pace.case_timeout_s):
                await self._play()
        except TimeoutError:
            self._recorder.timed_out = True
        finally:
            asking.cancel()
            await self._lift()
        await self._end_task()

    async def _play(self) -> None:
        case, recorder = self._case, self._recorder
        if case is None:
            await self._until_well()
        elif case.fault is Fault.DELAY or self._settings.early:
            await self._until(lambda _: recorder.struck_at_s is not None or recorder.not_struck is not None)
        elif case.fault is Fault.NEVER_HEALTHY:
            await self._until_runs(case.container or "")
        else:
            await self._until_well()
            await self._strike()
        if recorder.struck_at_s is not None:
            await self._hold()
            await self._watch()

    async def _until(self, holds: Callable[[TaskState], bool]) -> bool:
        return await self._recorder.until(holds, self._pace.case_timeout_s)

    async def _until_well(self) -> None:
        """Wait until all is as it should be, the URL answers; then leave it in peace for a while."""
        recorder = self._recorder
        if await self._until(is_ready) and self._settings.question is not None:
            await self._until(lambda _: any(look.is_good for look in recorder.answers))
        await recorder.until_ended(self._pace.after_s)

    async def _until_runs(self, name: str) -> None:
        """A fault that is there from the start begins with the process."""
        recorder = self._recorder
        if await self._until(lambda state: state.containers[name].has_run) and recorder.state is not None:
            recorder.struck_at_s = recorder.state.containers[name].started_at_s
            recorder.age_s = 0.0

    async def _hold(self) -> None:
        """Let a fault last that is taken back, until its health check notices it or its time is over."""
        if self._case is None or self._striker is None or not self._striker.holds:
            return
        recorder, name = self._recorder, self._case.container

        def is_noticed(state: TaskState) -> bool:
            ill = name is not None and state.containers[name].health.status is HealthStatus.UNHEALTHY
            return state.is_stopping or ill

        if await recorder.until(is_noticed, held_s(self._plan, self._case, self._pace)):
            await recorder.until_ended(_NOTICED_S)
        await self._lift()

    async def _watch(self) -> None:
        """Watch for as long as the simulation says that something changes, and a little longer."""
        recorder, prediction = self._recorder, self._prediction()
        if prediction is None or recorder.struck_at_s is None:
            return
        passed_s = time.time() - recorder.struck_at_s
        left_s = max(last_change_after_s(prediction) + MARGIN_S - passed_s, AFTERMATH_S)
        name = self._case.container if self._case else None
        if recorder.lifted_at_s is not None and name is not None:
            probe = self._plan.container(name).health
            left_s += probe.interval_s + probe.timeout_s if probe else 0.0
            await recorder.until(
                lambda state: state.containers[name].health.status is not HealthStatus.UNHEALTHY, left_s
            )
            left_s = AFTERMATH_S
        if await recorder.until_ended(left_s):
            return
        if prediction.last.known is TaskStatus.RUNNING:
            await recorder.until(
                lambda state: state.known is TaskStatus.RUNNING or state.is_stopping, BEHIND_S
            )
        if recorder.state is not None and recorder.state.is_stopping:
            await recorder.until_ended(self._pace.case_timeout_s)

    async def _end_task(self) -> None:
        """Stop the task: in order where its log pipelines need that, or else at once."""
        recorder = self._recorder
        if recorder.has_ended:
            return
        recorder.asked_at_s = time.time()
        if self._settings.orderly and not recorder.timed_out:
            self._control.stop()
            longest_s = sum(item.stop_timeout_s for item in self._plan.containers)
            if await recorder.until_ended(min(longest_s + ENDING_S, self._pace.case_timeout_s)):
                return
        self._control.kill()

    def _prediction(self) -> Recording | None:
        predict, recorder, case = self._settings.predict, self._recorder, self._case
        if predict is None or case is None or recorder.struck_at_s is None:
            return None
        lasted_s = held_s(self._plan, case, self._pace)
        if recorder.lifted_at_s is not None:
            lasted_s = recorder.lifted_at_s - recorder.struck_at_s
        return predict(
            Blow(
                age_s=recorder.age_s or 0.0,
                held_s=lasted_s if case.fault in HELD else 0.0,
                delay_s=self._pace.delay_s,
            )
        )

    async def _before_start(self, name: str) -> None:
        case, recorder = self._case, self._recorder
        if case is None or case.container != name:
            return
        if case.fault is Fault.DELAY:
            recorder.struck_at_s, recorder.age_s = time.time(), 0.0
            recorder.wake()
            await asyncio.sleep(self._pace.delay_s)
        elif case.fault is Fault.VOLUME and self._settings.early:
            await self._strike(at_start=True)

    async def _after_start(self, name: str, at_s: float) -> None:
        case = self._case
        if case is None or case.container != name or not self._settings.early:
            return
        if case.fault is not Fault.VOLUME:
            await self._strike(at_start=True, started_at_s=at_s)

    async def _strike(self, *, at_start: bool = False, started_at_s: float | None = None) -> None:
        recorder, state = self._recorder, self._recorder.state
        if self._case is None or self._striker is None or state is None:
            return
        if not at_start and (state.is_stopping or recorder.has_ended):
            recorder.not_struck = "the task was stopping, or had ended, before the fault could be made"
            return
        at_s = time.time()
        if not at_start:
            name = self._case.container
            started_at_s = state.containers[name].process_started_at_s if name else recorder.began_at_s
        try:
            await self._striker.make()
        except InjectionUnavailableError as error:
            recorder.not_struck = error.reason
        else:
            recorder.struck_at_s = at_s
            recorder.age_s = 0.0 if started_at_s is None else max(at_s - started_at_s, 0.0)
        recorder.wake()

    async def _lift(self) -> None:
        if self._striker is not None and self._striker.holds:
            await self._striker.lift()
            self._recorder.lifted_at_s = time.time()

    async def _ask(self) -> None:
        """Ask the URL from the moment at which its port is published."""
        question, recorder = self._settings.question, self._recorder
        if question is None:
            return

        def host_port() -> int | None:
            found = (item.host_port for item in recorder.bindings if item.container_port == question.port)
            return next(found, None)

        def answered(look: Answer) -> None:
            recorder.answers.append(look)
            if look.is_good:
                recorder.wake()

        await self._until(lambda _: host_port() is not None)
        port = host_port()
        if port is not None:
            await ask(question.at(port), answered)
