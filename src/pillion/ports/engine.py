"""What the runtime needs from a container engine.

One `Engine` per connection; one `EngineTask` per task on it. The methods of an `EngineTask` are what the
machine's commands ask for, each one engine call (or the few that make up one). They raise `EngineError`
with ECS's own name for what went wrong and return when the engine has answered. What happens by itself
(exits, health) comes through `events`.
"""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol

from msgspec import Struct, field

from pillion.core.errors import PillionError
from pillion.core.lifecycle.events import Event, NamedError
from pillion.core.log_position import LogPosition
from pillion.core.monitoring.sample import Sample
from pillion.core.plan.facts import ContainerFacts
from pillion.core.plan.model import Notice, TaskPlan
from pillion.ports.execution import Execution, ExecutionRequest


class EngineError(Exception):
    """An engine call failed. `error` has ECS's name and a text; `cause` is for the log."""

    def __init__(self, name: str, text: str, *, cached: bool = False, may_run: bool = False) -> None:
        super().__init__(f"{name}: {text}")
        self.error = NamedError(name=name, text=text)
        self.cached = cached
        self.may_run = may_run


class EngineUnreachableError(PillionError):
    """The engine does not answer. The message says which, why, and what to do."""


class LogLine(Struct, frozen=True, kw_only=True):
    """One line of a container's output, without its newline.

    Attributes:
        container: who wrote it.
        stream: `stdout` or `stderr`.
        message: the text.
        at_s: the engine's time (POSIX seconds).
        stamp: the same time to the letter, as the engine wrote it; empty where an engine has only `at_s`.
    """

    container: str
    stream: str
    message: str
    at_s: float
    stamp: str = ""


class PullProgress(Struct, frozen=True, kw_only=True):
    """How far a pull is. Byte counts are sums over layers; total is None while unknown."""

    container: str
    image: str
    status: str
    current_bytes: int = 0
    total_bytes: int | None = None


class Capabilities(Struct, frozen=True, kw_only=True):
    """What an engine can do here. `missing` holds a notice for each thing that a plan may ask in vain.

    `cpu_units` (1024 for one vCPU) and `memory_mib` are what the engine's machine has.
    """

    name: str
    version: str
    cgroup_version: int | None = None
    os: str = "linux"
    architecture: str = "x86_64"
    rootless: bool = False
    local: bool = True
    gpus: bool = False
    cpu_units: int = 1024
    memory_mib: int = 1024
    runtimes: tuple[str, ...] = ()
    log_drivers: tuple[str, ...] = ()
    details: Mapping[str, str] = field(default_factory=dict)


class ManifestAnswer(Struct, frozen=True, kw_only=True):
    """What looking up an image gave: its digest, if it has one, and whether it is here."""

    digest: str | None
    present: bool


class PullAnswer(Struct, frozen=True, kw_only=True):
    """Whether a pull took place, and the digest that is here now."""

    pulled: bool
    digest: str | None


class CreateAnswer(Struct, frozen=True, kw_only=True):
    """The container that was made, and what the engine warned of, in its own words."""

    runtime_id: str
    image_id: str | None
    warnings: tuple[str, ...] = ()


class RelayRoute(Struct, frozen=True, kw_only=True):
    """What a relay carries: from a link-local `address` inside a network namespace to `target`.

    `target` is as seen by pillion: `unix:PATH` of a socket on the engine's own machine, or `HOST:PORT`.
    """

    address: tuple[str, int]
    target: str


ProgressSink = Callable[[PullProgress], None]


