"""Everything around one run of a task: its final plan, its AWS, its endpoints, its log router.

Part of the composition root. The plan of the definition is amended here with what depends on the machine:
where the endpoints are served, and, for a task that has a log router, what `routing` adds. What only some
tasks need is imported when one does.
"""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from msgspec import Struct
from msgspec.structs import replace

from pillion.around.companion import Companion
from pillion.around.serving import (
    HOST_NAME,
    Place,
    TaskServers,
    Way,
    check_setting,
    choose_way,
    find_place,
)
from pillion.aws.backend import AwsBackend
from pillion.aws.log_calls import LogCalls
from pillion.aws.settings import AwsMode
from pillion.aws.task import TaskAwsSession, TaskScope
from pillion.core.lifecycle.state import TaskState
from pillion.core.plan.dependencies import log_router, logs_through_firelens
from pillion.core.plan.endpoints import EndpointIds, draw_endpoint_ids, with_endpoints
from pillion.core.plan.model import Notice, TaskPlan
from pillion.core.record import Standing
from pillion.core.taskdef.model import TaskDefinition
from pillion.endpoints.desk import TaskDesk
from pillion.ports.aws import LogReport, PipelineReport, Reading
from pillion.ports.clock import Clock
from pillion.ports.engine import Capabilities, Engine, EngineTask, LogLine
from pillion.ports.metrics import MetricSink
from pillion.ports.queries import ContainerStats
from pillion.run_settings import RunSettings, encode_how
from pillion.runtime.observer import Observer
from pillion.runtime.runner import TaskRunner
from pillion.sidecars.amend import with_extra_host

if TYPE_CHECKING:
    from pillion.around.routing import Routing
    from pillion.aws.local.process import LocalAws
    from pillion.endpoints.sampling import StatsSampler

HOST_GATEWAY = "host-gateway"
"""Docker's word for the host's address in an extra host."""


class Deliveries(Protocol):
    """Remembers of which lines the fate is decided, for whoever takes the task over."""

    def settled(self, container: str, lines: int) -> None:
        """Note a number of lines, counted from the first that this process delivers."""

    def unsettled(self, container: str) -> Iterable[LogLine]:
        """Return the lines that were read and not settled by the process before; asked once."""


class RunLink(Struct, kw_only=True):
    """What is known only when the task runs: who has its state, who is told things, whether it is left."""

    runner: TaskRunner | None = None
    observer: Observer | None = None
    is_left: bool = False
    deliveries: Deliveries | None = None

    def state(self) -> TaskState:
        """Return the task's state; nobody asks before its first container is made."""
        if self.runner is None:
            raise RuntimeError("the task has not begun")
        return self.runner.state

    def tell(self, notice: Notice) -> None:
        """Pass a notice on to the user."""
        if self.observer is not None:
            self.observer.notice(notice)

    def settled(self, container: str, lines: int) -> None:
        """Note of how many lines of a container the fate is decided."""
        if self.deliveries is not None:
            self.deliveries.settled(container, lines)

    def unsettled(self, container: str) -> Iterable[LogLine]:
        """Return lines of a container that another process read, and whose fate was not decided."""
        return () if self.deliveries is None else self.deliveries.unsettled(container)

    def trouble(self, text: str) -> None:
        """Pass a trouble of ours on to the user."""
        if self.observer is not None:
            self.observer.trouble(text)


class Surroundings(Struct, frozen=True, kw_only=True):
    """What `open_surroundings` gives. `link` has to be filled before the task begins.

    `metrics` takes what is measured of the task; None where nobody asked for that.
    """

    standing: Standing
    task: EngineTask
    companion: Companion
    notices: tuple[Notice, ...]
    link: RunLink
    metrics: MetricSink | None

    @property
    def plan(self) -> TaskPlan:
        """The plan that is run: that of the definition, amended."""
        return self.standing.plan


