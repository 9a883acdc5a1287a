"""One loop per task: take an event, ask the machine, store, perform. The only writer of the task's state.

Whoever wants something of a task submits an event. The loop ends when the task is STOPPED, after one last
look at every container (an out-of-memory flag may be told after the exit) and after the last log line.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import suppress
from typing import Any

from pillion.core.errors import unforeseen
from pillion.core.lifecycle import events as ev
from pillion.core.lifecycle.ahead import creatable_ahead
from pillion.core.lifecycle.commands import (
    Command,
    CreateContainer,
    PrepareResource,
    Report,
    ReportContainer,
    StopContainer,
)
from pillion.core.lifecycle.conditions import NotYet, judge_all
from pillion.core.lifecycle.machine import handle
from pillion.core.lifecycle.resume import needs_resources, pending_commands
from pillion.core.lifecycle.state import TaskState, initial_state
from pillion.core.lifecycle.states import ContainerKind, ContainerStatus, StopCode, TaskStatus, is_before
from pillion.core.log_position import LogPosition, ReadingMark
from pillion.ports.clock import Clock
from pillion.ports.companion import NoCompanion, TaskCompanion
from pillion.ports.engine import EngineError, EngineTask, EngineUnreachableError, LogLine
from pillion.ports.store import Journal, StoreError
from pillion.runtime.observer import Observer
from pillion.runtime.performer import Performer

QUEUE_EVENTS_MAX = 100_000
"""Events waiting for one task. A task produces a handful per container; this many is a runaway engine."""

LOOK_WHILE_BLOCKED_S = 5.0
"""How often containers are inspected while somebody waits for a dependency, as the ECS agent does."""

LOOK_WHEN_STEADY_S = 300.0
"""How often containers are inspected otherwise."""

LAST_LOGS_S = 10.0
"""How long the output of stopped containers may stand still before the rest of it is given up.