class EngineTask(Protocol):
    """One task on an engine. Names are ECS container names of the plan."""

    plan: TaskPlan

    async def notices(self) -> tuple[Notice, ...]:
        """Say what of the plan this engine cannot honour here."""
        ...

    async def adopt(self, runtime_ids: Mapping[str, str]) -> None:
        """Take over the containers that another process made, by name; before anything else is asked.

        What they are now is for `look` to say, from which time on `events` tells what happens by itself.
        Raises EngineUnreachableError.
        """
        ...

    async def prepare(self, resource: str) -> None:
        """Make a resource (network, cgroup, volume). Once more does no harm. Raises EngineError."""
        ...

    async def resolve_manifest(self, container: str) -> ManifestAnswer:
        """Find the image's digest as the pull behavior says. EngineError.cached: the image is here."""
        ...

    async def pull(self, container: str, started: Callable[[], None], progress: ProgressSink) -> PullAnswer:
        """Have the image here. Calls `started` when a pull really begins. EngineError.cached as above."""
        ...

    async def make_ahead(
        self,
        container: str,
        extra_environment: Mapping[str, str],
        *,
        log_options: Mapping[str, str] | None = None,
    ) -> None:
        """Do ahead what `create` will take, as far as nobody in the task can tell; or do nothing.

        Whether the container is ever asked for is open. What goes wrong is for `create` to say: this raises
        nothing.
        """
        ...

    async def create(
        self,
        container: str,
        extra_environment: Mapping[str, str],
        *,
        log_options: Mapping[str, str] | None = None,
    ) -> CreateAnswer:
        """Make the container. What is secret comes here: it goes on top of the plan's environment and log."""
        ...

    def image_environment(self, container: str) -> Mapping[str, str]:
        """Return the environment of a container's image, empty while the image was not looked at."""
        ...

    def log_in(self, container: str, username: str, password: str) -> None:
        """Use these credentials for the registry of a container's image."""
        ...

    async def open_listeners(
        self, container: str, addresses: Sequence[tuple[str, int]]
    ) -> tuple[socket.socket, ...]:
        """Return sockets that listen inside the network namespace of a container; none if it has ended.

        Raises EngineError (NamespaceUnavailable) where it cannot be entered; the text says why.
        """
        ...

    async def open_relay(self, container: str, routes: Sequence[RelayRoute]) -> None:
        """Have these addresses answered inside the network namespace of a container, unless it has ended.

        For where `open_listeners` cannot be used; a second call for a container takes the place of the
        first. All unix sockets are in one folder. Raises EngineError (NamespaceUnavailable).
        """
        ...

    async def stats(self, container: str) -> Mapping[str, Any] | None:
        """Return the engine's latest statistics of a container, in Docker's own shape."""
        ...

    async def start(self, container: str, *, restart: bool) -> float:
        """Start the process; return when it started by the engine's clock (POSIX seconds)."""
        ...

    async def provision(self, container: str) -> None:
        """Finish the namespace that a pause container holds."""
        ...

    async def stop(self, container: str, timeout_s: float) -> None:
        """Send the stop signal, wait `timeout_s`, kill. Returns when the process has ended."""
        ...

    async def kill(self, container: str) -> None:
        """Kill the process now. Returns when it has ended or is gone."""
        ...

    async def look(self, container: str) -> tuple[Event, ...]:
        """Inspect a container now; say what is true of it as events (Started, Exited, health, Vanished)."""
        ...

    def events(self) -> AsyncIterator[Event]:
        """Yield what happens by itself, from the moment this is first awaited, until `close`.

        A lost connection is made good inside for a bounded time; then EngineUnreachableError is raised.
        """
        ...

    def logs(self, container: str, *, after: LogPosition | None = None) -> AsyncIterator[LogLine]:
        """Yield every line from the start of the container until its process has ended.

        With `after` only the lines behind that place, each of them once: of a container that was started
        again, whoever read before goes on so. One that is still at it when that happens may go on by itself.
        """
        ...

    def facts(self, container: str) -> ContainerFacts:
        """Return ports and addresses as known by now."""
        ...

    async def learn(self, container: str) -> ContainerFacts:
        """Ask for ports and addresses now, of a running container. What cannot be learned stays unknown."""
        ...

    async def clean_up(self, *, keep: bool) -> None:
        """Remove all that the task made; with `keep` only what nobody could want to look at."""
        ...


class Engine(Protocol):
    """A connection to a container engine."""

    async def capabilities(self) -> Capabilities:
        """Say what the engine is. Raises EngineUnreachableError."""
        ...

    def open(self, plan: TaskPlan) -> EngineTask:
        """Begin with a task; makes nothing yet."""
        ...

    def execute(self, runtime_id: str, request: ExecutionRequest) -> AbstractAsyncContextManager[Execution]:
        """Run a command in a container, whoever supervises its task; leaving lets go of its streams.

        Raises EngineError (CannotExecuteError) on entering: no such container, or it does not run.
        """
        ...

    async def sample(self, runtime_ids: Sequence[str]) -> Mapping[str, Sample]:
        """Return what containers use now, by the engine's id; one that does not run is left out.

        Cheap enough for many containers every few seconds, whichever task they belong to. Raises
        EngineUnreachableError.
        """
        ...

    async def fetch(self, runtime_id: str, port: int, path: str) -> str | None:
        """Return what an HTTP GET on 127.0.0.1 answers (200) inside the network of a running container.

        None where nobody answers within a second or two, or where that network cannot be entered from here.
        Raises EngineUnreachableError.
        """
        ...

    async def close(self) -> None:
        """Let go of the connection."""
        ...
