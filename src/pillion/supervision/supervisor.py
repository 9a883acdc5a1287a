"""The tasks of one `pillion serve`: begun when asked, taken over from processes that are gone, left behind.

Part of the composition root. Tasks know nothing of each other; what they share is the connection to each
engine, the journal, and local AWS, which is one account for all of them as AWS itself is.

Leaving is the usual end of a server: its tasks go on, and the next server takes them over, as the ECS agent
does after a restart.
"""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import Callable, Coroutine, Mapping
from pathlib import Path
from typing import Any

from pillion.around.serving import EndpointsSettingError
from pillion.aws.local.announce import withdraw
from pillion.aws.local.process import LocalAws
from pillion.aws.settings import AwsMode
from pillion.connecting import docker_engine
from pillion.control.claims import find_claimant
from pillion.core.errors import unforeseen
from pillion.core.plan.model import Notice
from pillion.ports.clock import Clock
from pillion.ports.control import Accepted, ControlError
from pillion.ports.engine import Capabilities, Engine, EngineUnreachableError
from pillion.ports.store import StoreError
from pillion.runtime.first_start import FirstSettled
from pillion.runtime.monitor import Monitor
from pillion.runtime.observer import Observer
from pillion.sidecars.firelens.errors import FirelensError
from pillion.stores.sqlite import SqliteStore
from pillion.supervision.desk import Desk
from pillion.supervision.requests import NotAdoptableError, decode_request, undertaking_of
from pillion.supervision.supervising import RunOutcome, Undertaking, forget_old, supervise
from pillion.supervision.task_control import TaskControl

RETRY_S = 5.0
"""How long a task waits whose engine does not answer, before it is tried for again."""

LOOK_S = 15.0
"""How often tasks are looked for that another process has left, and those whose time is over."""

_FAILURES = (EngineUnreachableError, StoreError, FirelensError, EndpointsSettingError)

Answered = Callable[[tuple[Notice, ...], Capabilities], None]
MakeEngine = Callable[[str | None], Engine]
MakeObserver = Callable[[str, str], Observer]
"""Returns who is told what happens to a task, by its id and its family with revision."""


