"""The log-loss report of `pillion run --count-logs`: one line for each container's pipeline.

Belongs to the composition root, because the ends of pipelines are in different places: awslogs knows what it
delivered, what a log router delivered is looked at in local AWS, and what Docker's own drivers did with a
line only Docker knows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from pillion.aws.backend import AwsBackend
from pillion.core.taskdef.model import TaskDefinition
from pillion.ports.aws import LogReport, PipelineReport
from pillion.sidecars.firelens.plan import FirelensPlan

_READ_HERE = frozenset({"json-file", "local"})
"""Drivers whose end is the engine itself: what was read from there has arrived."""


async def count_pipelines(
    definition: TaskDefinition,
    reports: tuple[LogReport, ...],
    firelens: FirelensPlan | None,
    written: Mapping[str, int],
    backend: AwsBackend,
) -> tuple[PipelineReport, ...]:
    """Return what arrived of each container's lines, in the order of the definition.

    Args:
        definition: what ran.
        reports: of the containers that log through awslogs.
        firelens: the log router's plan, if there is one.
        written: lines of each container, as the engine has them.
        backend: the AWS of the run; the router has to have ended before.
    """
    from pillion.aws.log_counts import report_awslogs, report_firelens

    found = {report.container: report_awslogs(report) for report in reports}
    if firelens is not None:
        for pipeline in await report_firelens(firelens, written, backend):
            found[pipeline.container] = _with_advice(pipeline, firelens)
    for item in definition.container_definitions:
        name = item.name or ""
        if name not in found and name in written:
            driver = item.log_configuration.log_driver if item.log_configuration is not None else None
            found[name] = _of_docker(name, str(driver or "json-file"), written[name])
    order = [item.name or "" for item in definition.container_definitions]
    return tuple(found[name] for name in order if name in found)


def describe_pipeline(report: PipelineReport) -> str:
    """Say in one line what became of a container's lines. Pure."""
    lines = f"{report.written} line{'' if report.written == 1 else 's'}"
    reason = f" ({report.reason})" if report.reason else ""
    if report.arrived is None:
        return f"{lines} written, {report.pipeline}: not counted{reason}"
    said = f"{lines} written, {report.pipeline}: {report.arrived} arrived"
    if report.filtered:
        return f"{said}; a filter takes lines out, so what is missing need not be lost{reason}"
    return f"{said}, {_lost(report.written - report.arrived)}{reason}"


def _with_advice(report: PipelineReport, firelens: FirelensPlan) -> PipelineReport:
    """Say why lines get lost with the driver as ECS has it, and what prevents it here."""
    options = firelens.routed[report.container].log.options
    if (
        not report.lost
        or report.lost < 0
        or "true" not in (options.get("fluentd-async"), options.get("fluentd-async-connect"))
    ):
        return report
    advice = (
        "as on ECS, Docker's driver throws away what it has queued when a container ends; "
        "--firelens-mode sync loses none here"
    )
    return replace(report, reason=f"{report.reason}; {advice}" if report.reason else advice)


def _lost(lost: int) -> str:
    if lost < 0:
        return f"{-lost} more than were written: some were delivered twice"
    return f"{lost} LOST" if lost else "none lost"


def _of_docker(container: str, driver: str, written: int) -> PipelineReport:
    if driver in _READ_HERE:
        return PipelineReport(container=container, pipeline=driver, written=written, arrived=written)
    reason = f"where {driver} ends, Docker does not tell"
    return PipelineReport(container=container, pipeline=driver, written=written, arrived=None, reason=reason)
