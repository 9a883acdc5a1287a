"""What the conformance suite needs of an engine's author: a bench, and a way to say what a container does.

A check says what its containers do in a few neutral steps; a `Bench` turns them into whatever its engine
runs: a shell script on Docker, a script of the simulated world. What an engine cannot do at all it leaves out
of `abilities`, and checks that need it are skipped by name.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from enum import Enum
from types import TracebackType
from typing import Protocol, Self, TypeVar

from msgspec import Struct
from msgspec.structs import replace

from pillion.core.lifecycle.events import ContainerEvent, Event
from pillion.core.lifecycle.spec import ContainerSpec, RestartPolicy, TaskSpec
from pillion.core.lifecycle.states import PullBehavior
from pillion.core.log_position import LogPosition
from pillion.core.monitoring.sample import Sample
from pillion.core.plan.model import (
    ContainerPlan,
    HealthProbe,
    NetworkMode,
    TaskIdentity,
    TaskPlan,
    VolumePlan,
)
from pillion.ports.clock import Clock
from pillion.ports.engine import CreateAnswer, Engine, EngineError, EngineTask, LogLine, PullProgress

PATIENCE_S = 60.0
"""How long a check waits for what has to come."""

_ARN = "arn:aws:ecs:us-east-1:000000000000"


class Ability(Enum):
    """Something that not every engine can do."""

    FILES = "containers have files and volumes"
    NETWORK = "containers have a network and can share it"
    ENVIRONMENT = "processes see their environment"


class Say(Struct, frozen=True, kw_only=True):
    """Write a line to stdout or stderr."""

    text: str
    stream: str = "stdout"


class SayVariable(Struct, frozen=True, kw_only=True):
    """Write the value of an environment variable (ENVIRONMENT)."""

    name: str


class Wait(Struct, frozen=True, kw_only=True):
    """Do nothing for a while. A stop signal is taken at once."""

    for_s: float


class TurnHealthy(Struct, frozen=True, kw_only=True):
    """From now on the health check of `Bench.probe` succeeds. Before, it fails."""


class TurnUnhealthy(Struct, frozen=True, kw_only=True):
    """From now on the health check fails again."""


class TakeMemory(Struct, frozen=True, kw_only=True):
    """Need so much memory, until a limit says no."""

    mib: int


class WriteFile(Struct, frozen=True, kw_only=True):
    """Write one line into a file (FILES)."""

    path: str
    text: str


class SayFile(Struct, frozen=True, kw_only=True):
    """Write what is in a file to stdout, or `no file` (FILES)."""

    path: str


class Serve(Struct, frozen=True, kw_only=True):
    """Answer HTTP requests on a port with a text, in the background (NETWORK)."""

    port: int
    text: str


class SayFetched(Struct, frozen=True, kw_only=True):
    """Fetch `http://127.0.0.1:port/` until it answers, and write the answer to stdout (NETWORK)."""

    port: int


class End(Struct, frozen=True, kw_only=True):
    """End with an exit code."""

    code: int


ToDo = (
    Say
    | SayVariable
    | Wait
    | TurnHealthy
    | TurnUnhealthy
    | TakeMemory
    | WriteFile
    | SayFile
    | Serve
    | SayFetched
    | End
)


class Program(Struct, frozen=True, kw_only=True):
    """What a container does: its steps one after the other, then nothing until it is told to stop.

    `stop_exit_code` is what it ends with on the stop signal; None: it ignores the signal. With `missing` the
    program is not there at all.
    """

    steps: tuple[ToDo, ...] = ()
    stop_exit_code: int | None = 143
    missing: bool = False


class Bench(Protocol):
    """One kind of engine, ready to be checked."""

    abilities: frozenset[Ability]
    clock: Clock
    missing_image: str

    def engine(self, programs: Mapping[str, Program]) -> Engine:
        """Return a fresh connection to the engine; `programs` by container, if it has to know them."""
        ...

    def engine_of_another_process(self, engine: Engine, programs: Mapping[str, Program]) -> Engine:
        """Return an engine that knows nothing of what `engine` did, on the same machine."""
        ...

    def container(self, name: str, program: Program) -> ContainerPlan:
        """Return a container that runs a program, from an image that is here, without a network."""
        ...

    def holder(self, name: str) -> ContainerPlan:
        """Return a pause container that owns a network namespace (NETWORK)."""
        ...

    def probe(self) -> HealthProbe:
        """Return a quick health check that says what TurnHealthy and TurnUnhealthy have set."""
        ...

    async def remove_by_hand(self, task: EngineTask, container: str) -> None:
        """Remove a container by force, behind the task's back."""
        ...

    async def left_behind(self, task: EngineTask) -> Sequence[str]:
        """Return what is still there of a task, in words."""
        ...


class ConformanceError(AssertionError):
    """The engine does not do what it has to. The message says what was expected and what came."""


def expect(holds: object, text: str) -> None:
    """Raise ConformanceError with a text that says what is wrong, unless it `holds`."""
    if not holds:
        raise ConformanceError(text)


async def expect_error(call: Awaitable[object], name: str) -> EngineError:
    """Await a call that has to fail with ECS's error of this name, and return the error."""
    try:
        await call
    except EngineError as error:
        expect(error.error.name == name, f"expected {name}, found {error}")
        return error
    raise ConformanceError(f"expected {name}, and the call succeeded")