class Supervisor:
    """Supervises any number of tasks in this process.

    Args:
        state_folder: where everything is kept.
        store: the journals in it.
        owner: the claim of this process.
        clock: the time.
        observer: makes who is told what happens to a task.
        say: told what concerns no task, or one that cannot be taken over.
        make_engine: connects to an engine; None as host is the usual one.
    """

    def __init__(
        self,
        *,
        state_folder: Path,
        store: SqliteStore,
        owner: str,
        clock: Clock,
        observer: MakeObserver,
        say: Callable[[str], None],
        make_engine: MakeEngine | None = None,
    ) -> None:
        self._state_folder = state_folder
        self._store = store
        self._owner = owner
        self._clock = clock
        self._observer = observer
        self._say = say
        self._make_engine = make_engine or (lambda host: docker_engine(state_folder, host))
        self._engines: dict[str | None, Engine] = {}
        self._local_aws: dict[str, LocalAws] = {}
        self._jobs: set[asyncio.Task[None]] = set()
        self._given_up: set[str] = set()
        self._left: set[str] = set()
        self._unkept_ends: dict[str, Callable[[], bool]] = {}
        self._taking_over: set[str] = set()
        self._to_take_over = 0
        self._takes_over_since_s = 0.0
        self._idle, self._busy = asyncio.Event(), asyncio.Event()
        self._idle.set()
        self._leaving = asyncio.Event()
        self._monitor = Monitor(now_s=clock.now_s)
        self.desk = Desk(submit=self.submit, adopt=self.adopt_left, metrics=self._monitor.prometheus)

    async def wait_idle_for(self, idle_s: float) -> None:
        """Return when no task was supervised for so many seconds; none is taken from then on."""
        while True:
            await self._idle.wait()
            try:
                async with asyncio.timeout(idle_s):
                    await self._busy.wait()
            except TimeoutError:
                if self._idle.is_set():  # and no task came in the same moment
                    self._leaving.set()
                    return

    async def submit(self, request: Mapping[str, Any]) -> Accepted:
        """Begin a task; return when its engine has answered. Raises ControlError."""
        undertaking = decode_request(request, self._state_folder)
        if self._leaving.is_set():
            raise ControlError("the server is about to end; try again")
        if undertaking.task_id in self.desk.tasks():
            raise ControlError(f"task {undertaking.task_id} runs already")
        begun: asyncio.Future[Accepted] = asyncio.get_running_loop().create_future()
        self._begin(undertaking.task_id, self._run_new(undertaking, begun), begun)
        return await begun

    def adopt_left(self) -> tuple[str, ...]:
        """Take over every task whose process is gone; return their ids. Raises StoreError.

        The end of a task that could not be kept, for a full disk, is kept now if it can be. Where the folder
        was removed, claims are not found any more: then nothing is known of other processes.
        """
        if self._leaving.is_set() or not self._store.is_in_place:
            return ()
        found = []
        self._unkept_ends = {name: keep for name, keep in self._unkept_ends.items() if not keep()}
        for task_id, owner in self._store.unfinished():
            if (
                task_id in self._given_up
                or task_id in self._unkept_ends
                or self._is_supervised(task_id, owner)
            ):
                continue
            undertaking = self._left_by_others(task_id)
            if undertaking is None:
                self._given_up.add(task_id)
                continue
            found.append(task_id)
            self._note_taking_over(task_id)
            self._begin(task_id, self._run_adopted(task_id, undertaking, self.desk.add(task_id)))
        return tuple(found)

    def _note_taking_over(self, task_id: str) -> None:
        if not self._taking_over:
            self._takes_over_since_s = self._clock.now_s()
        self._taking_over.add(task_id)
        self._to_take_over += 1

    def _left_by_others(self, task_id: str) -> Undertaking | None:
        """Return a task as its journal has it now; None, and a word, where that cannot be read."""
        try:
            return undertaking_of(self._store, task_id, self._state_folder)
        except NotAdoptableError as error:
            self._say(f"task {task_id} cannot be taken over: {error}")
            return None

    async def _left_by_its_engine(self, task_id: str) -> Undertaking | None:
        """Return a task as `_left_by_others` does; wait for a journal that cannot be read."""
        was_told = False
        while not self._leaving.is_set():
            try:
                return self._left_by_others(task_id)
            except StoreError as error:
                if not was_told:
                    self._say(f"task {task_id} waits for its journal: {error}")
                was_told = True
                await self._pause()
        return None

    async def leave(self) -> int:
        """Leave all tasks as they are, and let go of everything; return how many tasks go on.

        What is left of a task that is over is removed first.
        """
        self._leaving.set()
        for control in self.desk.controls():
            control.leave()
        await asyncio.gather(*self._jobs, return_exceptions=True)
        await self._close([engine.close() for engine in self._engines.values()])
        await self._close([local.close() for local in self._local_aws.values()])
        withdraw(self._state_folder / "aws", os.getpid())
        return len(self._left)

    async def _close(self, closing: list[Coroutine[Any, Any, None]]) -> None:
        for outcome in await asyncio.gather(*closing, return_exceptions=True):
            if isinstance(outcome, Exception):
                self._say(f"not everything could be closed: {unforeseen(outcome)}")

    async def stop_all(self, reason: str) -> None:
        """Stop all tasks in ECS's order and take no other; return when they are over.

        One whose engine is away is not waited for.
        """
        self._leaving.set()
        for control in self.desk.controls():
            control.stop(reason)
        await self._idle.wait()

    async def look_after_others(self) -> None:
        """Take over what others left, and forget what was kept long enough, now and then, until cancelled."""
        while True:
            await asyncio.sleep(LOOK_S)
            try:
                for task_id in self.adopt_left():
                    self._say(f"task {task_id} was left by its process, and goes on here")
                forget_old(self._store, self._clock.now_s())
            except StoreError as error:
                self._say(str(error))
            except Exception as error:  # the next look may do better
                self._say(f"tasks that others left cannot be looked for: {unforeseen(error)}")

    def forget_local_aws(self) -> None:
        """Let the shared local AWS begin anew, if no task is known that might have used it."""
        if not self._store.tasks():
            shutil.rmtree(self._shared_aws_folder, ignore_errors=True)

    @property
    def _shared_aws_folder(self) -> Path:
        return self._state_folder.absolute() / "aws-local"

    def _is_supervised(self, task_id: str, owner: str | None) -> bool:
        if task_id in self.desk.tasks():
            return True
        if owner is None or owner == self._owner:
            return False
        return find_claimant(self._state_folder, owner) is not None

    def _begin(
        self,
        task_id: str,
        work: Coroutine[Any, Any, None],
        begun: asyncio.Future[Accepted] | None = None,
    ) -> None:
        job = asyncio.create_task(self._keep(task_id, work, begun))
        self._jobs.add(job)
        self._idle.clear()
        self._busy.set()
        job.add_done_callback(self._done)

    def _done(self, job: asyncio.Task[None]) -> None:
        self._jobs.discard(job)
        if not self._jobs:
            self._idle.set()
            self._busy.clear()

    async def _keep(
        self, task_id: str, work: Coroutine[Any, Any, None], begun: asyncio.Future[Accepted] | None
    ) -> None:
        """Supervise a task; one that fails for what nobody foresaw is told of, and given up."""
        try:
            await work
        except Exception as error:
            is_new = begun is not None and not begun.done()
            what = "cannot be begun" if is_new else "is not supervised any more"
            text = f"the task {what}: {unforeseen(error)}"
            self._say(f"task {task_id}: {text}")
            self._given_up.add(task_id)  # it would only fail again
            self._taken_over(task_id)
            if begun is not None and not begun.done():
                begun.set_exception(ControlError(text))
            if task_id in self.desk.tasks():
                self.desk.fail(task_id, text)

    async def _run_new(self, undertaking: Undertaking, begun: asyncio.Future[Accepted]) -> None:
        """Run a task that was asked for; whoever asked hears of what goes wrong before it begins."""

        def answered(notices: tuple[Notice, ...], capabilities: Capabilities) -> None:
            where = f"{capabilities.name} {capabilities.version}"
            begun.set_result(Accepted(task_id=undertaking.task_id, notices=notices, engine=where))

        task_id = undertaking.task_id
        control = self.desk.add(task_id)
        try:
            outcome = await self._supervise(undertaking, control, answered)
        except _FAILURES as error:
            self.desk.fail(task_id, str(error))
            if begun.done():
                self._say(f"task {task_id}: {error}")
            else:
                begun.set_exception(ControlError(str(error)))
            return
        if not outcome.is_lost:
            self._end(task_id, outcome)
        else:
            await self._run_adopted(task_id, await self._left_by_its_engine(task_id), control)

    async def _run_adopted(self, task_id: str, left: Undertaking | None, control: TaskControl) -> None:
        """Run a task that was left, by others or by its engine.

        An engine that is away is waited for, and so is a journal that cannot be written.
        """
        was_told = False
        while left is not None and not self._leaving.is_set():
            began_s = self._clock.now_s()
            try:
                outcome = await self._supervise(
                    left, control, _nobody_waits, gone_on=lambda: self._taken_over(task_id)
                )
            except (EngineUnreachableError, StoreError) as error:
                if not was_told:
                    what = "its journal" if isinstance(error, StoreError) else "its engine"
                    self._say(f"task {task_id} waits for {what}: {error}")
                was_told = True
                await self._pause()
            except _FAILURES as error:
                self._say(f"task {task_id} cannot be taken over: {error}")
                self._given_up.add(task_id)
                break
            else:
                if not outcome.is_lost:
                    self._end(task_id, outcome)
                    return
                if self._clock.now_s() - began_s < RETRY_S:
                    await self._pause()  # the engine answers, and is lost at once, again and again
                left, was_told = await self._left_by_its_engine(task_id), False
        if self._leaving.is_set():
            self._left.add(task_id)
        else:
            self._taken_over(task_id)
        self.desk.fail(task_id, "the task is not supervised any more")

    def _end(self, task_id: str, outcome: RunOutcome) -> None:
        if outcome.has_left:
            self._left.add(task_id)
        if outcome.keep_end is not None:
            self._unkept_ends[task_id] = outcome.keep_end
        self.desk.end(task_id, outcome)

    def _taken_over(self, task_id: str) -> None:
        """Note that a task goes on here; say how long it took when that was the last one of many."""
        if task_id not in self._taking_over:
            return
        self._taking_over.discard(task_id)
        if not self._taking_over:
            count, took_s = self._to_take_over, self._clock.now_s() - self._takes_over_since_s
            self._to_take_over = 0
            were = "1 task was" if count == 1 else f"{count} tasks were"
            self._say(f"{were} taken over in {took_s:.2f} s")

    async def _pause(self) -> None:
        try:
            async with asyncio.timeout(RETRY_S):
                await self._leaving.wait()
        except TimeoutError:
            return

    async def _supervise(
        self,
        undertaking: Undertaking,
        control: TaskControl,
        answered: Answered,
        *,
        gone_on: Callable[[], None] | None = None,
    ) -> RunOutcome:
        identity = undertaking.plan.identity
        observer = self._observer(identity.task_id, f"{identity.family}:{identity.revision}")
        if gone_on is not None:
            observer = FirstSettled(observer, gone_on)

        def observe(notices: tuple[Notice, ...], capabilities: Capabilities) -> Observer:
            answered(notices, capabilities)
            return observer

        return await supervise(
            undertaking,
            engine=self._engine(undertaking.settings.engine_host),
            store=self._store,
            owner=self._owner,
            clock=self._clock,
            observe=observe,
            control=control,
            monitor=self._monitor,
            local_aws=self._local_aws_for(undertaking),
            gives_up=False,
        )

    def _engine(self, host: str | None) -> Engine:
        if host not in self._engines:
            self._engines[host] = self._make_engine(host)
        return self._engines[host]

    def _local_aws_for(self, undertaking: Undertaking) -> LocalAws | None:
        """Return the local AWS that a task shares with the others of the same state folder."""
        settings = undertaking.settings
        if settings.aws.mode is not AwsMode.LOCAL:
            return None
        chosen = settings.aws.state_folder
        folder = self._shared_aws_folder if chosen is None else Path(settings.aws_source.folder) / chosen
        return self._local_aws.setdefault(str(folder), LocalAws(folder))


def _nobody_waits(notices: tuple[Notice, ...], capabilities: Capabilities) -> None:
    """Tell nobody: the notices were told when the task began."""
