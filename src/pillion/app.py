"""The composition root: the only place that chooses engine, store and clock and wires them together."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pillion.core.describe import NEVER_RAN_EXIT_CODE, describe_task, exit_code_of
from pillion.core.lifecycle.events import KillRequested, StopRequested
from pillion.core.plan.facts import ContainerFacts
from pillion.core.plan.model import Notice, TaskPlan
from pillion.core.taskdef.render import render_task_definition
from pillion.ports.engine import Capabilities, Engine, EngineError, EngineTask, EngineUnreachableError
from pillion.preparing import PreparedTask
from pillion.runtime.clock import SystemClock
from pillion.runtime.observer import Observer
from pillion.runtime.runner import TaskRunner
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
) -> RunOutcome:
    """Run a task in the foreground, from nothing to nothing left behind.

    Args:
        prepared: the task.
        settings: how it is run.
        engine: where it runs; closed at the end.
        observe: called once with all notices when the engine answered; returns who is told what happens.
        control: lets somebody stop the task.

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
            observer = observe((*plan.notices, *around.notices, *await task.notices()), capabilities)
            about = {"definition": render_task_definition(prepared.definition), "arn": plan.identity.task_arn}
            journal = store.begin(plan.identity.task_id, about, clock.now_s())
            runner = TaskRunner(
                task, clock=clock, journal=journal, observer=observer, companion=around.companion
            )
            around.link.runner, around.link.observer = runner, observer
            control.attach(runner)
            lost = False
            try:
                if settings.stop_after_s is not None:
                    clock.call_later(settings.stop_after_s, control.stop)
                await runner.run()
            except EngineUnreachableError as error:
                lost = True
                observer.trouble(f"{error}\n  {_left_there(plan)}")
            finally:
                state = runner.state
                shape = describe_task(plan, state, _facts(plan, task), prepared.overrides)
                await _clean_up(task, observer, keep=settings.keep, lost=lost)
        if runner.is_journalled and not lost:
            store.forget(plan.identity.task_id)
    finally:
        await engine.close()
        store.close()
    # The user did not ask for a stop that a full disk made necessary: that is no success.
    gave_up = lost or (state.ended_by is None and not runner.is_journalled)
    return RunOutcome(exit_code=NEVER_RAN_EXIT_CODE if gave_up else exit_code_of(state), task=shape)


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
