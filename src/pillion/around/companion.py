"""What stands beside one task: its AWS, its endpoints, its log router's files. Implements `ports.companion`.

Belongs to the composition root: here the AWS side, the endpoints and the engine meet, and nowhere else.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from pillion.around.serving import Place, TaskServers, Way
from pillion.core.inputs.needs import REGISTRY_CREDENTIALS_RESOURCE
from pillion.core.lifecycle.states import ContainerKind
from pillion.core.plan.model import Notice
from pillion.ports.aws import LogReport, PipelineReport, Reading, TaskAws
from pillion.ports.companion import CreateExtras
from pillion.ports.engine import EngineError, EngineTask, LogLine

if TYPE_CHECKING:
    from pillion.around.doors import Doors
    from pillion.around.drain import Drain
    from pillion.sidecars.firelens.plan import FirelensPlan

_LOOK_AGAIN_S = 0.02

ROUTER_LISTENS_LOOKS = 1000
"""Some 20 s for a log router to listen after its start; Fluent Bit takes well under one."""

CountLogs = Callable[[tuple[LogReport, ...], Mapping[str, Reading]], Awaitable[tuple[PipelineReport, ...]]]


class Companion:
    """The companion of one task.

    Args:
        task: the task on its engine.
        aws: its AWS side.
        servers: its endpoints.
        place: where the endpoints are served.
        firelens: its log router, if it has one.
        state_folder: where sockets for a relay may be made.
        tell: told what the user should know, as it becomes known.
        waits_for_router: containers that log through the router start when it listens, not when it runs.
            Docker's driver needs that unless it is asynchronous.
        unsettled: lines of a container that another process read, and whose delivery was not decided.
        count_logs: counts what arrived, from the sinks' reports and the lines written; None: not asked for.
    """

    def __init__(
        self,
        *,
        task: EngineTask,
        aws: TaskAws,
        servers: TaskServers,
        place: Place,
        firelens: FirelensPlan | None,
        state_folder: Path,
        tell: Callable[[Notice], None],
        waits_for_router: bool = False,
        unsettled: Callable[[str], Iterable[LogLine]] = lambda container: (),
        count_logs: CountLogs | None = None,
    ) -> None:
        self._task = task
        self._aws = aws
        self._servers = servers
        self._place = place
        self._firelens = firelens
        self._state_folder = state_folder
        self._tell = tell
        self._waits_for_router = waits_for_router
        self._unsettled = unsettled
        self._count_logs = count_logs
        self._told = 0
        self._lines: Counter[str] = Counter()
        self._characters: Counter[str] = Counter()
        self._before: Counter[str] = Counter()
        self._again: Counter[str] = Counter()
        self._cut: set[str] = set()
        self._doors: Doors | None = None
        self._drain: Drain | None = None
        self._opening: asyncio.Task[None] | None = None

    def open(self) -> None:
        """Serve on the host, where that is the way."""
        if self._place.sockets:
            self._servers.serve(self._place.sockets)

    def handles(self, resource: str) -> bool:
        """Say whether a resource of the plan comes from AWS."""
        return self._aws.handles(resource)

    async def prepare(self, resource: str) -> None:
        """Prepare a resource that comes from AWS. Raises EngineError."""
        try:
            await self._aws.prepare(resource)
        finally:
            self._tell_new()
        if resource == REGISTRY_CREDENTIALS_RESOURCE:
            for item in self._task.plan.containers:
                login = self._aws.registry_login(item.name)
                if login is not None:
                    self._task.log_in(item.name, login.username.reveal(), login.password.reveal())

    async def extras(self, container: str) -> CreateExtras:
        """Return what a container gets on top of its plan. Raises EngineError."""
        if self._task.plan.container(container).kind is not ContainerKind.NORMAL:
            return CreateExtras()
        self._aws.check_log_options(container)
        environment = self._aws.extra_environment(container, self._task.image_environment(container))
        return CreateExtras(
            environment={
                **{name: value.reveal() for name, value in environment.items()},
                **await self._router_address(container),
            },
            log_options={name: value.reveal() for name, value in self._aws.log_options(container).items()},
        )

    async def _router_address(self, container: str) -> dict[str, str]:
        """In bridge mode a client needs its router's address, which is known only when that runs."""
        routed = self._firelens.routed.get(container) if self._firelens else None
        if self._firelens is None or routed is None or not routed.needs_router_address:
            return {}
        router = self._firelens.router
        # The engine is asked for addresses after a start, beside everything else: it may not have answered.
        facts = (
            self._task.facts(router) if self._task.facts(router).addresses else await self._task.learn(router)
        )
        addresses = [item.ipv4 for item in facts.addresses if item.ipv4]
        if not addresses:
            raise EngineError("DockerClientConfigError", "unable to get BridgeIP for task in bridge mode")
        return {"FLUENT_HOST": addresses[0]}

    async def before_start(self, container: str, runtime_id: str) -> None:
        """Make the container's log stream. Raises EngineError."""
        try:
            await self._aws.before_start(container, runtime_id)
        finally:
            self._tell_new()
        if self._firelens is not None and self._waits_for_router and container in self._firelens.routed:
            await _until_listening(self._firelens.socket_path)

    async def adopt(self, container: str, runtime_id: str) -> None:
        """Go on with the container's log stream, first with what was read before and not delivered.

        Raises EngineError.
        """
        if self._task.plan.container(container).kind is not ContainerKind.NORMAL:
            return
        await self._aws.before_start(container, runtime_id)
        self._tell_new()
        if self._aws.log_sink(container) is not None:
            for line in self._unsettled(container):
                await self.log(line)
                self._again[container] += 1

    async def namespace_ready(self, container: str) -> None:
        """Serve the endpoints inside a network namespace."""
        if not self._place.is_link_local:
            return
        causes: list[str] = []
        if self._place.way is Way.NAMESPACE:
            try:
                sockets = await self._task.open_listeners(container, self._servers.addresses())
            except EngineError as error:
                causes.append(error.error.text)
            else:
                self._servers.serve(sockets)
                return
        try:
            await self._task.open_relay(container, self._open_doors().routes)
        except (EngineError, OSError) as error:
            causes.append(error.error.text if isinstance(error, EngineError) else str(error))
            text = f"metadata, credentials and AWS cannot be served inside the task: {'; '.join(causes)}"
            self._tell(Notice(code="no-endpoints", text=text))

    def _open_doors(self) -> Doors:
        if self._doors is None:
            from pillion.around.doors import open_doors

            self._doors = open_doors(self._place, self._servers.addresses(), state_folder=self._state_folder)
            self._servers.serve(self._doors.sockets)
        return self._doors

    async def log(self, line: LogLine) -> None:
        """Deliver a line of output, if it goes anywhere from here."""
        self._lines[line.container] += 1
        self._characters[line.container] += len(line.message)
        sink = self._aws.log_sink(line.container)
        if sink is not None:
            await sink.write(line)

    def stopped(self, container: str) -> None:
        """Take the place of the log router where Docker's driver cannot do without one."""
        if self._firelens is None or container != self._firelens.router or not self._waits_for_router:
            return
        if self._drain is not None:
            return
        from pillion.around.drain import Drain

        self._drain = Drain(self._firelens.socket_path, self._router_is_gone)
        self._opening = asyncio.create_task(self._drain.open())

    def _router_is_gone(self) -> None:
        text = "the log router has ended: what is logged through it from now on is shown here only"
        self._tell(Notice(code="router-gone", text=text))

    def read_before(self, container: str, lines: int) -> None:
        """Remember what another process read; what became of it, a router's destination shows."""
        self._before[container] = lines - self._again[container]

    def log_cut(self, container: str) -> None:
        """Remember that a container wrote more than could be read."""
        self._cut.add(container)

    async def close(self) -> None:
        """Deliver the rest of the output, say what was lost, and end the endpoints."""
        await self._close_drain()
        reports = await self._aws.close()
        for report in reports:
            if report.lost:
                causes = ", ".join(f"{cause}: {count}" for cause, count in report.causes.items())
                text = (
                    f"{report.lost} of {report.written} lines did not reach {report.group} "
                    f"(dropped {report.dropped}, failed {report.failed}{'; ' + causes if causes else ''})"
                )
                self._tell(Notice(code="log-loss", text=text, container=report.container))
        if self._count_logs is not None:
            from pillion.around.log_report import describe_pipeline

            for pipeline in await self._count_logs(reports, self._read()):
                text = describe_pipeline(pipeline)
                self._tell(Notice(code="log-count", text=text, container=pipeline.container))
        await self._servers.close()
        if self._doors is not None:
            await asyncio.to_thread(self._doors.remove)

    async def _close_drain(self) -> None:
        if self._opening is not None and self._drain is not None:
            try:
                await self._opening
            except OSError as error:
                self._tell(Notice(code="no-drain", text=f"nobody stands in for the log router: {error}"))
            await self._drain.close()

    def _read(self) -> dict[str, Reading]:
        return {
            name: Reading(
                lines=self._lines[name],
                characters=self._characters[name],
                before=self._before[name],
                cut=name in self._cut,
            )
            for name in {*self._lines, *self._before, *self._cut}
        }

    def _tell_new(self) -> None:
        notices = self._aws.notices()
        for notice in notices[self._told :]:
            self._tell(notice)
        self._told = len(notices)


async def _until_listening(path: str) -> None:
    """Wait for a unix socket to take connections, for a bounded time: then Docker's own error says more."""
    for _ in range(ROUTER_LISTENS_LOOKS):
        if await _listens(path):
            return
        await asyncio.sleep(_LOOK_AGAIN_S)  # nothing tells when a socket begins to listen


async def _listens(path: str) -> bool:
    try:
        _, writer = await asyncio.open_unix_connection(path)
    except OSError:
        return False
    writer.close()
    with suppress(OSError):
        await writer.wait_closed()
    return True
