"""One task from wherever it is to its end: everything that stands around it is opened, and closed again.

Belongs to the composition root. A run in the foreground does this once, a server for each of its tasks; a
task that another process left is taken over in the same way, from the state that its journal leads to.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from pillion.around.surroundings import Surroundings, open_surroundings
from pillion.core.describe import NEVER_RAN_EXIT_CODE, describe_task, exit_code_of
from pillion.core.lifecycle.state import TaskState
from pillion.core.lifecycle.states import ContainerKind, TaskStatus
from pillion.core.monitoring.metrics import Machine
from pillion.core.monitoring.watched import watch_task
from pillion.core.plan.facts import ContainerFacts
from pillion.core.plan.model import Notice, TaskPlan
from pillion.core.record import Standing, encode_record
from pillion.core.taskdef.model import TaskDefinition
from pillion.core.usage import Observed
from pillion.ports.clock import Clock
from pillion.ports.engine import (
    Capabilities,
    Engine,
    EngineError,
    EngineTask,
    EngineUnreachableError,
)
from pillion.ports.store import StoreError
from pillion.run_settings import RunSettings
from pillion.runtime.first_start import FirstStart
from pillion.runtime.kept_facts import KeptFacts
from pillion.runtime.kept_output import KeptOutput
from pillion.runtime.last_lines import LastLines
from pillion.runtime.monitor import Monitor
from pillion.runtime.observer import Observer
from pillion.runtime.patience import patiently
from pillion.runtime.runner import TaskRunner
from pillion.runtime.task_watch import TaskWatch, WatchPlan
from pillion.stores.notes import read_notes, remove_notes, write_notes
from pillion.stores.output.counting import count_output
from pillion.stores.output.files import remove_output
from pillion.stores.output.writer import OutputWriter
from pillion.stores.sqlite import SqliteStore
from pillion.supervision.deliveries import KeptDeliveries
from pillion.supervision.task_control import TaskControl

if TYPE_CHECKING:
    from pillion.aws.local.process import LocalAws

Observe = Callable[[tuple[Notice, ...], Capabilities], Observer]
"""Called once with all notices when the engine answered; returns who is told what happens."""


class RunOutcome(Struct, frozen=True, kw_only=True):
    """How a run ended: the exit code and the task as DescribeTasks shows it.

    `has_left` says that the task goes on, without this process; `is_lost` that its engine went away. Where
    the end could not be kept (a full disk), `keep_end` tries again, and returns whether it is kept now.
    """

    exit_code: int
    task: Mapping[str, Any]
    has_left: bool = False
    is_lost: bool = False
    keep_end: Callable[[], bool] | None = None


class Undertaking(Struct, frozen=True, kw_only=True):
    """A task to be supervised: a new one, or one that another process began.

    Attributes:
        definition: with the overrides applied.
        running: what really runs of it.
        plan: of the definition; for a task that was taken over, as it was amended then.
        overrides: as DescribeTasks echoes them.
        settings: how it is run.
        source: the whole path of the file that the definition came from, if it is one.
        standing: what stood around it in the process that began it; None for a new task.
        state: what its journal leads to; None for a new task.
    """

    definition: TaskDefinition
    running: TaskDefinition
    plan: TaskPlan
    overrides: Mapping[str, Any]
    settings: RunSettings
    source: str | None = None
    standing: Standing | None = None
    state: TaskState | None = None

    @property
    def task_id(self) -> str:
        """The task's id."""
        return self.plan.identity.task_id


