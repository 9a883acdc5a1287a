"""One task on a Docker engine: what the machine's commands ask for, each one call or the few that make one.

The parts stand in their own files; here they are put together, and here is what has to be remembered while
the task runs: which containers were made, started and seen to end, and what they are published on.

Events go one way: the engine's feed calls `saw`, which puts core events into an outbox that `events`
empties. Inspections that an event needs run beside it, so that one container never waits for another.
"""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from pillion.core.lifecycle.events import Event, Exited, HealthChanged, Started
from pillion.core.lifecycle.states import HealthStatus
from pillion.core.plan.facts import ContainerFacts
from pillion.core.plan.model import (
    CGROUP_RESOURCE,
    NETWORK_RESOURCE,
    ContainerPlan,
    NetworkMode,
    Notice,
    TaskPlan,
)
from pillion.engines.docker import labels, watch
from pillion.engines.docker.cgroup import TaskCgroup
from pillion.engines.docker.client import DockerClient
from pillion.engines.docker.errors import ApiError, DeadlinePassedError, named
from pillion.engines.docker.facts import Found, facts_of, facts_on_host, found_in
from pillion.engines.docker.feed import EventFeed
from pillion.engines.docker.follow import follow
from pillion.engines.docker.images import Images
from pillion.engines.docker.namespace import NamespaceUnavailableError, open_listeners
from pillion.engines.docker.network import Networks, is_network_unusable, network_name
from pillion.engines.docker.notices import plan_notices
from pillion.engines.docker.ports import PortBook, Published, can_move, requests_of
from pillion.engines.docker.removal import remove_task
from pillion.engines.docker.stopping import kill_container, stop_container
from pillion.engines.docker.translate import Surroundings, create_body, create_parameters
from pillion.engines.docker.volumes import prepare_volume
from pillion.engines.docker.watch import Seen, Sighting
from pillion.ports.engine import (
    Capabilities,
    CreateAnswer,
    EngineError,
    EngineUnreachableError,
    LogLine,
    ManifestAnswer,
    ProgressSink,
    PullAnswer,
)

CREATE_DEADLINE_S = 240.0
START_DEADLINE_S = 180.0
INSPECT_DEADLINE_S = 30.0
"""What the ECS agent gives each of these calls."""

EVENT_GRACE_S = 0.25
"""How long an event is waited for whose call has been answered already, before the engine is asked."""

PROBE_SETTLES_S = 0.05
"""The engine tells of a probe's end a moment before it notes the result."""

START_TRIES = 5
"""How often a start is tried anew with other host ports, when others take the chosen ones in between."""

OUTBOX_EVENTS_MAX = 100_000
"""Events waiting to be taken. A task makes a handful per container."""

JOINED = "container:"
_PORT_TAKEN = ("port is already allocated", "address already in use")


@dataclass(slots=True)
class Record:
    """What is known of one container while the task runs."""

    plan: ContainerPlan
    runtime_id: str = ""
    started_at_s: float | None = None
    starts: int = 0
    healthy: bool = False
    running: asyncio.Event = field(default_factory=asyncio.Event)
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    published: tuple[Published, ...] = ()
    found: Found = field(default_factory=Found)
    extra_environment: Mapping[str, str] = field(default_factory=dict)
    log_options: Mapping[str, str] = field(default_factory=dict)