@asynccontextmanager
async def open_surroundings(
    base: TaskPlan,
    definition: TaskDefinition,
    settings: RunSettings,
    *,
    engine: Engine,
    capabilities: Capabilities,
    clock: Clock,
    taken_over: Standing | None = None,
    local_aws: LocalAws | None = None,
) -> AsyncIterator[Surroundings]:
    """Amend a plan, open the task on the engine, and stand ready; close everything afterwards.

    Args:
        base: the plan of the definition; that of `taken_over`, where there is one, stands as it is.
        definition: what really runs: without what was muted, bare of what was stubbed.
        settings: how it is run.
        engine: where.
        capabilities: what that engine is.
        clock: the time.
        taken_over: what stood around the task in the process that began it.
        local_aws: an embedded AWS that several tasks share; otherwise the task has one of its own.

    Raises:
        FirelensError: ECS would not start the task's log router.
        EndpointsSettingError: the setting `endpoints` means nothing.
    """
    wanted = check_setting(settings.endpoints)
    place = find_place(
        choose_way(base.network_mode, capabilities, wanted=wanted),
        capabilities,
        wanted=wanted,
        before=None if taken_over is None else (taken_over.metadata, taken_over.aws),
    )
    has_role = bool(definition.task_role_arn)
    backend = AwsBackend(
        settings.aws,
        region=base.identity.region,
        folder=Path(settings.aws_source.folder),
        announce_folder=settings.state_folder / "aws",
        local=local_aws,
    )
    routing = None
    if log_router(definition) is not None:
        from pillion.around.routing import open_routing

        routing = open_routing(base, definition, settings, backend, place)
        if routing is not None:
            place = replace(place, sockets=(*place.sockets, *routing.sockets))
    standing = taken_over
    if standing is None:
        ids = draw_endpoint_ids(base, has_task_role=has_role, draw=lambda: str(uuid.uuid4()))
        placed = _with_place(base, place, ids)
        standing = Standing(
            plan=placed if routing is None else routing.amend(placed),
            ids=ids,
            metadata=place.metadata,
            aws=place.aws,
            how=encode_how(settings),
        )
    plan, ids = standing.plan, standing.ids
    async with AsyncExitStack() as stack:
        stack.push_async_callback(backend.close)
        calls = LogCalls(backend.clients)
        stack.push_async_callback(calls.close)
        # Until we have a task that others began, it is left as they left it, whatever goes wrong here.
        link = RunLink(is_left=taken_over is not None)
        if routing is not None:
            stack.push_async_callback(_remove_router_files, routing, link)
        task = engine.open(plan)
        scope = TaskScope(
            definition=definition,
            task_id=plan.identity.task_id,
            declared={item.name: item.environment for item in plan.containers},
            endpoint_url=f"http://{place.aws}" if place.aws and backend.needs_gateway else None,
            firelens=routing.firelens if routing is not None else None,
        )
        roles = None
        if has_role:
            from pillion.aws.roles import RoleSessions

            roles = RoleSessions(
                backend.clients,
                mode=settings.aws.mode,
                assume_role=settings.aws.assume_role,
                now_s=clock.now_s,
            )
        samplers: list[StatsSampler] = []

        async def stats_of(container: str) -> ContainerStats | None:
            if not samplers:
                from pillion.endpoints.sampling import StatsSampler

                samplers.append(StatsSampler(task.stats))
                stack.push_async_callback(samplers[0].close)
            return await samplers[0].latest(container)

        async def count_logs(
            reports: tuple[LogReport, ...], read: Mapping[str, Reading]
        ) -> tuple[PipelineReport, ...]:

            from pillion.around.log_report import count_pipelines

            names = {item.name: item.engine_name for item in plan.containers}
            found = await count_pipelines(definition, reports, scope.firelens, read, backend, names=names)
            if settings.counted is not None:
                for pipeline in found:
                    settings.counted(pipeline)
            return found

        desk = TaskDesk(
            plan=plan,
            definition=definition,
            ids=ids,
            state=link.state,
            facts=task.facts,
            stats_of=stats_of,
            roles=roles,
        )
        servers = TaskServers(
            desk,
            trouble=link.trouble,
            aws=backend.url if backend.needs_gateway else None,
            tls=routing.tls if routing is not None else None,
        )
        companion = Companion(
            task=task,
            aws=TaskAwsSession(scope, backend, calls, settled=link.settled),
            servers=servers,
            place=place,
            firelens=scope.firelens,
            state_folder=settings.state_folder,
            waits_for_router=not settings.firelens_asynchronous,
            tell=link.tell,
            unsettled=link.unsettled,
            count_logs=count_logs if settings.count_logs else None,
        )
        routed = routing.notices if routing is not None else ()
        notices = (*_place_notices(place), *_log_notices(definition), *routed)
        stack.push_async_callback(companion.close)
        companion.open()
        yield Surroundings(
            standing=standing,
            task=task,
            companion=companion,
            notices=notices,
            link=link,
            metrics=_metric_sink(settings, backend, calls),
        )


def _metric_sink(settings: RunSettings, backend: AwsBackend, calls: LogCalls) -> MetricSink | None:
    """Where metrics of the task go, if anybody wants them: local AWS is not started for nothing."""
    if not settings.monitor.container_insights:
        return None
    from pillion.aws.insights import CloudWatchSink

    return CloudWatchSink(backend.clients, calls, evaluates=settings.aws.mode is AwsMode.REAL)


async def _remove_router_files(routing: Routing, link: RunLink) -> None:
    if not link.is_left:  # the router of a task that goes on needs them
        await routing.remove_files()


def _with_place(plan: TaskPlan, place: Place, ids: EndpointIds) -> TaskPlan:
    if place.metadata is None:
        return plan
    if place.route_host == HOST_NAME:
        plan = with_extra_host(plan, HOST_NAME, HOST_GATEWAY)
    return with_endpoints(plan, ids, authority=place.metadata)


def _place_notices(place: Place) -> tuple[Notice, ...]:
    match place.way:
        case Way.NOWHERE:
            text = "network mode none: the task reaches neither its metadata nor its credentials"
        case Way.RELAY:
            text = (
                "metadata, credentials and AWS are served through a relay beside the task, because its "
                "network is not entered from here; for its containers nothing differs"
            )
            if place.door_address is not None:
                text += f", but other programs reach the relay's door at {place.door_address}, too"
            return (Notice(code="endpoints-relay", text=text),)
        case _:
            return ()
    return (Notice(code="endpoints-elsewhere", text=text),)


def _log_notices(definition: TaskDefinition) -> tuple[Notice, ...]:
    """Say whose output stays here because its log router does not run."""
    if log_router(definition) is not None:
        return ()
    return tuple(
        Notice(
            code="no-log-router",
            text="logs through awsfirelens, and no log router runs: its output is shown here only",
            container=item.name,
        )
        for item in definition.container_definitions
        if logs_through_firelens(item)
    )
