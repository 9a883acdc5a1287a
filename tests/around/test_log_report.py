"""The log-loss report: what is said of each container's pipeline."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pillion.around.log_report import count_pipelines, describe_pipeline
from pillion.aws.backend import AwsBackend
from pillion.aws.settings import AwsMode, AwsSettings
from pillion.core.taskdef.enums import LogDriver
from pillion.core.taskdef.model import ContainerDefinition, LogConfiguration, TaskDefinition
from pillion.ports.aws import Exactness, LogReport, PipelineReport, Reading


def report(written: int, arrived: int | None, reason: str = "", **members: Any) -> PipelineReport:
    return PipelineReport(
        container="app", pipeline="awslogs g s", written=written, arrived=arrived, reason=reason, **members
    )


CUT: dict[str, Any] = {"exactness": Exactness.AT_LEAST, "doubt": "cut"}
MUCH: dict[str, Any] = {"exactness": Exactness.ABOUT, "doubt": "much"}


@pytest.mark.parametrize(
    ("pipeline", "text"),
    [
        (report(1, 1), "1 line written, awslogs g s: 1 arrived, none lost"),
        (report(9, 7, "2 x TooOld"), "9 lines written, awslogs g s: 7 arrived, 2 LOST (2 x TooOld)"),
        (
            report(2, 3),
            (
                "2 lines written, awslogs g s: 3 arrived, 1 more than were read here: Docker's copy of the "
                "output lacks some, or some were delivered twice"
            ),
        ),
        (
            report(2, 5, **CUT),
            "at least 2 lines written (cut), awslogs g s: 5 arrived, none known to be lost",
        ),
        (report(5, 2, **CUT), "at least 5 lines written (cut), awslogs g s: 2 arrived, at least 3 LOST"),
        (report(9, 8, **MUCH), "about 9 lines written (much), awslogs g s: 8 arrived, about 1 LOST"),
        (report(8, 9, **MUCH), "about 8 lines written (much), awslogs g s: 9 arrived, none known to be lost"),
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
            container("adopted", LogDriver.AWSLOGS),
        ),
    )
    sink = LogReport(container="aws", group="g", stream="s", written=5, delivered=3, blank=1, dropped=1)
    adopted = LogReport(container="adopted", group="g", stream="t", written=2, delivered=2)
    backend = AwsBackend(AwsSettings(mode=AwsMode.NONE), folder=tmp_path)
    read = {
        "plain": Reading(lines=4, before=1, characters=30_000_000),
        "gelf": Reading(lines=2, characters=30_000_000),
        "aws": Reading(lines=5, cut=True),
        "adopted": Reading(lines=2, before=7),
    }
    found = await count_pipelines(definition, (sink, adopted), None, read, backend, names={})
    assert [(item.container, item.written, item.arrived, item.exactness) for item in found] == [
        ("plain", 5, 5, Exactness.EXACT),
        ("gelf", 2, None, Exactness.ABOUT),
        ("aws", 5, 4, Exactness.AT_LEAST),
        ("adopted", 2, 2, Exactness.AT_LEAST),
    ]