class DockerTask:
    """Implements `ports.engine.EngineTask`."""

    def __init__(
        self,
        plan: TaskPlan,
        *,
        client: DockerClient,
        feed: EventFeed,
        images: Images,
        networks: Networks,
        ports: PortBook,
        capabilities: Callable[[], Coroutine[Any, Any, Capabilities]],
    ) -> None:
        self.plan = plan
        self._client = client
        self._feed = feed
        self._images = images
        self._networks = networks
        self._ports = ports
        self._capabilities = capabilities
        self._records = {item.name: Record(item) for item in plan.containers}
        self._outbox: asyncio.Queue[Event | EngineUnreachableError | None] = asyncio.Queue(OUTBOX_EVENTS_MAX)
        self._jobs: set[asyncio.Task[None]] = set()
        self._settling: set[asyncio.Task[None]] = set()
        self._cgroup = TaskCgroup(plan)
        self._closed = False
        feed.subscribe(plan.identity.task_id, self)

    # What is asked for, in the order of a container's life

    async def notices(self) -> tuple[Notice, ...]:
        """Say what of the plan this engine cannot honour here."""
        capabilities = await self._capabilities()
        return (*plan_notices(self.plan, capabilities), *self._cgroup.notices(capabilities))

    async def prepare(self, resource: str) -> None:
        """Make a resource (network, cgroup, volume). Raises EngineError."""
        if resource == NETWORK_RESOURCE:
            if self.plan.network_mode is not NetworkMode.AWSVPC:
                return  # made when the first container is connected, which nobody waits for
            try:
                await self._networks.ensure(self.plan.identity.cluster)
            except (ApiError, DeadlinePassedError) as error:
                raise named(error, "ContainerNetworkingError", reaching="created") from error
        elif resource == CGROUP_RESOURCE:
            await self._cgroup.prepare(await self._capabilities())
        elif resource.startswith("volume "):
            volume = self.plan.volume(resource.removeprefix("volume "))
            await prepare_volume(self._client, self.plan, volume)
        else:
            raise EngineError("ResourceInitializationError", f"Docker has no resource {resource}")

    async def resolve_manifest(self, container: str) -> ManifestAnswer:
        """Find the image's digest as the pull behavior says. EngineError.cached: the image is here."""
        return await self._images.resolve(self.plan, self.plan.container(container))

    async def pull(self, container: str, started: Callable[[], None], progress: ProgressSink) -> PullAnswer:
        """Have the image here. Calls `started` when a pull really begins. EngineError.cached as above."""
        return await self._images.pull(self.plan, self.plan.container(container), started, progress)

    async def create(
        self,
        container: str,
        extra_environment: Mapping[str, str],
        *,
        log_options: Mapping[str, str] | None = None,
    ) -> CreateAnswer:
        """Make the container. What is secret comes here: it goes on top of the plan's environment and log."""
        record = self._records[container]
        record.extra_environment = extra_environment
        record.log_options = log_options or {}
        await self._feed.ready()
        record.runtime_id = await self._create(record, frozenset())
        return CreateAnswer(runtime_id=record.runtime_id, image_id=self._images.image_id(record.plan.image))

    async def start(self, container: str, *, restart: bool) -> float:
        """Start the process; return when it started by the engine's clock (POSIX seconds)."""
        record = self._records[container]
        record.starts += 1
        record.running.clear()
        record.ended.clear()
        await self._feed.ready()
        try:
            await self._start(record)
            at_s = await self._when_started(record)
        except (ApiError, DeadlinePassedError) as error:
            raise named(error, "CannotStartContainerError", reaching="started") from error
        if any(port.host_port is None for port in record.published):
            await self._learn(record)  # the engine chose: whoever hears of the start wants to know
        if not restart and record.plan.namespaces.network == "bridge":
            self._begin(self._settle_in(record), among=self._settling)
        return at_s

    async def provision(self, container: str) -> None:
        """Find out the addresses of the namespace that a pause container holds."""
        record = self._records[container]
        try:
            inspection = await self._inspect(record.plan)
        except (ApiError, DeadlinePassedError) as error:
            raise named(error, "ContainerNetworkingError", reaching="started") from error
        if not inspection["State"].get("Running"):
            raise EngineError("ContainerNetworkingError", "the pause container does not run")
        record.found = found_in(inspection)

    async def stop(self, container: str, timeout_s: float) -> None:
        """Send the stop signal, wait `timeout_s`, kill. Returns when the process has ended."""
        record = self._records[container]
        await stop_container(self._client, record.plan.engine_name, timeout_s)
        await self._make_sure_of_end(record)

    async def kill(self, container: str) -> None:
        """Kill the process now. Returns when it has ended or is gone."""
        record = self._records[container]
        await kill_container(self._client, record.plan.engine_name)
        await self._make_sure_of_end(record)

    async def look(self, container: str) -> tuple[Event, ...]:
        """Inspect a container now; say what is true of it as events."""
        record = self._records[container]
        if not record.runtime_id and not await self._adopt(record):
            return ()
        try:
            inspection = await self._inspect(record.plan)
        except ApiError as error:
            if error.is_missing:
                return (watch.gone(container),)
            raise named(error, "CannotInspectContainerError", reaching="inspecting") from error
        except DeadlinePassedError as error:
            raise named(error, "CannotInspectContainerError", reaching="inspecting") from error
        if inspection["State"].get("Running"):
            record.found = found_in(inspection)
        return watch.as_events(container, inspection, has_health=record.plan.health is not None)

    async def events(self) -> AsyncIterator[Event]:
        """Yield what happens by itself, until `clean_up`. Raises EngineUnreachableError."""
        try:
            await self._feed.ready()
        except EngineUnreachableError:
            if not self._closed:
                raise
        while not (self._closed and self._outbox.empty()):
            item = await self._outbox.get()
            if item is None:
                return
            if isinstance(item, EngineUnreachableError):
                raise item
            yield item

    def logs(self, container: str) -> AsyncIterator[LogLine]:
        """Yield every line from the start of the container until its output ends, across restarts."""
        record = self._records[container]
        may_restart = self.plan.lifecycle_of(container).restart is not None
        return follow(
            self._client, record.plan, running=record.running, ended=record.ended, may_restart=may_restart
        )

    def facts(self, container: str) -> ContainerFacts:
        """Return ports and addresses as known by now; a joined container has those of its holder."""
        record = self._records[container]
        network = record.plan.namespaces.network
        if network == "host":
            return facts_on_host(record.plan)
        holder = self._records[network.removeprefix(JOINED)] if network.startswith(JOINED) else record
        return facts_of(container, holder.published, holder.found)

    def image_environment(self, container: str) -> Mapping[str, str]:
        """Return the environment of a container's image, empty while the image was not looked at."""
        return self._images.environment(self._records[container].plan.image)

    def log_in(self, container: str, username: str, password: str) -> None:
        """Use these credentials for the registry of a container's image."""
        self._images.log_in(self._records[container].plan.image, username, password)

    async def open_listeners(
        self, container: str, addresses: Sequence[tuple[str, int]]
    ) -> tuple[socket.socket, ...]:
        """Return sockets that listen inside the network namespace of a running container."""
        record = self._records[container]
        try:
            inspection = await self._inspect(record.plan)
            return open_listeners(inspection["State"]["Pid"], addresses, container_id=inspection["Id"])
        except NamespaceUnavailableError as error:
            raise EngineError("NamespaceUnavailable", error.reason) from error
        except (ApiError, DeadlinePassedError) as error:
            raise named(error, "NamespaceUnavailable", reaching="inspecting") from error

    async def stats(self, container: str) -> Mapping[str, Any] | None:
        """Return the engine's latest statistics of a container, in Docker's own shape."""
        path = f"containers/{self._records[container].plan.engine_name}/stats"
        parameters = {"stream": "false", "one-shot": "true"}
        try:
            found: Mapping[str, Any] = await self._client.get(path, params=parameters)
        except (ApiError, DeadlinePassedError):
            return None
        return found

    async def clean_up(self, *, keep: bool) -> None:
        """Remove all that the task made; with `keep` everything that can be looked at stays."""
        self._closed = True
        jobs = tuple(self._jobs)
        for job in jobs:
            job.cancel()
        # What is being made has to be made before it can be removed: a cancelled call goes on in the engine.
        await asyncio.gather(*jobs, *self._settling, return_exceptions=True)
        await self._feed.unsubscribe(self.plan.identity.task_id)
        self._outbox.put_nowait(None)
        if keep:
            return
        for record in self._records.values():
            self._ports.release(record.plan.engine_name)
        await remove_task(self._client, self._networks, self.plan)
        await self._cgroup.remove()

    # What the feed tells

    def saw(self, sighting: Sighting) -> None:
        """Take an event of the engine."""
        record = self._records.get(sighting.container)
        if record is None or (record.runtime_id and sighting.runtime_id != record.runtime_id):
            return
        name = sighting.container
        match sighting.kind:
            case Seen.START:
                record.started_at_s = sighting.at_s
                record.healthy = False
                record.ended.clear()
                record.running.set()
                self._tell(Started(container=name, at_s=sighting.at_s))
            case Seen.DIE if record.running.is_set() or not record.starts:
                self._end(record, sighting)
            case Seen.DESTROY if record.runtime_id:  # not while it is made anew with other ports
                self._tell(watch.gone(name))
            case Seen.HEALTH if record.plan.health is not None:
                self._begin(self._tell_health(record, watch.health_changed))
            case Seen.PROBE if record.plan.health is not None and not record.healthy:
                self._begin(self._tell_health(record, watch.health_probed, after_s=PROBE_SETTLES_S))
            case _:
                pass  # an end without a start: the start failed, and its call says so

    def look_again(self) -> None:
        """Events may have been missed: inspect every container that was made."""
        self._begin(self._look_at_all())

    def lost(self, error: EngineUnreachableError) -> None:
        """There will be no more events."""
        self._outbox.put_nowait(error)

    # Within

    def _tell(self, event: Event) -> None:
        self._outbox.put_nowait(event)

    def _begin(
        self, work: Coroutine[Any, Any, None], *, among: set[asyncio.Task[None]] | None = None
    ) -> None:
        jobs = self._jobs if among is None else among
        job = asyncio.create_task(work)
        jobs.add(job)
        job.add_done_callback(jobs.discard)

    def _end(self, record: Record, sighting: Sighting) -> None:
        """Tell of an exit: success at once, a failure with what the engine adds, which may explain it."""
        record.running.clear()
        early = Exited(container=record.plan.name, exit_code=sighting.exit_code, at_s=sighting.at_s)
        if sighting.exit_code == 0:
            self._tell(early)
            record.ended.set()
        self._begin(self._tell_end(record, early))

    async def _tell_end(self, record: Record, early: Exited) -> None:
        event = early
        try:
            state = (await self._inspect(record.plan))["State"]
            if not state.get("Running"):
                event = watch.ended(record.plan.name, state)
                if event.at_s is not None and record.started_at_s is not None:
                    event = replace(event, at_s=max(event.at_s, record.started_at_s))  # see `watch.ended`
        except (ApiError, DeadlinePassedError, EngineUnreachableError):
            pass  # the agent, too, falls back on the code of the event
        if event != early or not record.ended.is_set():
            self._tell(event)
        record.ended.set()

    async def _tell_health(
        self, record: Record, read: Callable[[str, Mapping[str, Any]], Event], *, after_s: float = 0.0
    ) -> None:
        if after_s:
            await asyncio.sleep(after_s)
        try:
            state = (await self._inspect(record.plan))["State"]
        except (ApiError, DeadlinePassedError, EngineUnreachableError):
            return  # the container is gone, or the feed will say that the engine is
        if state.get("Running"):
            event = read(record.plan.name, state)
            if isinstance(event, HealthChanged):
                record.healthy = event.status is HealthStatus.HEALTHY
            self._tell(event)

    async def _look_at_all(self) -> None:
        for name, record in self._records.items():
            if record.starts:
                try:
                    events = await self.look(name)
                except (EngineError, EngineUnreachableError):
                    continue  # the runner looks again from time to time
                for event in events:
                    self._tell(event)

    async def _inspect(self, container: ContainerPlan) -> Any:  # noqa: ANN401 - JSON of the API
        path = f"containers/{container.engine_name}/json"
        return await self._client.get(path, deadline_s=INSPECT_DEADLINE_S)

    async def _create(self, record: Record, avoid: frozenset[int]) -> str:
        owners, publishes = requests_of(self.plan, record.plan)
        if publishes:
            self._ports.release(record.plan.engine_name)
            record.published = self._ports.choose(owners, holder=record.plan.engine_name, avoid=avoid)
        around = Surroundings(
            image=self._images.reference(record.plan.image),
            network=network_name(self.plan.identity.cluster),
            cgroup_parent=self._cgroup.parent,
            published=record.published,
            extra_environment=record.extra_environment,
            log_options=record.log_options,
            gpus=bool(record.plan.limits.gpus) and (await self._capabilities()).gpus,
        )
        try:
            made = await self._client.post(
                "containers/create",
                params=create_parameters(record.plan),
                body=create_body(self.plan, record.plan, around),
                deadline_s=CREATE_DEADLINE_S,
            )
        except ApiError as error:
            if error.is_conflict and await self._adopt(record):
                return record.runtime_id
            raise named(error, "CannotCreateContainerError", reaching="created") from error
        except DeadlinePassedError as error:
            raise named(error, "CannotCreateContainerError", reaching="created") from error
        return str(made["Id"])

    async def _adopt(self, record: Record) -> bool:
        """Take a container that was made before the engine's answer was lost, if it is this task's."""
        try:
            inspection = await self._inspect(record.plan)
        except (ApiError, DeadlinePassedError):
            return False
        mine: bool = inspection["Config"]["Labels"].get(labels.TASK) == self.plan.identity.task_id
        if mine:
            record.runtime_id = inspection["Id"]
        return mine

    async def _start(self, record: Record) -> None:
        """Start; when somebody else took a port or the network in between, choose or make another."""
        path = f"containers/{record.plan.engine_name}/start"
        avoid: frozenset[int] = frozenset()
        for last_try in (*[False] * (START_TRIES - 1), True):
            try:
                await self._client.post(path, deadline_s=START_DEADLINE_S)
            except ApiError as error:
                if last_try:
                    raise
                if is_network_unusable(error):
                    await self._networks.ensure(self.plan.identity.cluster)
                elif _is_port_taken(error) and can_move(self.plan, record.plan):
                    avoid |= {port.host_port for port in record.published if port.host_port is not None}
                    await self._make_anew(record, avoid)
                else:
                    raise
            else:
                return

    async def _make_anew(self, record: Record, avoid: frozenset[int]) -> None:
        await self._client.delete(f"containers/{record.plan.engine_name}", params={"force": "1"})
        record.runtime_id = ""
        record.runtime_id = await self._create(record, avoid)

    async def _when_started(self, record: Record) -> float:
        """Return the time of the start: from the event, which is usually here already, else by asking."""
        try:
            async with asyncio.timeout(EVENT_GRACE_S):
                await record.running.wait()
        except TimeoutError:
            pass
        else:
            if record.started_at_s is not None:
                return record.started_at_s
        inspection = await self._inspect(record.plan)
        record.started_at_s = watch.parse_time(inspection["State"]["StartedAt"]) or time.time()
        return record.started_at_s

    async def _settle_in(self, record: Record) -> None:
        """Do for a container on the bridge what nobody waits for: its name on our network, its addresses."""
        aliases = record.plan.namespaces.aliases
        if aliases:
            try:
                await self._networks.connect(self.plan.identity.cluster, record.plan.engine_name, aliases)
            except (ApiError, DeadlinePassedError, EngineUnreachableError):
                return  # it has ended already, or the engine went away, which the feed tells
        await self._learn(record)

    async def _learn(self, record: Record) -> None:
        try:
            found = found_in(await self._inspect(record.plan))
        except (ApiError, DeadlinePassedError, EngineUnreachableError):
            return  # the addresses stay unknown, which is what the facts then say
        if found.addresses:  # it may have ended again already
            record.found = found

    async def _make_sure_of_end(self, record: Record) -> None:
        """After a stop: its event has to come. If it does not, the engine is asked."""
        try:
            async with asyncio.timeout(EVENT_GRACE_S):
                await record.ended.wait()
        except TimeoutError:
            pass
        else:
            return
        name = record.plan.name
        for event in await self.look(name) or (Exited(container=name, exit_code=None),):
            self._tell(event)


def _is_port_taken(error: ApiError) -> bool:
    return any(text in error.message for text in _PORT_TAKEN)
