"""What arrived is counted where it can be, and said not to be counted where not."""

import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from pillion.aws.backend import AwsBackend
from pillion.aws.log_calls import LogCalls
from pillion.aws.log_counts import report_awslogs, report_firelens
from pillion.aws.settings import AwsSettings
from pillion.core.awslogs.events import LogEvent
from pillion.core.plan.model import NetworkMode
from pillion.core.taskdef.model import ContainerDefinition
from pillion.ports.aws import LogReport, PipelineReport, Reading
from pillion.sidecars.firelens.plan import FirelensPlan, FirelensSettings, plan_firelens
from sidecars.firelens.definitions import CLOUDWATCH, IDENTITY, app, router, task

STREAM = f"app-app-firelens-{IDENTITY.task_id}"


def planned(*containers: ContainerDefinition) -> FirelensPlan:
    settings = FirelensSettings(folder="/state")
    plan = plan_firelens(task(router(), *containers), IDENTITY, NetworkMode.AWSVPC, settings)
    assert plan is not None
    return plan


@pytest.fixture
async def backend(tmp_path: Path) -> AsyncIterator[AwsBackend]:
    async with AwsBackend(AwsSettings(), region="eu-west-1", folder=tmp_path) as opened:
        yield opened


@pytest.mark.slow
async def test_lines_in_local_cloudwatch_are_counted_to_the_last(backend: AwsBackend) -> None:
    plan = planned(app(**CLOUDWATCH))
    before = await report_firelens(plan, {"app": Reading(lines=20_005)}, backend)
    calls = LogCalls(backend.clients)
    await calls.ensure_group("/web/app", region=None)
    await calls.ensure_stream("/web/app", STREAM, region=None)
    now_ms = int(time.time() * 1000)
    for size in (10_000, 10_000, 3):
        await calls.put("/web/app", STREAM, [LogEvent(now_ms, "x", 1, 1)] * size, region=None)
    await calls.close()
    after = await report_firelens(plan, {"app": Reading(lines=20_005)}, backend)
    assert [(item.arrived, item.lost) for item in (*before, *after)] == [(0, 20_005), (20_003, 2)]
    assert before[0].reason == f"there is no stream {STREAM} in /web/app"


async def test_what_nobody_can_look_at_is_not_counted(backend: AwsBackend) -> None:
    reports = await report_firelens(
        planned(app(Name="datadog"), app("other")),
        {"app": Reading(lines=3), "other": Reading(lines=1)},
        backend,
    )
    assert reports == (
        PipelineReport(
            container="app",
            pipeline="firelens datadog",
            written=3,
            arrived=None,
            reason="pillion cannot look at the end of datadog",
        ),
        PipelineReport(
            container="other",
            pipeline="firelens (own configuration)",
            written=1,
            arrived=None,
            reason="the router's own configuration says where the lines go",
        ),
    )
    assert not backend.is_running


def test_lines_that_a_filter_takes_out_are_not_called_lost() -> None:
    report = PipelineReport(container="app", pipeline="x", written=3, arrived=1, filtered=True)
    assert report.lost is None


def test_a_sink_says_itself_what_arrived() -> None:
    report = LogReport(
        container="app",
        group="/web",
        stream="s",
        written=10,
        delivered=6,
        blank=1,
        dropped=2,
        failed=1,
        causes={"too old": 1},
    )
    assert report_awslogs(report) == PipelineReport(
        container="app", pipeline="awslogs /web s", written=10, arrived=7, reason="1 x too old"
    )
    assert report_awslogs(report).lost == report.lost == 3
