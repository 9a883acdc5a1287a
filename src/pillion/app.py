"""The composition root: the only place that chooses engine, store and clock and wires them together."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pillion.core.describe import NEVER_RAN_EXIT_CODE, describe_task, exit_code_of
from pillion.core.lifecycle.events import KillRequested, StopRequested
from pillion.core.lifecycle.states import TaskStatus
from pillion.core.plan.facts import ContainerFacts
from pillion.core.plan.model import Notice, TaskPlan
from pillion.core.record import encode_record
from pillion.core.usage import Observed
from pillion.ports.engine import Capabilities, Engine, EngineError, EngineTask, EngineUnreachableError
from pillion.ports.store import StoreError
from pillion.preparing import PreparedTask
from pillion.runtime.clock import SystemClock
from pillion.runtime.first_start import FirstStart
from pillion.runtime.kept_output import KeptOutput
from pillion.runtime.last_lines import LastLines
from pillion.runtime.observer import Observer
from pillion.runtime.runner import TaskRunner
from pillion.runtime.usage import UsageWatch
from pillion.stores.output.files import remove_output
from pillion.stores.output.writer import OutputWriter
from pillion.stores.sqlite import SqliteStore
from pillion.surroundings import RunSettings, open_surroundings


@dataclass(frozen=True, kw_only=True, slots=True)
class RunOutcome:
    """How a run ended: the exit code and the task as DescribeTasks shows it."""

    exit_code: int
    task: Mapping[str, Any]


class TaskControl:
    """Lets somebody outside stop a task that `run_task` runs; asking before it runs counts, too."""

    def __init__(self) -> None:
        self._runner: TaskRunner | None = None
        self._asked: list[StopRequested | KillRequested] = []

    def stop(self) -> None:
        """Stop the task in ECS's order."""
        self._ask(StopRequested())

    def kill(self) -> None:
        """End the task now."""
        self._ask(KillRequested())

    def attach(self, runner: TaskRunner) -> None:
        """Pass everything on to this runner from now on."""
        self._runner = runner
        for event in self._asked:
            runner.submit(event)

    def _ask(self, event: StopRequested | KillRequested) -> None:
        if self._runner is None:
            self._asked.append(event)
        else:
            self._runner.submit(event)


def docker_engine(state_folder: Path) -> Engine:
    """Return the engine that DOCKER_HOST, or Docker's current context, names."""
    from pillion.engines.docker.engine import DockerEngine

    return DockerEngine(state_folder=state_folder)


async def run_task(
    prepared: PreparedTask,
    settings: RunSettings,
    *,
    engine: Engine,
    observe: Callable[[tuple[Notice, ...], Capabilities], Observer],
    control: TaskControl | None = None,
    keep_history_s: float = 0.0,
    source: str | None = None,
) -> RunOutcome:
    """Run a task in the foreground, from nothing to nothing left behind.

    Args:
        prepared: the task.
        settings: how it is run.
        engine: where it runs; closed at the end.
        observe: called once with all notices when the engine answered; returns who is told what happens.
        control: lets somebody stop the task.
        keep_history_s: how long the task's journal is kept after its end, in seconds; 0 forgets it.
        source: the whole path of the file that the definition came from, if it is one.

    Raises:
        EngineUnreachableError: there is no engine. One that goes away later ends the run as it then is.
        StoreError: the state folder cannot be used.
        FirelensError: ECS would not start the task's log router.
    """
    clock = SystemClock()
    control = control or TaskControl()
    store = SqliteStore(settings.state_folder)
    try:
        capabilities = await engine.capabilities()
        async with open_surroundings(
            prepared.plan,
            prepared.running,
            settings,
            engine=engine,
            capabilities=capabilities,
            clock=clock,
        ) as around:
            plan, task = around.plan, around.task
            told = observe((*plan.notices, *around.notices, *await task.notices()), capabilities)
            if (stop_after_s := settings.stop_after_s) is not None:
                told = FirstStart(told, lambda: clock.call_later(stop_after_s, control.stop))
            history = _History(store, settings.state_folder, plan.identity.task_id, keep_s=keep_history_s)
            about = encode_record(
                plan,
                prepared.definition,
                overrides=prepared.overrides,
                source=source,
                process_id=os.getpid(),
            )
            history.prune(clock.now_s())
            journal = store.begin(plan.identity.task_id, about, clock.now_s())
            output = OutputWriter(settings.state_folder, plan.identity.task_id, trouble=told.trouble)
            observer = LastLines(KeptOutput(told, output.add), history.keep_lines)
            usage = UsageWatch(engine.sample)
            runner = TaskRunner(
                task,
                clock=clock,
                journal=journal,
                observer=observer,
                companion=around.companion,
                usage=usage if keep_history_s > 0 else None,
            )
            around.link.runner, around.link.observer = runner, observer
            control.attach(runner)
            lost = False
            try:
                await runner.run()
            except EngineUnreachableError as error:
                lost = True
                observer.trouble(f"{error}\n  {_left_there(plan)}")
            finally:
                state = runner.state
                output.close(ended_at_s=clock.now_s() if state.known is TaskStatus.STOPPED else None)
                shape = describe_task(plan, state, _facts(plan, task), prepared.overrides)
                await _clean_up(task, observer, keep=settings.keep, lost=lost)
        if runner.is_journalled and not lost:
            observer.finish()
            history.end(shape, usage.seen, clock.now_s(), observer)
    finally:
        await engine.close()
        store.close()
    # The user did not ask for a stop that a full disk made necessary: that is no success.
    gave_up = lost or (state.ended_by is None and not runner.is_journalled)
    return RunOutcome(exit_code=NEVER_RAN_EXIT_CODE if gave_up else exit_code_of(state), task=shape)


class _History:
    """What is kept of one task after its end. A store that fails costs the history and never the run."""

    def __init__(self, store: SqliteStore, folder: Path, task_id: str, *, keep_s: float) -> None:
        self._store = store
        self._folder = folder
        self._task_id = task_id
        self._keep_s = keep_s

    def keep_lines(self, container: str, lines: Sequence[str]) -> None:
        """Keep the last lines of a container."""
        with suppress(StoreError):
            self._store.keep_lines(self._task_id, container, lines)

    def prune(self, now_s: float) -> None:
        """Forget the tasks whose time is over."""
        with suppress(StoreError):
            for task_id in self._store.prune(now_s):
                remove_output(self._folder, task_id)

    def end(
        self, shape: Mapping[str, Any], usage: Mapping[str, Observed], now_s: float, observer: Observer
    ) -> None:
        """Keep the task as it ended, or forget it where nothing is kept."""
        try:
            if self._keep_s > 0:
                self._store.end(self._task_id, shape, now_s, keep_s=self._keep_s, usage=usage)
            else:
                self._store.forget(self._task_id)
                remove_output(self._folder, self._task_id)
        except StoreError as error:
            observer.trouble(str(error))


async def _clean_up(task: EngineTask, observer: Observer, *, keep: bool, lost: bool) -> None:
    """Remove what the task made. What cannot be removed is said, and does not hide how the task ended."""
    try:
        await task.clean_up(keep=keep)
    except (EngineError, EngineUnreachableError) as error:
        if not lost:
            observer.trouble(f"not everything of the task could be removed: {error}")


def _left_there(plan: TaskPlan) -> str:
    find = f"docker ps -a --filter label=com.amazonaws.ecs.task-arn={plan.identity.task_arn}"
    return f"The task's containers may still be there; to find them: {find}"


def _facts(plan: TaskPlan, task: EngineTask) -> dict[str, ContainerFacts]:
    return {item.name: task.facts(item.name) for item in plan.containers}
