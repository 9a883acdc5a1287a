"""Making and starting a container, with what it takes when others are quicker.

A create whose answer was lost finds its container again, and one that was foreseen takes what was made ahead
(see `ahead`). A start that fails because somebody else took a
host port or removed the network in between is tried again with another port, or with the network made anew.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress

from pillion.core.plan.model import TaskPlan
from pillion.engines.docker import labels, watch
from pillion.engines.docker.ahead import Ahead, MadeOf, is_unseen, joined_holders
from pillion.engines.docker.cgroup import TaskCgroup
from pillion.engines.docker.client import DockerClient
from pillion.engines.docker.errors import ApiError, DeadlinePassedError, named
from pillion.engines.docker.images import Images
from pillion.engines.docker.network import Networks, is_network_unusable
from pillion.engines.docker.network_request import network_name
from pillion.engines.docker.ports import PortBook, asked_ports, can_move, requests_of
from pillion.engines.docker.record import Record, inspect
from pillion.engines.docker.translate import Surroundings, create_body, create_parameters
from pillion.ports.engine import Capabilities, EngineError, EngineUnreachableError

CREATE_DEADLINE_S = 240.0
START_DEADLINE_S = 180.0
"""What the ECS agent gives these calls."""

EVENT_GRACE_S = 0.25
"""How long an event is waited for whose call has been answered already, before the engine is asked."""

START_TRIES = 5
"""How often a start is tried anew with other host ports, when others take the chosen ones in between."""

_PORT_TAKEN = ("port is already allocated", "address already in use")


class Maker:
    """Makes and starts the containers of one task."""

    def __init__(
        self,
        plan: TaskPlan,
        *,
        client: DockerClient,
        images: Images,
        networks: Networks,
        ports: PortBook,
        cgroup: TaskCgroup,
        capabilities: Callable[[], Awaitable[Capabilities]],
        records: Mapping[str, Record],
    ) -> None:
        self._plan = plan
        self._records = records
        self._client = client
        self._images = images
        self._networks = networks
        self._ports = ports
        self._cgroup = cgroup
        self._capabilities = capabilities

    async def create(self, record: Record, *, avoid: frozenset[int] = frozenset()) -> None:
        """Make a container, or take the one that was made ahead.

        Raises EngineError (CannotCreateContainerError, HostConfigError).
        """
        if record.ahead is None or avoid:  # one that was made ahead has its ports
            self._choose_ports(record, avoid)
        made_of = await self._ingredients(record)
        ahead, record.ahead = record.ahead, None
        if ahead is not None and ahead.made_of == made_of:
            record.runtime_id, record.warnings = ahead.runtime_id, ahead.warnings
            return
        if ahead is not None:
            await self._remove(ahead.runtime_id)
        await self._create(record, made_of.around)

    async def make_ahead(self, record: Record) -> None:
        """Make a container that will be asked for, if its image is here and nobody can tell when it was made.

        What goes wrong is left for `create` to meet again and to say.
        """
        if record.ahead is not None or record.runtime_id or not is_unseen(self._plan, record.plan):
            return
        with suppress(EngineError, EngineUnreachableError):
            if not record.is_pulled and not await self._images.is_at_hand(self._plan, record.plan):
                return
            self._choose_ports(record)
            made_of = await self._ingredients(record)
            await self._create(record, made_of.around)
            # Not the task's yet: an id would say that the container was asked for.
            record.ahead = Ahead(runtime_id=record.runtime_id, warnings=record.warnings, made_of=made_of)
        record.runtime_id, record.warnings = "", ()

    async def remove_ahead(self, record: Record) -> None:
        """Remove a container that was made ahead and never asked for."""
        ahead, record.ahead = record.ahead, None
        if ahead is not None:
            with suppress(EngineError, EngineUnreachableError):
                await self._remove(ahead.runtime_id)

    def _choose_ports(self, record: Record, avoid: frozenset[int] = frozenset()) -> None:
        """Choose the host ports that a container publishes. Raises EngineError (HostConfigError)."""
        owners, publishes = requests_of(self._plan, record.plan)
        if publishes:
            self._ports.release(record.plan.engine_name)
            record.published = self._ports.choose(owners, holder=record.plan.engine_name, avoid=avoid)

    async def _ingredients(self, record: Record) -> MadeOf:
        around = Surroundings(
            image=self._images.reference(record.plan.image),
            network=network_name(self._plan.identity.cluster),
            cgroup_parent=self._cgroup.parent,
            published=record.published,
            extra_environment=record.extra_environment,
            log_options=record.log_options,
            gpus=bool(record.plan.limits.gpus) and (await self._capabilities()).gpus,
        )
        return MadeOf(
            around=around,
            image_id=self._images.image_id(record.plan.image),
            holders=tuple(self._records[name].runtime_id for name in joined_holders(record.plan)),
        )

    async def _remove(self, runtime_id: str) -> None:
        try:
            await self._client.delete(f"containers/{runtime_id}", params={"force": "1"})
        except (ApiError, DeadlinePassedError) as error:
            if not (isinstance(error, ApiError) and error.is_missing):
                raise named(error, "CannotCreateContainerError", reaching="created") from error

    async def _create(self, record: Record, around: Surroundings) -> None:
        try:
            made = await self._client.post(
                "containers/create",
                params=create_parameters(record.plan),
                body=create_body(self._plan, record.plan, around),
                deadline_s=CREATE_DEADLINE_S,
            )
        except (ApiError, DeadlinePassedError) as error:
            if isinstance(error, ApiError) and error.is_conflict and await self.adopt(record):
                return
            raise named(error, "CannotCreateContainerError", reaching="created") from error
        record.runtime_id = made["Id"]
        record.warnings = tuple(made.get("Warnings") or ())

    async def adopt(self, record: Record) -> bool:
        """Take a container that was made before, if it is this task's; say whether there was one."""
        try:
            inspection = await inspect(self._client, record)
        except (ApiError, DeadlinePassedError):
            return False
        mine: bool = inspection["Config"]["Labels"].get(labels.TASK) == self._plan.identity.task_id
        if mine:
            owners, publishes = requests_of(self._plan, record.plan)
            if publishes:
                record.published = self._ports.recall(
                    owners, holder=record.plan.engine_name, host_ports=asked_ports(inspection)
                )
            record.adopt(inspection)
        return mine

    async def start(self, record: Record) -> float:
        """Start a container; return when its process started, by the engine's clock.

        Raises EngineError (CannotStartContainerError, CannotInspectContainerError, DockerTimeoutError).
        """
        try:
            await self._start(record)
        except (ApiError, DeadlinePassedError) as error:
            raise named(error, "CannotStartContainerError", reaching="started") from error
        return await self._when_started(record)

    async def _start(self, record: Record) -> None:
        path = f"containers/{record.plan.engine_name}/start"
        avoid: frozenset[int] = frozenset()
        for last_try in (*[False] * (START_TRIES - 1), True):
            try:
                await self._client.post(path, deadline_s=START_DEADLINE_S)
            except ApiError as error:
                if last_try:
                    raise
                if is_network_unusable(error):
                    await self._networks.ensure(self._plan.identity.cluster)
                elif _is_port_taken(error) and can_move(self._plan, record.plan):
                    avoid |= {port.host_port for port in record.published if port.host_port is not None}
                    await self._make_anew(record, avoid)
                else:
                    raise
            else:
                return

    async def _make_anew(self, record: Record, avoid: frozenset[int]) -> None:
        await self._client.delete(f"containers/{record.plan.engine_name}", params={"force": "1"})
        record.runtime_id = ""
        await self.create(record, avoid=avoid)

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
        try:
            state = (await inspect(self._client, record))["State"]
        except (ApiError, DeadlinePassedError) as error:
            failure = named(error, "CannotInspectContainerError", reaching="inspecting").error
            raise EngineError(failure.name, failure.text, may_run=True) from error
        record.started_at_s = watch.parse_time(state["StartedAt"]) or time.time()
        return record.started_at_s


def _is_port_taken(error: ApiError) -> bool:
    return any(text in error.message for text in _PORT_TAKEN)
