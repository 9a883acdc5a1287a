"""The log-loss report: what is said of each container's pipeline."""

from __future__ import annotations

from pathlib import Path

import pytest

from pillion.aws.backend import AwsBackend
from pillion.aws.settings import AwsMode, AwsSettings
from pillion.core.taskdef.enums import LogDriver
from pillion.core.taskdef.model import ContainerDefinition, LogConfiguration, TaskDefinition
from pillion.log_report import count_pipelines, describe_pipeline
from pillion.ports.aws import LogReport, PipelineReport


def report(written: int, arrived: int | None, reason: str = "", *, filtered: bool = False) -> PipelineReport:
    return PipelineReport(
        container="app",
        pipeline="awslogs g s",
        written=written,
        arrived=arrived,
        filtered=filtered,
        reason=reason,
    )


@pytest.mark.parametrize(
    ("pipeline", "text"),
    [
        (report(1, 1), "1 line written, awslogs g s: 1 arrived, none lost"),
        (report(9, 7, "2 x TooOld"), "9 lines written, awslogs g s: 7 arrived, 2 LOST (2 x TooOld)"),
        (
            report(2, 3),
            "2 lines written, awslogs g s: 3 arrived, 1 more than were written: some were delivered twice",
        ),
        (report(2, None, "nobody knows"), "2 lines written, awslogs g s: not counted (nobody knows)"),
        (
            report(9, 5, filtered=True),
            (
                "9 lines written, awslogs g s: 5 arrived; a filter takes lines out, "
                "so what is missing need not be lost"
            ),
        ),
    ],
)
def test_a_pipeline_is_told_in_one_line(pipeline: PipelineReport, text: str) -> None:
    assert describe_pipeline(pipeline) == text


def container(name: str, driver: LogDriver | None) -> ContainerDefinition:
    log = LogConfiguration(log_driver=driver, options={}) if driver else None
    return ContainerDefinition(name=name, log_configuration=log)


async def test_every_container_that_wrote_is_told_of_in_the_definitions_order(tmp_path: Path) -> None:
    definition = TaskDefinition(
        family="web",
        container_definitions=(
            container("plain", None),
            container("gelf", LogDriver.GELF),
            container("silent", None),
            container("aws", LogDriver.AWSLOGS),
        ),
    )
    sink = LogReport(container="aws", group="g", stream="s", written=5, delivered=3, blank=1, dropped=1)
    backend = AwsBackend(AwsSettings(mode=AwsMode.NONE), folder=tmp_path)
    written = {"plain": 4, "gelf": 2, "aws": 5}
    found = await count_pipelines(definition, (sink,), None, written, backend)
    assert [(item.container, item.written, item.arrived) for item in found] == [
        ("plain", 4, 4),
        ("gelf", 2, None),
        ("aws", 5, 4),
    ]