async def supervise(
    undertaking: Undertaking,
    *,
    engine: Engine,
    store: SqliteStore,
    owner: str,
    clock: Clock,
    observe: Observe,
    control: TaskControl,
    monitor: Monitor,
    local_aws: LocalAws | None = None,
    gives_up: bool = True,
) -> RunOutcome:
    """Run a task to its end with nothing left behind, or until it is left to another process.

    Args:
        undertaking: the task.
        engine: where it runs.
        store: where its journal is kept.
        owner: the claim of this process.
        clock: the time.
        observe: called once, when the engine has answered and the journal is begun.
        control: lets somebody stop or leave the task.
        monitor: watches it.
        local_aws: an embedded AWS that several tasks share.
        gives_up: a task whose engine went away is over for us; otherwise it is left as it is, to be taken
            over when the engine is back.

    Raises:
        EngineUnreachableError: there is no engine. One that goes away later ends the run as it then is.
        StoreError: the state folder cannot be used.
        FirelensError: ECS would not start the task's log router.
        EndpointsSettingError: the setting `endpoints` means nothing.

    What nobody foresaw is raised, too: of a run that gives up everything is removed, and that of a server is
    left as it is.
    """
    settings = undertaking.settings
    history = _History(store, undertaking.task_id, keep_s=settings.keep_history_s)
    capabilities = await engine.capabilities()
    async with open_surroundings(
        undertaking.plan,
        undertaking.running,
        settings,
        engine=engine,
        capabilities=capabilities,
        clock=clock,
        taken_over=undertaking.standing,
        local_aws=local_aws,
    ) as around:
        plan, task = around.plan, around.task
        notices = (*plan.notices, *around.notices, *await task.notices())
        history.prune(clock.now_s())
        if undertaking.state is None:
            about = _about(undertaking, around)
            journal = store.begin(undertaking.task_id, about, clock.now_s(), owner=owner)
        else:
            journal = store.take_over(undertaking.task_id, owner=owner)
        told = observe(notices, capabilities)
        told = _with_stop(told, undertaking, control, clock)
        output = OutputWriter(settings.state_folder, undertaking.task_id, trouble=told.trouble)
        last_lines = LastLines(KeptOutput(told, output.add), history.keep_lines)
        observer = watch = _watch(
            KeptFacts(last_lines, task, history.keep_facts),
            undertaking,
            around,
            engine=engine,
            monitor=monitor,
            capabilities=capabilities,
        )
        runner = TaskRunner(
            task,
            clock=clock,
            journal=journal,
            observer=observer,
            companion=around.companion,
            taken_over=undertaking.state,
            read_so_far=output.position,
        )
        around.link.runner, around.link.observer = runner, observer
        around.link.deliveries = KeptDeliveries(store, undertaking.task_id, output)
        control.attach(runner)
        lost = failed = False
        try:
            await runner.run()
        except EngineUnreachableError as error:
            lost = True
            observer.trouble(f"{error}\n  {_left_there(plan)}" if gives_up else f"left for now: {error}")
        except Exception:
            failed = True
            raise
        finally:
            state = runner.state
            await monitor.forget(watch)
            output.close(ended_at_s=clock.now_s() if state.known is TaskStatus.STOPPED else None)
            shape = describe_task(plan, state, facts_of(plan, task), undertaking.overrides)
            # The task of a server goes on without it, as one whose server was killed.
            around.link.is_left = runner.has_left or ((lost or failed) and not gives_up)
            await _clean_up(task, observer, keep=settings.keep or around.link.is_left, lost=lost)
    if around.link.is_left:
        last_lines.finish()
        return RunOutcome(exit_code=0, task=shape, has_left=not lost, is_lost=lost)
    last_lines.finish()
    ended_at_s = clock.now_s()

    def keep_end() -> bool:
        return runner.keep_journal() and history.end(shape, watch.usage, ended_at_s)

    # Of a lost task the end is not known. Why a journal cannot be written has been said by then.
    kept = lost or keep_end()
    if not kept and not runner.journal_failed:
        observer.trouble("the end of the task cannot be written into the journal; is the disk full?")
    # The user did not ask for a stop that a full disk made necessary: that is no success.
    gave_up = lost or (state.ended_by is None and runner.journal_failed)
    return RunOutcome(
        exit_code=NEVER_RAN_EXIT_CODE if gave_up else exit_code_of(state),
        task=shape,
        keep_end=None if kept else keep_end,
    )


def forget_old(store: SqliteStore, now_s: float) -> tuple[str, ...]:
    """Forget the tasks whose time is over, with their output; return their ids. Raises StoreError."""
    forgotten = store.prune(now_s)
    for task_id in forgotten:
        remove_output(store.folder, task_id)
        remove_notes(store.folder, task_id)
    return forgotten


def facts_of(plan: TaskPlan, task: EngineTask) -> dict[str, ContainerFacts]:
    """Return the ports and addresses of all containers, as the engine knows them now."""
    return {item.name: task.facts(item.name) for item in plan.containers}


