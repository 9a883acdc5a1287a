"""The log-loss report of `pillion run --count-logs`: one line for each container's pipeline.

Belongs to the composition root, because the ends of pipelines are in different places: awslogs knows what it
delivered, what a log router delivered is looked at in local AWS, and what Docker's own drivers did with a
line only Docker knows.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec.structs import replace

from pillion.aws.backend import AwsBackend
from pillion.core.taskdef.model import TaskDefinition
from pillion.ports.aws import Exactness, LogReport, PipelineReport, Reading
from pillion.sidecars.firelens.plan import FirelensPlan

_READ_HERE = frozenset({"json-file", "local"})
"""Drivers whose end is the engine itself: what was read from there has arrived."""

_KEPT_WHOLE = frozenset({"json-file", "journald", "awslogs"})
"""Drivers of which Docker reads everything back; output for awslogs is kept as json-file here. Of others it
keeps a copy in the manner of its driver `local`: five pieces of 20 MB, the oldest dropped, and whoever
follows gets lines twice or not at all where one piece ends (seen with Docker 20.10)."""

_PIECE_BYTES = 20_000_000
_FRAME_BYTES = 30
"""What a line takes in a piece beside its text, roughly."""


async def count_pipelines(
    definition: TaskDefinition,
    reports: tuple[LogReport, ...],
    firelens: FirelensPlan | None,
    read: Mapping[str, Reading],
    backend: AwsBackend,
    *,
    names: Mapping[str, str],
) -> tuple[PipelineReport, ...]:
    """Return what arrived of each container's lines, in the order of the definition.

    Args:
        definition: what ran.
        reports: of the containers that log through awslogs.
        firelens: the log router's plan, if there is one.
        read: what was read of each container's output.
        backend: the AWS of the run; the router has to have ended before.
        names: what the engine calls each container.
    """
    from pillion.aws.log_counts import report_awslogs, report_firelens

    found = {report.container: report_awslogs(report) for report in reports}
    if firelens is not None:
        for pipeline in await report_firelens(firelens, read, backend, names=names):
            found[pipeline.container] = _with_advice(pipeline, firelens)
    for item in definition.container_definitions:
        name = item.name or ""
        driver = str((item.log_configuration and item.log_configuration.log_driver) or "json-file")
        if name not in found and name in read:
            found[name] = _of_docker(name, driver, read[name].all_lines)
        if name in found and name in read:
            found[name] = _with_doubt(found[name], driver, read[name])
    order = [item.name or "" for item in definition.container_definitions]
    return tuple(found[name] for name in order if name in found)


def describe_pipeline(report: PipelineReport) -> str:
    """Say in one line what became of a container's lines. Pure."""
    count = f"{report.exactness.value} {report.written}".lstrip()
    doubt = f" ({report.doubt})" if report.doubt else ""
    lines = f"{count} line{'' if report.written == 1 else 's'} written{doubt}"
    reason = f" ({report.reason})" if report.reason else ""
    if report.arrived is None:
        return f"{lines}, {report.pipeline}: not counted{reason}"
    said = f"{lines}, {report.pipeline}: {report.arrived} arrived"
    if report.filtered:
        return f"{said}; a filter takes lines out, so what is missing need not be lost{reason}"
    return f"{said}, {_lost(report.written - report.arrived, report.exactness)}{reason}"


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
        "--firelens-mode sync loses none while the router runs"
    )
    return replace(report, reason=f"{report.reason}; {advice}" if report.reason else advice)


def _lost(missing: int, exactness: Exactness) -> str:
    match exactness:
        case Exactness.AT_LEAST:
            return f"at least {missing} LOST" if missing > 0 else "none known to be lost"
        case Exactness.ABOUT:
            return f"about {missing} LOST" if missing > 0 else "none known to be lost"
        case Exactness.EXACT if missing < 0:
            return (
                f"{-missing} more than were read here: Docker's copy of the output lacks some, or some "
                "were delivered twice"
            )
        case Exactness.EXACT:
            return f"{missing} LOST" if missing else "none lost"


def _with_doubt(report: PipelineReport, driver: str, reading: Reading) -> PipelineReport:
    """Say how far the number of lines that were read here can be trusted."""
    if reading.before and driver == "awslogs":
        doubt = f"{reading.before} before were delivered, or not, by the process that had the task then"
        return replace(report, exactness=Exactness.AT_LEAST, doubt=doubt)
    if reading.cut:
        return replace(
            report, exactness=Exactness.AT_LEAST, doubt="the rest of the output could not be read here"
        )
    if driver in _KEPT_WHOLE or reading.characters + _FRAME_BYTES * reading.lines < _PIECE_BYTES:
        return report
    doubt = "of so much output Docker repeats or drops some for whoever reads it from beside this driver"
    return replace(report, exactness=Exactness.ABOUT, doubt=doubt)


def _of_docker(container: str, driver: str, written: int) -> PipelineReport:
    if driver in _READ_HERE:
        return PipelineReport(container=container, pipeline=driver, written=written, arrived=written)
    reason = f"where {driver} ends, Docker does not tell"
    return PipelineReport(container=container, pipeline=driver, written=written, arrived=None, reason=reason)
