"""One task on a Docker engine: what the machine's commands ask for, each one call or the few that make one.

The parts stand in their own files; here they are put together: `making` makes and starts, `stopping` stops,
`hearing` turns what the engine tells into core events, `record` remembers what is known of each container.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from contextlib import suppress
from typing import Any

from pillion.core.lifecycle.events import Event, Exited
from pillion.core.log_position import LogPosition
from pillion.core.plan.facts import ContainerFacts
from pillion.core.plan.model import (
    CGROUP_RESOURCE,
    NETWORK_RESOURCE,
    NetworkMode,
    Notice,
    TaskPlan,
    holder_of,
)
from pillion.engines.docker.cgroup import TaskCgroup
from pillion.engines.docker.client import DockerClient
from pillion.engines.docker.errors import ApiError, DeadlinePassedError, named
from pillion.engines.docker.facts import facts_of, facts_on_host, found_in
from pillion.engines.docker.feed import EventFeed
from pillion.engines.docker.follow import follow
from pillion.engines.docker.hearing import Hearing
from pillion.engines.docker.images import Images
from pillion.engines.docker.making import EVENT_GRACE_S, Maker
from pillion.engines.docker.namespace import NamespaceUnavailableError, open_listeners
from pillion.engines.docker.network import Networks
from pillion.engines.docker.notices import plan_notices
from pillion.engines.docker.ports import PortBook
from pillion.engines.docker.record import Record, inspect
from pillion.engines.docker.relay import open_relay, relay_name, remove_relay
from pillion.engines.docker.removal import remove_task
from pillion.engines.docker.stopping import kill_container, stop_container
from pillion.engines.docker.volumes import prepare_volume
from pillion.engines.docker.watch import has_ended
from pillion.ports.engine import (
    Capabilities,
    CreateAnswer,
    EngineError,
    EngineUnreachableError,
    LogLine,
    ManifestAnswer,
    ProgressSink,
    PullAnswer,
    RelayRoute,
)


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
        self._cgroup = TaskCgroup(plan)
        self._records = {item.name: Record(item) for item in plan.containers}
        self._hearing = Hearing(client, self._records)
        self._maker = Maker(
            plan,
            client=client,
            images=images,
            networks=networks,
            ports=ports,
            cgroup=self._cgroup,
            capabilities=capabilities,
            records=self._records,
        )
        self._settling: set[asyncio.Task[None]] = set()
        self._relays: set[str] = set()
        feed.subscribe(plan.identity.task_id, self._hearing)

    async def notices(self) -> tuple[Notice, ...]:
        """Say what of the plan this engine cannot honour here."""
        capabilities = await self._capabilities()
        return (*plan_notices(self.plan, capabilities), *self._cgroup.notices(capabilities))

    async def adopt(self, runtime_ids: Mapping[str, str]) -> None:
        """Take over the containers that another process made, by name; before anything else is asked."""
        await self._feed.ready()  # what happens from now on is told, what happened before can be looked at
        await asyncio.gather(
            *(self._adopt(self._records[name], runtime_id) for name, runtime_id in runtime_ids.items()),
            *(
                self._images.recall(item.image)
                for item in self.plan.containers
                if item.name not in runtime_ids
            ),
        )
        with suppress(EngineError):  # the limits are there, or were not to be had in the first place
            await self._cgroup.prepare(await self._capabilities())

    async def _adopt(self, record: Record, runtime_id: str) -> None:
        record.runtime_id = runtime_id  # also of one that is gone: looking at it says so
        await self._maker.adopt(record)

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
        answer = await self._images.pull(self.plan, self.plan.container(container), started, progress)
        self._records[container].is_pulled = True
        return answer

    async def make_ahead(
        self,
        container: str,
        extra_environment: Mapping[str, str],
        *,
        log_options: Mapping[str, str] | None = None,
    ) -> None:
        """Make the container before it is asked for, where nobody can tell; never raises EngineError."""
        record = self._records[container]
        async with record.making:
            record.extra_environment = extra_environment
            record.log_options = log_options or {}
            await self._maker.make_ahead(record)

    async def create(
        self,
        container: str,
        extra_environment: Mapping[str, str],
        *,
        log_options: Mapping[str, str] | None = None,
    ) -> CreateAnswer:
        """Make the container. What is secret comes here: it goes on top of the plan's environment and log."""
        record = self._records[container]
        await self._feed.ready()
        async with record.making:
            record.extra_environment = extra_environment
            record.log_options = log_options or {}
            await self._maker.create(record)
        return CreateAnswer(
            runtime_id=record.runtime_id,
            image_id=self._images.image_id(record.plan.image),
            warnings=record.warnings,
        )

    async def start(self, container: str, *, restart: bool) -> float:
        """Start the process; return when it started by the engine's clock (POSIX seconds)."""
        record = self._records[container]
        record.begin_start()
        await self._feed.ready()
        at_s = await self._maker.start(record)
        if any(port.host_port is None for port in record.published):
            await self._learn(record)  # the engine chose: whoever hears of the start wants to know
        if not restart and record.plan.namespaces.network == "bridge":
            self._begin(self._settle_in(record))
        return at_s

    async def provision(self, container: str) -> None:
        """Find out the addresses of the namespace that a pause container holds."""
        record = self._records[container]
        try:
            inspection = await inspect(self._client, record)
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
        if record.ahead is not None or (not record.runtime_id and not await self._maker.adopt(record)):
            return ()
        return await self._hearing.look(record)

    async def events(self) -> AsyncIterator[Event]:
        """Yield what happens by itself, until `clean_up`. Raises EngineUnreachableError."""
        try:
            await self._feed.ready()
        except EngineUnreachableError:
            if not self._hearing.is_closed:
                raise
        async for event in self._hearing.told():
            yield event

    def logs(self, container: str, *, after: LogPosition | None = None) -> AsyncIterator[LogLine]:
        """Yield every line until the process has ended; with `after` those behind that place."""
        return follow(self._client, self._records[container], after=after)

    def facts(self, container: str) -> ContainerFacts:
        """Return ports and addresses as known by now; a joined container has those of its holder."""
        record = self._records[container]
        network = record.plan.namespaces.network
        if network == "host":
            return facts_on_host(record.plan)
        joined = holder_of(network)
        holder = record if joined is None else self._records[joined]
        return facts_of(container, holder.published, holder.found)

    async def learn(self, container: str) -> ContainerFacts:
        """Inspect a running container and return its facts."""
        await self._learn(self._records[container])
        return self.facts(container)

    def image_environment(self, container: str) -> Mapping[str, str]:
        """Return the environment of a container's image, empty while the image was not looked at."""
        return self._images.environment(self._records[container].plan.image)

    def log_in(self, container: str, username: str, password: str) -> None:
        """Use these credentials for the registry of a container's image."""
        self._images.log_in(self._records[container].plan.image, username, password)

    async def open_listeners(
        self, container: str, addresses: Sequence[tuple[str, int]]
    ) -> tuple[socket.socket, ...]:
        """Return sockets that listen in the network namespace of a running container; none if it ended."""
        record = self._records[container]
        try:
            inspection = await inspect(self._client, record)
            if not inspection["State"]["Running"]:
                return ()
            return await asyncio.to_thread(
                open_listeners, inspection["State"]["Pid"], addresses, container_id=inspection["Id"]
            )
        except NamespaceUnavailableError as error:
            if await self._has_ended(record):
                return ()
            raise EngineError("NamespaceUnavailable", error.reason) from error
        except (ApiError, DeadlinePassedError) as error:
            raise named(error, "NamespaceUnavailable", reaching="inspecting") from error

    async def open_relay(self, container: str, routes: Sequence[RelayRoute]) -> None:
        """Have these addresses answered inside a container's network namespace, by a relay beside it."""
        beside = self._records[container].plan.engine_name
        image = await self._images.holder()
        self._relays.add(relay_name(beside))
        try:
            await open_relay(self._client, self.plan, beside=beside, image=image, routes=routes)
        except EngineError:
            if not await self._has_ended(self._records[container]):
                raise

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
        await self._hearing.close()
        await self._feed.unsubscribe(self.plan.identity.task_id)
        # What is being made has to be made before it can be removed: a cancelled call goes on in the engine.
        await asyncio.gather(*self._settling, return_exceptions=True)
        if keep:
            await self._remove_relays()  # they carry to nobody from now on
            for record in self._records.values():
                await self._maker.remove_ahead(record)  # ECS never made it
            return
        for record in self._records.values():
            self._ports.release(record.plan.engine_name)
        await remove_task(self._client, self._networks, self.plan)
        await self._cgroup.remove()

    # Within

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        job = asyncio.create_task(work)
        self._settling.add(job)
        job.add_done_callback(self._settling.discard)

    async def _remove_relays(self) -> None:
        for name in self._relays:
            with suppress(ApiError, DeadlinePassedError):
                await remove_relay(self._client, name)

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
            found = found_in(await inspect(self._client, record))
        except (ApiError, DeadlinePassedError, EngineUnreachableError):
            return  # the addresses stay unknown, which is what the facts then say
        if found.addresses:  # it may have ended again already
            record.found = found

    async def _has_ended(self, record: Record) -> bool:
        """Say whether a container that was started is over already: then there is nobody left to serve."""
        try:
            return has_ended((await inspect(self._client, record))["State"])
        except (ApiError, DeadlinePassedError):
            return False

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
            self._hearing.tell(event)
