"""Counts what arrived: for each container, lines written against lines at the end of its pipeline.

For awslogs the sinks know it themselves. For FireLens the end is looked at: what is in local AWS (CloudWatch
Logs, Kinesis, Firehose, S3) is read and counted; what leaves this machine, or ends inside the router, is said
not to be counted.
Look only after the router has stopped: it sends the last lines when it is told to end.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from typing import Final

from pillion.aws.backend import AwsBackend
from pillion.aws.clients import AwsClients
from pillion.aws.record_ends import NoEndError, firehose_records, kinesis_records, s3_objects
from pillion.core.awslogs.counting import Arrivals
from pillion.ports.aws import AwsCallError, LogReport, PipelineReport, Reading
from pillion.sidecars.firelens.configuration import Output, RouterType
from pillion.sidecars.firelens.plan import FirelensPlan

_CLOUDWATCH: Final = ("cloudwatch", "cloudwatch_logs")
_PAGE: Final = 10_000
_Contents = Callable[[AwsClients, str, str | None], AsyncIterator[bytes]]

_RECORDS: Final[Mapping[str, tuple[str, str, _Contents]]] = {
    "kinesis_streams": ("stream", "Kinesis", kinesis_records),
    "kinesis": ("stream", "Kinesis", kinesis_records),
    "kinesis_firehose": ("delivery_stream", "Firehose", firehose_records),
    "firehose": ("delivery_stream", "Firehose", firehose_records),
    "s3": ("bucket", "S3", s3_objects),
}
"""Outputs whose records anybody may have written: the option that says where they go, service, reader."""

_NAMING: Final = (
    "log_group_name",
    "log_stream_name",
    "log_stream_prefix",
    "log_group_template",
    "log_stream_template",
    *(option for option, _, _ in _RECORDS.values()),
)
"""Options that say where records go. One with a variable, a secret or a template in it is filled in later."""

_BEGAN_ANEW: Final = (
    "local AWS began anew when the task was taken over, and what it held before is gone; --aws-state keeps it"
)

_MISSING: Final = ("ResourceNotFoundException", "NoSuchBucket")


def report_awslogs(report: LogReport) -> PipelineReport:
    """Turn what a sink says into the common form; blank lines count as arrived: nothing is to be sent."""
    return PipelineReport(
        container=report.container,
        pipeline=f"awslogs {report.group} {report.stream}",
        written=report.written,
        arrived=report.delivered + report.blank,
        reason=", ".join(f"{lines} x {cause}" for cause, lines in report.causes.items()),
    )


async def report_firelens(
    plan: FirelensPlan, read: Mapping[str, Reading], backend: AwsBackend, *, names: Mapping[str, str]
) -> tuple[PipelineReport, ...]:
    """Count, for each container that logs through the router, what arrived.

    Args:
        plan: of the task.
        read: what was read of each container's output.
        backend: the AWS of the run.
        names: what the engine calls each container.
    """
    outputs = {output.container: output for output in plan.configuration.outputs}
    filtered = {grep.container for grep in plan.configuration.greps}
    reports: list[PipelineReport] = []
    for container, routed in plan.routed.items():
        output = outputs.get(container)
        tag = routed.log.options.get("tag", "")
        if output is not None and plan.options.type is RouterType.FLUENTD:
            arrived, reason = None, "outputs of Fluentd are not looked at"
        else:
            arrived, reason = await _arrived(output, tag, names.get(container, ""), backend)
        if arrived is not None and container in read and read[container].before and backend.is_forgetful:
            reason = "; ".join(filter(None, (reason, _BEGAN_ANEW)))
        reports.append(
            PipelineReport(
                container=container,
                pipeline=f"firelens {output.plugin if output is not None else '(own configuration)'}",
                written=read[container].all_lines if container in read else 0,
                arrived=arrived,
                filtered=container in filtered or plan.configuration.include is not None,
                reason=reason,
            )
        )
    return tuple(reports)


async def _arrived(
    output: Output | None, tag: str, container_name: str, backend: AwsBackend
) -> tuple[int | None, str]:
    if output is None:
        return None, "the router's own configuration says where the lines go"
    plugin = output.plugin.lower()
    if plugin not in (*_CLOUDWATCH, *_RECORDS):
        return None, f"pillion cannot look at the end of {output.plugin}"
    if not backend.is_local:
        return None, "counted with local AWS only"
    made = [name for name in _NAMING if "$" in output.options.get(name, "")]
    if made:
        return None, f"the router alone knows what {made[0]} comes to"
    try:
        if plugin in _CLOUDWATCH:
            return await _in_log_stream(output, tag, backend.clients)
        return await _in_records(output, container_name, backend.clients)
    except AwsCallError as error:
        return None, str(error)
    except NoEndError as error:
        return None, str(error)


async def _in_log_stream(output: Output, tag: str, clients: AwsClients) -> tuple[int | None, str]:
    group = output.options.get("log_group_name", "")
    stream = output.options.get("log_stream_name") or f"{output.options.get('log_stream_prefix', '')}{tag}"
    arrivals = Arrivals()
    try:
        async for messages in _messages(clients, group, stream, output.options.get("region")):
            for message in messages:
                arrivals.add(message)
    except AwsCallError as error:
        if error.code != "ResourceNotFoundException":
            raise
        return 0, f"there is no stream {stream} in {group}"
    return arrivals.lines, ""


async def _in_records(output: Output, container_name: str, clients: AwsClients) -> tuple[int | None, str]:
    option, service, contents = _RECORDS[output.plugin.lower()]
    place = output.options.get(option, "")
    arrivals = Arrivals(container_name)
    try:
        async for content in contents(clients, place, output.options.get("region")):
            arrivals.add_lines(content)
    except AwsCallError as error:
        if error.code not in _MISSING:
            raise
        return 0, f"local AWS has no {option.replace('_', ' ')} {place} of {service}"
    if arrivals.nameless:
        return None, f"{service} holds records that do not say which container wrote them"
    return arrivals.lines, ""


async def _messages(
    clients: AwsClients, group: str, stream: str, region: str | None
) -> AsyncIterator[list[str]]:
    token: dict[str, str] = {}
    while True:
        page = await clients.call(
            "logs",
            "get_log_events",
            region=region,
            logGroupName=group,
            logStreamName=stream,
            limit=_PAGE,
            startFromHead=True,
            **token,
        )
        if not page["events"]:
            return
        yield [event["message"] for event in page["events"]]
        token = {"nextToken": page["nextForwardToken"]}