def _watch(
    observer: Observer,
    undertaking: Undertaking,
    around: Surroundings,
    *,
    engine: Engine,
    monitor: Monitor,
    capabilities: Capabilities,
) -> TaskWatch:
    """Have a task watched; one that was taken over goes on where it was."""
    folder, task_id = undertaking.settings.state_folder, undertaking.task_id
    notes = read_notes(folder, task_id)
    plan = WatchPlan(
        task=watch_task(around.plan.identity, undertaking.definition),
        settings=undertaking.settings.monitor,
        machine=Machine(cpu_units=capabilities.cpu_units, memory_mib=capabilities.memory_mib),
        written={} if undertaking.state is None else count_output(folder, task_id),
        usage={} if notes is None else notes.usage,
    )
    found = monitor.watch(
        observer,
        plan,
        engine=engine,
        sink=around.metrics,
        keep=lambda fresh: write_notes(folder, task_id, fresh),
    )
    if undertaking.state is not None:
        found.take(undertaking.state)
    return found


def _about(undertaking: Undertaking, around: Surroundings) -> dict[str, Any]:
    return encode_record(
        around.standing,
        undertaking.definition,
        running=undertaking.running,
        overrides=undertaking.overrides,
        source=undertaking.source,
        process_id=os.getpid(),
    )


def _with_stop(observer: Observer, undertaking: Undertaking, control: TaskControl, clock: Clock) -> Observer:
    """Keep the promise to stop after a while; the time goes on while nobody supervises the task."""
    after_s, state = undertaking.settings.stop_after_s, undertaking.state
    if after_s is None:
        return observer
    first_s = None if state is None else _first_start_s(state)
    if first_s is None:
        return FirstStart(observer, lambda: clock.call_later(after_s, control.stop))
    left_s = min(first_s + after_s - clock.now_s(), after_s)  # more only where the wall clock went back
    clock.call_later(max(left_s, 0.0), control.stop)
    return observer


def _first_start_s(state: TaskState) -> float | None:
    """Return when the first container of a task started; its own pause containers do not count."""
    normal = [item.name for item in state.spec.containers if item.kind is ContainerKind.NORMAL]
    started = [state.containers[name].started_at_s for name in normal]
    return min((at_s for at_s in started if at_s is not None), default=None)


class _History:
    """What is kept of one task after its end. A store that fails costs the history and never the run."""

    def __init__(self, store: SqliteStore, task_id: str, *, keep_s: float) -> None:
        self._store = store
        self._task_id = task_id
        self._keep_s = keep_s

    def keep_lines(self, container: str, lines: Sequence[str]) -> None:
        """Keep the last lines of a container."""
        with suppress(StoreError):
            self._store.keep_lines(self._task_id, container, lines)

    def keep_facts(self, facts: Mapping[str, ContainerFacts]) -> None:
        """Keep the ports and addresses of containers."""
        with suppress(StoreError):
            self._store.keep_facts(self._task_id, facts)

    def prune(self, now_s: float) -> None:
        """Forget the tasks whose time is over."""
        with suppress(StoreError):
            forget_old(self._store, now_s)

    def end(self, shape: Mapping[str, Any], usage: Mapping[str, Observed], ended_at_s: float) -> bool:
        """Keep the task as it ended, or forget it where nothing is kept; return whether that is done."""
        try:
            if self._keep_s > 0:
                self._store.end(self._task_id, shape, ended_at_s, keep_s=self._keep_s, usage=usage)
            else:
                self._store.forget(self._task_id)
                remove_output(self._store.folder, self._task_id)
                remove_notes(self._store.folder, self._task_id)
        except StoreError:
            return False
        return True


async def _clean_up(task: EngineTask, observer: Observer, *, keep: bool, lost: bool) -> None:
    """Remove what the task made. What cannot be removed is said, and does not hide how the task ended.

    An engine that took the task along when it ended may still be on its way back.
    """
    try:
        if lost or keep:
            await task.clean_up(keep=keep)
        else:
            await patiently(lambda: task.clean_up(keep=False))
    except (EngineError, EngineUnreachableError) as error:
        if not lost:
            observer.trouble(f"not everything of the task could be removed: {error}")


def _left_there(plan: TaskPlan) -> str:
    find = f"docker ps -a --filter label=com.amazonaws.ecs.task-arn={plan.identity.task_arn}"
    return (
        "The task's containers may still be there: pillion serve takes it over when the engine is back; "
        f"to find them: {find}"
    )