No limit while lines come: a container that wrote faster than CloudWatch takes them is read to its end.
"""

LAST_MADE_S = 10.0
"""How long what is still being made (network, volume, container) is waited for when the task has ended."""


def _nothing_read(container: str) -> None:
    del container


class TaskRunner:
    """Runs one task on one engine from beginning to end, or from where another process left it.

    Args:
        task: the task on its engine.
        clock: the time.
        journal: where its events are kept.
        observer: who is told what happens.
        companion: what stands beside the engine.
        taken_over: the state that the journal leads to, of a task that another process began.
        read_so_far: says how far the output of a container was read by that process.
    """

    def __init__(
        self,
        task: EngineTask,
        *,
        clock: Clock,
        journal: Journal,
        observer: Observer,
        companion: TaskCompanion | None = None,
        taken_over: TaskState | None = None,
        read_so_far: Callable[[str], LogPosition | None] = _nothing_read,
    ) -> None:
        self._task = task
        self._clock = clock
        self._journal = journal
        self._unkept: list[tuple[ev.Event, float]] = []
        self._journal_failed = False
        self._observer = observer
        self._companion = companion or NoCompanion()
        self._read_so_far = read_so_far
        self._queue: asyncio.Queue[ev.Event | None] = asyncio.Queue(QUEUE_EVENTS_MAX)
        self._performer = Performer(
            task,
            submit=self.submit,
            clock=clock,
            progress=observer.progress,
            notice=observer.notice,
            companion=self._companion,
        )
        self._ports_told: set[str] = set()
        self._output_lost: list[str] = []
        self._logs: dict[str, asyncio.Task[None]] = {}
        self._lines_read = 0
        self._give_up_logs = asyncio.Event()
        self._changed = asyncio.Event()
        self._work: set[asyncio.Task[None]] = set()
        self._making: set[asyncio.Task[None]] = set()
        self._foreseen: set[tuple[str, bool]] = set()
        self._lost: Exception | None = None
        self._is_taken_over = taken_over is not None
        self._has_left = False
        self.state: TaskState = taken_over or initial_state(task.plan.spec)

    def keep_journal(self) -> bool:
        """Write what the journal could not take before; return whether it holds every event so far."""
        with suppress(StoreError):
            self._keep_unkept()
        return not self._unkept

    @property
    def journal_failed(self) -> bool:
        """Whether the journal could not be written at some time, which is why the task was stopped."""
        return self._journal_failed

    def submit(self, event: ev.Event) -> None:
        """Give the task an event; it is taken in its turn.

        A request to kill a task that has ended gives up what is left of its output.
        """
        if isinstance(event, ev.KillRequested) and self.state.known is TaskStatus.STOPPED:
            self._give_up_logs.set()
        self._queue.put_nowait(event)

    def leave(self) -> None:
        """Go away and leave the task as it is, for another process to take over; `run` returns.

        Of a task that is over there is nothing to leave: `run` returns when the rest of its output was read.
        """
        if self.state.known is TaskStatus.STOPPED:
            return
        self._has_left = True
        self._queue.put_nowait(None)  # wakes the loop

    @property
    def has_left(self) -> bool:
        """Whether the task goes on without us."""
        return self._has_left

    async def run(self) -> TaskState:
        """Start the task, or take it over, and stay with it until it is STOPPED or we leave.

        Raises EngineUnreachableError when the engine goes away and does not come back, and what nobody
        foresaw: a task that is not heard of any more would be waited for, for ever.
        """
        helpers: list[asyncio.Task[None]] = []
        try:
            if self._is_taken_over:
                await self._adopt()
            helpers += [asyncio.create_task(self._watch()), asyncio.create_task(self._look_now_and_then())]
            if self._is_taken_over:
                await self._go_on()
            else:
                self.submit(ev.StartRequested())
            while self.state.known is not TaskStatus.STOPPED and not self._has_left:
                event = await self._queue.get()
                if event is not None:
                    self._begin(self._take(event))
                if self._lost is not None:
                    raise self._lost
            if not self._has_left:
                await self._look_at_all()
                await self._finish_logs()
                if self._making:
                    # The engine would finish a cancelled call all the same, after everything was removed.
                    await asyncio.wait(self._making, timeout=LAST_MADE_S)
        finally:
            await _cancel([*helpers, *self._work, *self._logs.values()])
        return self.state

    async def _adopt(self) -> None:
        """Stand where the other process stood: containers known, endpoints served."""
        made = {name: item.runtime_id for name, item in self.state.containers.items() if item.runtime_id}
        await self._task.adopt(made)
        self._performer.adopt(made)

    async def _go_on(self) -> None:
        """Look at what became of everything, then ask again for what was under way."""
        if not self.state.started:
            self.submit(ev.StartRequested())
            return
        asked: list[Command] = []
        for name, item in self.state.containers.items():
            if item.runtime_id:
                for event in await self._look(name):
                    asked += self._take(event)
        for spec in self.state.spec.containers:
            item = self.state.containers[spec.name]
            if item.known is ContainerStatus.STOPPED:
                self._companion.stopped(spec.name)
            if item.known in (spec.steady, ContainerStatus.STOPPED) and item.has_run:
                running = item.known is not ContainerStatus.STOPPED
                await self._performer.stand_beside(spec.name, running=running)
        for resource in needs_resources(self.state):
            error = await self._performer.prepare_again(resource)
            if error is not None:
                self._observer.trouble(f"{resource} cannot be prepared again: {error}")
                self.submit(ev.StopRequested(reason=str(error), stop_code=StopCode.TASK_FAILED_TO_START))
        self._follow_logs()
        self._observer.settled(self.state, self._clock.now_s())
        self._begin(pending_commands(self.state))
        # All that was asked for just now is pending, but for the stop of a container that came back.
        self._begin(
            [item for item in asked if isinstance(item, StopContainer) and not self._is_pending(item)]
        )

    def _is_pending(self, command: StopContainer) -> bool:
        return self.state.containers[command.container].in_flight is not None

    def _begin(self, commands: Sequence[Command]) -> None:
        """Perform commands, each beside the others."""
        for command in commands:
            is_making = isinstance(command, PrepareResource | CreateContainer)
            self._work_on(self._perform(command), is_making=is_making)

    def _work_on(self, work: Coroutine[Any, Any, None], *, is_making: bool) -> None:
        job = asyncio.create_task(work)
        self._work.add(job)
        job.add_done_callback(self._work.discard)
        if is_making:
            self._making.add(job)
            job.add_done_callback(self._making.discard)

    def _take(self, event: ev.Event) -> list[Command]:
        """Handle one event, store it, tell the observer; return what has to be performed."""
        now_s = self._clock.now_s()
        state, commands = handle(self.state, event, now_s)
        if state is self.state and not commands:
            self._tell_ports(event)
            return []
        self._store(event, now_s)
        self.state = state
        self._changed.set()
        jobs: list[Command] = []
        for command in commands:
            if isinstance(command, Report):
                self._observer.reported(command, state, now_s)
                if isinstance(command, ReportContainer) and command.after is ContainerStatus.STOPPED:
                    self._companion.stopped(command.container)
            else:
                jobs.append(command)
        self._tell_ports(event)
        self._follow_logs()
        self._observer.settled(state, now_s)
        self._foresee()
        return jobs

    def _foresee(self) -> None:
        """Have made ahead what waits for others only: at first, and once more when its image is here."""
        for name in creatable_ahead(self.state):
            asked = (name, self.state.containers[name].known is ContainerStatus.PULLED)
            if asked not in self._foreseen:
                self._foreseen.add(asked)
                self._work_on(self._performer.make_ahead(name), is_making=True)

    def _tell_ports(self, event: ev.Event) -> None:
        """Tell the ports of a container once: when its start is told, or answered if only that knows them."""
        if isinstance(event, ev.Started) and event.container not in self._ports_told:
            bindings = self._task.facts(event.container).bindings
            if bindings:
                self._ports_told.add(event.container)
                self._observer.published(event.container, bindings)

    def _store(self, event: ev.Event, now_s: float) -> None:
        self._unkept.append((event, now_s))
        try:
            self._keep_unkept()
        except StoreError as error:
            if self._journal_failed:
                return
            # A task whose events cannot be kept could not be recovered: stop it in order, say it once.
            self._journal_failed = True
            self._observer.trouble(str(error))
            self.submit(ev.StopRequested(reason=f"The journal cannot be written: {error}"))

    def _keep_unkept(self) -> None:
        while self._unkept:
            self._journal.append(*self._unkept[0])
            del self._unkept[0]

    async def _perform(self, command: Command) -> None:
        try:
            await self._performer.perform(command)
        except Exception as error:
            self._lose(error)

    async def _watch(self) -> None:
        try:
            async for event in self._task.events():
                self.submit(event)
        except Exception as error:
            self._lose(error)

    def _lose(self, error: Exception) -> None:
        if self._lost is None:
            self._lost = error
            self._queue.put_nowait(None)  # wakes the loop, which then gives up; of the task nothing is known

    async def _look_now_and_then(self) -> None:
        """The safety net: events may be lost, so look at the containers from time to time."""
        while True:
            await asyncio.sleep(LOOK_WHILE_BLOCKED_S if self._is_blocked() else LOOK_WHEN_STEADY_S)
            try:
                await self._look_at_all()
            except EngineUnreachableError:
                continue  # the event stream is the one that decides that the engine is gone
            except Exception as error:
                self._lose(error)

    def _is_blocked(self) -> bool:
        spec, containers = self.state.spec, self.state.containers
        return not self.state.is_stopping and any(
            isinstance(answer, NotYet)
            for item in spec.containers
            if is_before(containers[item.name].known, item.steady)
            for answer in judge_all(spec, containers, item)
        )

    async def _look_at_all(self) -> None:
        names = [name for name, state in self.state.containers.items() if state.has_run]
        for found in await asyncio.gather(*(self._look(name) for name in names)):
            for event in found:
                if self.state.known is TaskStatus.STOPPED:
                    self._take(event)
                else:
                    self.submit(event)

    async def _look(self, name: str) -> tuple[ev.Event, ...]:
        try:
            return await self._task.look(name)
        except EngineError:
            return ()

    def _follow_logs(self) -> None:
        for spec in self.state.spec.containers:
            known = self.state.containers[spec.name].known
            started = known in (ContainerStatus.RUNNING, ContainerStatus.STOPPED)
            if spec.kind is not ContainerKind.NORMAL or spec.name in self._logs or not started:
                continue
            if self.state.containers[spec.name].has_run:
                self._logs[spec.name] = asyncio.create_task(self._pump(spec.name))

    async def _pump(self, name: str) -> None:
        try:
            before = self._read_so_far(name)
            if before is not None:
                self._companion.read_before(name, before.lines)
            restarts = self.state.spec.container(name).restart is not None
            read = self._read_across_restarts if restarts else self._task.logs
            async for line in read(name, after=before):
                self._observer.log(line)
                await self._companion.log(line)
                self._lines_read += 1
        except EngineError as error:
            self._companion.log_cut(name)
            self._observer.trouble(f"the output of {name} cannot be read: {error}")
        except EngineUnreachableError as error:
            # If the engine is gone for good, that is told; if it comes back, only lines were lost.
            self._companion.log_cut(name)
            self._output_lost.append(f"the output of {name} could not be read to its end: {error}")
        except Exception as error:
            self._companion.log_cut(name)
            self._observer.trouble(f"the output of {name} cannot be read: {unforeseen(error)}")

    async def _read_across_restarts(self, name: str, *, after: LogPosition | None) -> AsyncIterator[LogLine]:
        """Read on after each restart: only the machine knows whether there will be another one."""
        mark = ReadingMark(after)
        while True:
            restarts = self.state.containers[name].restart_count
            async for line in self._task.logs(name, after=after):
                mark.add(line.stamp)
                yield line
            while self.state.containers[name].restart_count == restarts:
                if self.state.containers[name].known is ContainerStatus.STOPPED:
                    return
                self._changed.clear()
                await self._changed.wait()
            after = mark.position

    async def _finish_logs(self) -> None:
        late = await self._late_logs()
        for text in self._output_lost:
            self._observer.trouble(text)
        if late:
            unread = [name for name, job in self._logs.items() if job in late]
            for name in unread:
                self._companion.log_cut(name)
            names = ", ".join(unread)
            why = (
                "you asked not to wait for it"
                if self._give_up_logs.is_set()
                else f"nothing more came for {LAST_LOGS_S:g} s"
            )
            self._observer.trouble(f"the last output of {names} was not read to its end: {why}")

    async def _late_logs(self) -> set[asyncio.Task[None]]:
        """Wait for all output while it goes on; return the readers that did not come to their end."""
        late = set(self._logs.values())
        given_up = asyncio.create_task(self._give_up_logs.wait())
        try:
            while late and not given_up.done():
                before = self._lines_read
                done, _ = await asyncio.wait(
                    {*late, given_up}, timeout=LAST_LOGS_S, return_when=asyncio.FIRST_COMPLETED
                )
                late = {job for job in late if job not in done}
                if not done and self._lines_read == before:
                    break
        finally:
            given_up.cancel()
        return late


async def _cancel(jobs: list[asyncio.Task[None]]) -> None:
    for job in jobs:
        job.cancel()
    for outcome in await asyncio.gather(*jobs, return_exceptions=True):
        if isinstance(outcome, Exception):
            raise outcome  # a lost failure would be a bug of ours: never in silence
