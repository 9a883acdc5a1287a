"""The log streams of one task: awslogs, which the engine never sees, from its options to its last line.

Loaded for tasks that have a container with that driver. Errors have ECS's names and Docker's texts: most
wrong options fail the create call, a wrong pattern and a missing log group the start.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final

from pillion.aws.backend import AwsBackend
from pillion.aws.log_calls import LogCalls
from pillion.aws.logs import AwslogsSink, LogTarget
from pillion.core.awslogs.events import LogEvent
from pillion.core.awslogs.options import AwslogsOptionError, AwslogsOptions, read_awslogs_options
from pillion.core.plan.model import Notice
from pillion.ports.aws import AwsCallError, LogReport, LogSink
from pillion.ports.engine import EngineError

CANNOT_CREATE: Final = "CannotCreateContainerError"
CANNOT_START: Final = "CannotStartContainerError"


class TaskLogs:
    """Opens streams and gives out sinks.

    Args:
        task_id: last part of the task's ARN.
        backend: the AWS of the run.
        calls: CloudWatch Logs of the run.
        tell: told what the user should know.
        settled: told of how many lines of a container, from its first on, the fate is decided.
    """

    def __init__(
        self,
        task_id: str,
        backend: AwsBackend,
        calls: LogCalls,
        *,
        tell: Callable[[Notice], None],
        settled: Callable[[str, int], None],
    ) -> None:
        self._task_id = task_id
        self._backend = backend
        self._calls = calls
        self._tell = tell
        self._settled = settled
        self._sinks: dict[str, AwslogsSink] = {}

    def check(self, options: Mapping[str, str]) -> None:
        """Check options as Docker does before it creates a container. Raises EngineError."""
        try:
            read_awslogs_options(options)
        except AwslogsOptionError as error:
            if not error.at_start:
                raise EngineError(CANNOT_CREATE, f"Error response from daemon: {error}") from error

    async def open(self, container: str, options: Mapping[str, str], runtime_id: str) -> None:
        """Make the stream of a container. Raises EngineError.

        A container that is started again (restart policy) goes on in the stream it has.
        """
        if container in self._sinks:
            return
        try:
            read = read_awslogs_options(options)
        except AwslogsOptionError as error:
            raise EngineError(CANNOT_START, _driver_failed(str(error))) from error
        stream = read.stream_name(container=container, task_id=self._task_id, runtime_id=runtime_id)
        await self._make_stream(container, read, stream)

        def put(events: Sequence[LogEvent]) -> Awaitable[Mapping[str, int]]:
            return self._calls.put(read.group, stream, events, region=read.region)

        target = LogTarget(container=container, group=read.group, stream=stream)
        self._sinks[container] = AwslogsSink(
            target, read, put, settled=lambda lines: self._settled(container, lines)
        )

    def sink(self, container: str) -> LogSink | None:
        """Return where a container's lines go, or None if they go nowhere from here."""
        return self._sinks.get(container)

    async def close(self) -> tuple[LogReport, ...]:
        """Deliver the rest; return what became of the lines of each container."""
        return tuple(await asyncio.gather(*(sink.close() for sink in self._sinks.values())))

    async def _make_stream(self, container: str, options: AwslogsOptions, stream: str) -> None:
        group, region = options.group, options.region
        # Local AWS begins empty; unless the user says which groups there are, a missing one means nothing.
        lenient = self._backend.is_local and self._backend.settings.seed.log_groups is None
        try:
            may_create = options.create_group or lenient
            created = may_create and await self._calls.ensure_group(group, region=region)
            if created and not options.create_group:
                self._tell(_group_created(container, group))
            if options.create_stream:
                await self._calls.ensure_stream(group, stream, region=region)
        except AwsCallError as error:
            what = "log group" if error.operation == "CreateLogGroup" else "log stream"
            text = f"failed to create Cloudwatch {what}: {error.code}: {error.message}"
            raise EngineError(CANNOT_START, _driver_failed(text)) from error


def _driver_failed(cause: str) -> str:
    return f"Error response from daemon: failed to initialize logging driver: {cause}"


def _group_created(container: str, group: str) -> Notice:
    return Notice(
        code="log-group-created",
        container=container,
        text=(
            f"local AWS had no log group {group}, so it was created; on AWS the container would not start. "
            "Name the groups that exist in [aws] log_groups to have this checked"
        ),
    )
