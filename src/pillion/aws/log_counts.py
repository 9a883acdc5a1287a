"""Counts what arrived: for each container, lines written against lines at the end of its pipeline.

For awslogs the sinks know it themselves. For FireLens the end is looked at: an output of CloudWatch Logs in
local AWS is read and counted; what leaves this machine, or ends inside the router, is said not to be counted.
Look only after the router has stopped: it sends the last lines when it is told to end.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Final

from pillion.aws.backend import AwsBackend
from pillion.aws.clients import AwsClients
from pillion.core.awslogs.counting import count_lines
from pillion.ports.aws import AwsCallError, LogReport, PipelineReport, Reading
from pillion.sidecars.firelens.configuration import Output
from pillion.sidecars.firelens.plan import FirelensPlan

_CLOUDWATCH: Final = ("cloudwatch", "cloudwatch_logs")
_PAGE: Final = 10_000


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
    plan: FirelensPlan, read: Mapping[str, Reading], backend: AwsBackend
) -> tuple[PipelineReport, ...]:
    """Count, for each container that logs through the router, what arrived.

    Args:
        plan: of the task.
        read: what was read of each container's output.
        backend: the AWS of the run.
    """
    outputs = {output.container: output for output in plan.configuration.outputs}
    filtered = {grep.container for grep in plan.configuration.greps}
    reports: list[PipelineReport] = []
    for container, routed in plan.routed.items():
        output = outputs.get(container)
        arrived, reason = await _arrived(output, routed.log.options.get("tag", ""), backend)
        reports.append(
            PipelineReport(
                container=container,
                pipeline=f"firelens {output.plugin if output is not None else '(own configuration)'}",
                written=read[container].lines if container in read else 0,
                arrived=arrived,
                filtered=container in filtered or plan.configuration.include is not None,
                reason=reason,
            )
        )
    return tuple(reports)


async def _arrived(output: Output | None, tag: str, backend: AwsBackend) -> tuple[int | None, str]:
    if output is None:
        return None, "the router's own configuration says where the lines go"
    if output.plugin.lower() not in _CLOUDWATCH:
        return None, f"pillion cannot look at the end of {output.plugin}"
    if not backend.is_local:
        return None, "counted with local AWS only"
    group = output.options.get("log_group_name", "")
    stream = output.options.get("log_stream_name") or f"{output.options.get('log_stream_prefix', '')}{tag}"
    try:
        count = 0
        async for messages in _messages(backend.clients, group, stream, output.options.get("region")):
            count += count_lines(messages)
    except AwsCallError as error:
        if error.code == "ResourceNotFoundException":
            return 0, f"there is no stream {stream} in {group}"
        return None, str(error)
    return count, ""


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