def make_plan(
    number: str,
    *containers: ContainerPlan,
    volumes: tuple[VolumePlan, ...] = (),
    pull_behavior: PullBehavior = PullBehavior.PREFER_CACHED,
    restart: RestartPolicy | None = None,
) -> TaskPlan:
    """Return a plan of these containers, with names and a cluster that belong to this task alone."""
    cluster = f"conformance-{number[:8]}"
    arn = f"{_ARN}:task/{cluster}/{number}"
    identity = TaskIdentity(
        task_id=number,
        task_arn=arn,
        cluster=cluster,
        cluster_arn=f"{_ARN}:cluster/{cluster}",
        family="conformance",
        revision=1,
        definition_arn=f"{_ARN}:task-definition/conformance:1",
        region="us-east-1",
        account="000000000000",
    )
    named = tuple(
        replace(item, engine_name=f"ecs-conformance-1-{item.name}-{number[:20]}") for item in containers
    )
    specs = tuple(
        ContainerSpec(
            name=item.name,
            image=item.image.reference,
            kind=item.kind,
            has_health_check=item.health is not None,
            stop_timeout_s=item.stop_timeout_s,
            restart=restart,
        )
        for item in named
    )
    shared = any(item.namespaces.network == "own" for item in named)
    return TaskPlan(
        identity=identity,
        network_mode=NetworkMode.AWSVPC if shared else NetworkMode.BRIDGE,
        containers=named,
        volumes=volumes,
        pull_behavior=pull_behavior,
        spec=TaskSpec(task_arn=arn, containers=specs, pull_behavior=pull_behavior),
    )


Found = TypeVar("Found", bound=ContainerEvent)


class Stage:
    """One task on an engine, with all events that have come. An async context that leaves nothing behind."""

    def __init__(self, bench: Bench, plan: TaskPlan, programs: Mapping[str, Program]) -> None:
        self.bench = bench
        self.plan = plan
        self.events: list[Event] = []
        self._programs = programs
        self._engine = bench.engine(programs)
        self.task = self._engine.open(plan)
        self._news = asyncio.Event()
        self._reader: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        """Begin to listen."""
        self._reader = asyncio.create_task(self._read())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Clean up, and look whether that worked."""
        try:
            await self.task.clean_up(keep=False)
            left = await self.bench.left_behind(self.task)
        finally:
            if self._reader is not None:
                self._reader.cancel()
                await asyncio.gather(self._reader, return_exceptions=True)
            await self._engine.close()
        if kind is None:
            expect(not left, f"clean_up left behind {', '.join(left)}")

    async def make(self, container: str, environment: Mapping[str, str] | None = None) -> CreateAnswer:
        """Have a container made, with all that comes before."""
        await self.task.resolve_manifest(container)
        await self.task.pull(container, _nothing, _ignore)
        return await self.task.create(container, environment or {})

    async def start(self, *containers: str) -> float:
        """Have containers made and started, one after the other; return when the last one started."""
        at_s = 0.0
        for container in containers:
            await self.make(container)
            at_s = await self.task.start(container, restart=False)
        return at_s

    async def sample(self, *runtime_ids: str) -> Mapping[str, Sample]:
        """Return what containers use, as the engine says."""
        return await self._engine.sample(runtime_ids)

    async def fetch(self, runtime_id: str, port: int, path: str) -> str | None:
        """Return what a program in a container answers over HTTP."""
        return await self._engine.fetch(runtime_id, port, path)

    def told(self, kind: type[Found], container: str) -> list[Found]:
        """Return the events of a kind about a container that have come so far."""
        return [event for event in self.events if isinstance(event, kind) and event.container == container]

    async def wait_for(
        self, kind: type[Found], container: str, suits: Callable[[Found], bool] = lambda _: True
    ) -> Found:
        """Return the first event of a kind about a container that suits, as soon as it has come."""
        try:
            async with asyncio.timeout(PATIENCE_S):
                while True:
                    for event in self.told(kind, container):
                        if suits(event):
                            return event
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            wanted = f"{kind.__name__} of {container}"
            raise ConformanceError(f"no {wanted} within {PATIENCE_S:g} s; told: {self.events}") from None

    async def output(self, container: str, *, after: LogPosition | None = None) -> list[LogLine]:
        """Return all that a container writes, or all behind a place, once its output has ended."""
        async with asyncio.timeout(PATIENCE_S):
            return [line async for line in self.task.logs(container, after=after)]

    async def stop_listening(self) -> None:
        """Let go of the event stream in the middle."""
        if self._reader is not None:
            self._reader.cancel()
            await asyncio.gather(self._reader, return_exceptions=True)

    def listen_again(self) -> None:
        """Take up the event stream again."""
        self._reader = asyncio.create_task(self._read())

    async def hand_over(self, runtime_ids: Mapping[str, str]) -> None:
        """Let go of the task, and take it over as another process would: with nothing but its ids."""
        await self.stop_listening()
        await self.task.clean_up(keep=True)
        before, self._engine = (
            self._engine,
            self.bench.engine_of_another_process(self._engine, self._programs),
        )
        if before is not self._engine:
            await before.close()
        self.events.clear()
        self.task = self._engine.open(self.plan)
        await self.task.adopt(runtime_ids)
        self.listen_again()

    async def _read(self) -> None:
        async for event in self.task.events():
            self.events.append(event)
            self._news.set()


def _nothing() -> None:
    pass


def _ignore(progress: PullProgress) -> None:
    pass
