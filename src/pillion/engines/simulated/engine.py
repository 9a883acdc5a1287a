"""The simulated world behind the engine's port: for the conformance suite, and for the real runtime.

One `World` per task, moved forward by timers on the running event loop. Under `virtual_time` it runs as fast
as Python goes; under an ordinary loop in real time. Whatever the world tells goes one of two ways: an answer
to the call that waits for it, everything else to `events`.

Surprising: volumes, networks and files are not simulated. Containers cannot talk to each other here.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any

from pillion.core.lifecycle import commands as cmd
from pillion.core.lifecycle import events as ev
from pillion.core.lifecycle.states import ContainerKind
from pillion.core.log_position import LogPosition
from pillion.core.monitoring.sample import Sample
from pillion.core.plan.facts import ContainerFacts, NetworkAddress, PortBinding
from pillion.core.plan.model import Notice, PortRequest, TaskPlan
from pillion.engines.simulated.behaviour import Behaviour
from pillion.engines.simulated.faults import NO_FAULTS, Faults
from pillion.engines.simulated.scene import scene_of_plan
from pillion.engines.simulated.world import Told, World
from pillion.ports.clock import Clock
from pillion.ports.engine import (
    Capabilities,
    CreateAnswer,
    EngineError,
    LogLine,
    ManifestAnswer,
    ProgressSink,
    PullAnswer,
    PullProgress,
    RelayRoute,
)
from pillion.ports.execution import Execution, ExecutionRequest

FIRST_HOST_PORT = 32768
"""Where the host ports begin that are given where none is asked for."""

QUEUE_EVENTS_MAX = 100_000
"""Events waiting to be taken. A task makes a handful per container."""

_FAILURES = (
    ev.ResourceFailed,
    ev.ManifestFailed,
    ev.PullFailed,
    ev.CreateFailed,
    ev.StartFailed,
    ev.ProvisionFailed,
    ev.StopFailed,
)
_ENDS = (ev.Exited, ev.Vanished)
_Waiter = tuple[str, tuple[type[ev.Event], ...], "asyncio.Future[ev.Event]"]


class SimulatedEngine:
    """An engine that runs nothing. `behaviours` are by container name and hold for every task.

    `resource_errors` holds the text for each resource that cannot be prepared.
    """

    def __init__(
        self,
        behaviours: Mapping[str, Behaviour] | None = None,
        *,
        clock: Clock,
        faults: Faults = NO_FAULTS,
        resource_errors: Mapping[str, str] | None = None,
    ) -> None:
        self._behaviours = dict(behaviours or {})
        self._clock = clock
        self._faults = faults
        self._resource_errors = dict(resource_errors or {})
        self._tasks: dict[str, SimulatedTask] = {}

    async def capabilities(self) -> Capabilities:
        """Say what the engine is."""
        return Capabilities(name="simulated", version="1", local=False)

    def open(self, plan: TaskPlan) -> SimulatedTask:
        """Begin with a task, or go on with one that is here already; makes nothing yet."""
        before = self._tasks.get(plan.identity.task_id)
        if before is not None:
            task = before.succeed(plan)
        else:
            scene = scene_of_plan(plan, self._behaviours, resource_errors=self._resource_errors)
            world = World(scene, self._faults, begins_at_s=self._clock.now_s())
            task = SimulatedTask(plan, world, clock=self._clock, address=f"10.0.0.{len(self._tasks) + 2}")
        self._tasks[plan.identity.task_id] = task
        return task

    async def sample(self, runtime_ids: Sequence[str]) -> Mapping[str, Sample]:
        """Return what containers use now, as their scripts say; one that does not run is left out."""
        now_s = self._clock.now_s()
        return {
            runtime_id: sample
            for runtime_id in runtime_ids
            for task in self._tasks.values()
            if (sample := task.sample(runtime_id, now_s)) is not None
        }

    def execute(self, runtime_id: str, request: ExecutionRequest) -> AbstractAsyncContextManager[Execution]:
        """Say that there is nothing to run a command in."""
        del runtime_id, request
        raise EngineError("CannotExecuteError", "simulated containers run no commands")

    async def fetch(self, runtime_id: str, port: int, path: str) -> str | None:
        """Return nothing: simulated containers have no network."""
        del runtime_id, port, path
        return None

    async def close(self) -> None:
        """Let go of every task."""
        for task in self._tasks.values():
            await task.clean_up(keep=True)


class SimulatedTask:
    """Implements `ports.engine.EngineTask`. `address` is what the task's network interface gets."""

    def __init__(self, plan: TaskPlan, world: World, *, clock: Clock, address: str) -> None:
        self.plan = plan
        self._world = world
        self._clock = clock
        self._address = address
        self._timer: asyncio.TimerHandle | None = None
        self._waiters: list[_Waiter] = []
        self._outbox: asyncio.Queue[ev.Event | None] = asyncio.Queue(QUEUE_EVENTS_MAX)
        self._lines: dict[str, list[LogLine]] = {item.name: [] for item in plan.containers}
        self._changed: dict[str, asyncio.Event] = {item.name: asyncio.Event() for item in plan.containers}
        self._closed = False
        self._move()

    async def notices(self) -> tuple[Notice, ...]:
        """Say what of the plan this engine cannot honour here: next to everything."""
        return (Notice(code="simulated", text="nothing really runs: the containers are simulated"),)

    def succeed(self, plan: TaskPlan) -> SimulatedTask:
        """Return the task as another process takes it over; whoever had it so far hears no more of it."""
        self._let_go()
        task = SimulatedTask(plan, self._world, clock=self._clock, address=self._address)
        task._lines = self._lines
        return task

    async def adopt(self, runtime_ids: Mapping[str, str]) -> None:
        """Take over containers: what happened before is not told any more, only `look` knows it."""
        del runtime_ids
        while not self._outbox.empty():
            self._outbox.get_nowait()

    async def prepare(self, resource: str) -> None:
        """Make a resource. Raises EngineError."""
        command = cmd.PrepareResource(resource=resource, cause="")
        await self._ask(command, resource, ev.ResourceReady, ev.ResourceFailed)

    async def resolve_manifest(self, container: str) -> ManifestAnswer:
        """Find the image's digest as the pull behavior says. EngineError.cached: the image is here."""
        command = cmd.ResolveManifest(container=container, cause="")
        answer = await self._ask(command, container, ev.ManifestResolved, ev.ManifestFailed)
        digest = answer.digest if isinstance(answer, ev.ManifestResolved) else None
        return ManifestAnswer(digest=digest, present=self._world.has_image(container))

    async def pull(self, container: str, started: Callable[[], None], progress: ProgressSink) -> PullAnswer:
        """Have the image here. Calls `started` when a pull really begins. EngineError.cached as above."""
        image = self.plan.container(container).image.used
        if self._world.needs_pull(container):
            started()
            progress(PullProgress(container=container, image=image, status="Pulling"))
        command = cmd.PullImage(container=container, cause="")
        answer = await self._ask(command, container, ev.Pulled, ev.PullFailed)
        if not isinstance(answer, ev.Pulled):
            raise _unexpected(answer)
        return PullAnswer(pulled=answer.pulled, digest=answer.digest)

    async def make_ahead(
        self,
        container: str,
        extra_environment: Mapping[str, str],
        *,
        log_options: Mapping[str, str] | None = None,
    ) -> None:
        """Do nothing: how long making a container takes is written in its script."""

    async def create(
        self,
        container: str,
        extra_environment: Mapping[str, str],
        *,
        log_options: Mapping[str, str] | None = None,
    ) -> CreateAnswer:
        """Make the container. The variables are not used: nothing runs."""
        command = cmd.CreateContainer(container=container, cause="")
        answer = await self._ask(command, container, ev.Created, ev.CreateFailed)
        if not isinstance(answer, ev.Created):
            raise _unexpected(answer)
        return CreateAnswer(runtime_id=answer.runtime_id, image_id=answer.image_id)

    async def start(self, container: str, *, restart: bool) -> float:
        """Start the process; return when it started (POSIX seconds)."""
        command = cmd.StartContainer(container=container, cause="", restart=restart)
        answer = await self._ask(command, container, ev.Started, ev.StartFailed)
        if not isinstance(answer, ev.Started):
            raise _unexpected(answer)
        return answer.at_s

    async def provision(self, container: str) -> None:
        """Finish the namespace that a pause container holds."""
        command = cmd.ProvisionNamespace(container=container, cause="")
        await self._ask(command, container, ev.Provisioned, ev.ProvisionFailed)

    async def stop(self, container: str, timeout_s: float) -> None:
        """Send the stop signal, wait `timeout_s`, kill. Returns when the process has ended."""
        command = cmd.StopContainer(container=container, cause="", timeout_s=timeout_s)
        await self._ask(command, container, ev.StopFailed, *_ENDS)

    async def kill(self, container: str) -> None:
        """Kill the process now. Returns when it has ended or is gone."""
        await self._ask(cmd.KillContainer(container=container, cause=""), container, ev.StopFailed, *_ENDS)

    async def look(self, container: str) -> tuple[ev.Event, ...]:
        """Inspect a container now; say what is true of it as events."""
        return self._world.look(container)

    async def events(self) -> AsyncIterator[ev.Event]:
        """Yield what happens by itself, until `clean_up`."""
        while not self._closed or not self._outbox.empty():
            event = await self._outbox.get()
            if event is None:
                return
            yield event

    async def logs(self, container: str, *, after: LogPosition | None = None) -> AsyncIterator[LogLine]:
        """Yield every line until the process has ended; with `after` those behind that place."""
        told = after.lines if after else 0
        while True:
            while told < len(self._lines[container]):
                yield self._lines[container][told]
                told += 1
            if self._closed or self._world.has_ended(container):
                return
            self._changed[container].clear()
            await self._changed[container].wait()

    def image_environment(self, container: str) -> Mapping[str, str]:
        """Return nothing: simulated images have no environment."""
        del container
        return {}

    def log_in(self, container: str, username: str, password: str) -> None:
        """Simulated registries let everybody in."""
        del container, username, password

    async def open_listeners(
        self, container: str, addresses: Sequence[tuple[str, int]]
    ) -> tuple[socket.socket, ...]:
        """Say that there is no network to listen in."""
        del container, addresses
        raise EngineError("NamespaceUnavailable", "simulated containers have no network")

    async def open_relay(self, container: str, routes: Sequence[RelayRoute]) -> None:
        """Say that there is no network to relay from."""
        del container, routes
        raise EngineError("NamespaceUnavailable", "simulated containers have no network")

    async def stats(self, container: str) -> Mapping[str, Any] | None:
        """Return nothing: simulated containers use nothing."""
        del container
        return None

    def sample(self, runtime_id: str, now_s: float) -> Sample | None:
        """Return what a container uses; None for one that is not this task's or does not run."""
        return self._world.sample(runtime_id, now_s)

    async def learn(self, container: str) -> ContainerFacts:
        """Return what `facts` does: nothing is ever unknown here."""
        return self.facts(container)

    def facts(self, container: str) -> ContainerFacts:
        """Return ports and addresses; those of an awsvpc task belong to its pause container."""
        item = self.plan.container(container)
        bindings = tuple(_binding(port, place) for place, port in enumerate(item.ports))
        if item.kind is not ContainerKind.CNI_PAUSE:
            return ContainerFacts(bindings=bindings)
        address = NetworkAddress(network=self.plan.identity.cluster, ipv4=self._address, prefix_length=16)
        return ContainerFacts(bindings=bindings, addresses=(address,))

    async def clean_up(self, *, keep: bool) -> None:
        """Remove all that the task made; with `keep` the containers stay, to be looked at."""
        if self._closed:
            return
        self._let_go()
        if not keep:
            for item in self.plan.containers:
                self._world.remove(item.name)

    def _let_go(self) -> None:
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()
        for _, _, future in self._waiters:
            future.cancel()
        self._outbox.put_nowait(None)
        for changed in self._changed.values():
            changed.set()

    def remove_by_hand(self, container: str) -> None:
        """Let somebody else remove a container by force, as `docker rm -f` does."""
        self._world.remove_by_hand(container, self._clock.now_s())
        self._move()

    def containers_left(self) -> tuple[str, ...]:
        """Return the containers that exist on the simulated machine."""
        return tuple(item.name for item in self.plan.containers if self._world.exists(item.name))

    async def _ask(self, command: cmd.Command, about: str, *answers: type[ev.Event]) -> ev.Event:
        """Give the world a command and wait for its answer. Raises EngineError."""
        future: asyncio.Future[ev.Event] = asyncio.get_running_loop().create_future()
        self._waiters.append((about, answers, future))
        self._world.perform(command, self._clock.now_s())
        self._move()
        event = await future
        if isinstance(event, _FAILURES):
            cached = isinstance(event, ev.ManifestFailed | ev.PullFailed) and event.cached
            may_run = isinstance(event, ev.StartFailed) and event.may_run
            raise EngineError(event.error.name, event.error.text, cached=cached, may_run=may_run)
        return event

    def _move(self) -> None:
        """Let everything happen whose time has come, and come back for the rest."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._closed:
            return
        at_s = self._world.next_at_s()
        while at_s is not None and at_s <= self._clock.now_s():
            for told in self._world.step():
                self._take(told)
            at_s = self._world.next_at_s()
        for changed in self._changed.values():
            changed.set()
        if at_s is not None:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(at_s - self._clock.now_s(), self._move)

    def _take(self, told: Told) -> None:
        if isinstance(told.what, LogLine):
            self._lines[told.what.container].append(told.what)
        elif not self._answer(told.what) or isinstance(told.what, _ENDS):
            self._outbox.put_nowait(told.what)

    def _answer(self, event: ev.Event) -> bool:
        """Hand an event to everyone who waits for it; say whether anybody did, or should have."""
        name = _about(event)
        found = [waiter for waiter in self._waiters if waiter[0] == name and isinstance(event, waiter[1])]
        for waiter in found:
            self._waiters.remove(waiter)
            if not waiter[2].done():
                waiter[2].set_result(event)
        return bool(found) or isinstance(event, ev.PullStarted)


def _binding(port: PortRequest, place: int) -> PortBinding:
    return PortBinding(
        host_ip=port.host_ip,
        host_port=FIRST_HOST_PORT + place if port.host_port is None else port.host_port,
        container_port=port.container_port,
        protocol=port.protocol,
    )


def _about(event: ev.Event) -> str:
    """Return what a call and its answer have in common: the name of a container or of a resource."""
    match event:
        case ev.ResourceReady(resource=name) | ev.ResourceFailed(resource=name):
            return name
        case ev.ContainerEvent(container=name):
            return name
        case _:
            return ""


def _unexpected(event: ev.Event) -> TypeError:
    return TypeError(f"{type(event).__name__} answers no such call")
