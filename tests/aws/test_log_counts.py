"""What arrived is counted where it can be, and said not to be counted where not."""

import gzip
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path

import pytest

from pillion.aws.backend import AwsBackend
from pillion.aws.log_calls import LogCalls
from pillion.aws.log_counts import report_awslogs, report_firelens
from pillion.aws.settings import AwsSettings
from pillion.core.awslogs.events import LogEvent
from pillion.core.plan.model import NetworkMode
from pillion.core.taskdef.enums import FirelensConfigurationType
from pillion.core.taskdef.model import ContainerDefinition
from pillion.ports.aws import LogReport, PipelineReport, Reading
from pillion.sidecars.firelens.plan import FirelensPlan, FirelensSettings, plan_firelens
from sidecars.firelens.definitions import CLOUDWATCH, IDENTITY, app, router, task

STREAM = f"app-app-firelens-{IDENTITY.task_id}"


def planned(*containers: ContainerDefinition, through: ContainerDefinition | None = None) -> FirelensPlan:
    settings = FirelensSettings(folder="/state")
    plan = plan_firelens(task(through or router(), *containers), IDENTITY, NetworkMode.AWSVPC, settings)
    assert plan is not None
    return plan


@pytest.fixture
async def backend(tmp_path: Path) -> AsyncIterator[AwsBackend]:
    async with AwsBackend(AwsSettings(), region="eu-west-1", folder=tmp_path) as opened:
        yield opened


@pytest.mark.slow
async def test_lines_in_local_cloudwatch_are_counted_to_the_last(backend: AwsBackend) -> None:
    plan = planned(app(**CLOUDWATCH))
    before = await report_firelens(plan, {"app": Reading(lines=20_005)}, backend, names={})
    calls = LogCalls(backend.clients)
    await calls.ensure_group("/web/app", region=None)
    await calls.ensure_stream("/web/app", STREAM, region=None)
    now_ms = int(time.time() * 1000)
    for size in (10_000, 10_000, 3):
        await calls.put("/web/app", STREAM, [LogEvent(now_ms, "x", 1, 1)] * size, region=None)
    await calls.close()
    after = await report_firelens(plan, {"app": Reading(lines=20_005)}, backend, names={})
    assert [(item.arrived, item.lost) for item in (*before, *after)] == [(0, 20_005), (20_003, 2)]
    assert before[0].reason == f"there is no stream {STREAM} in /web/app"
    (adopted,) = await report_firelens(plan, {"app": Reading(lines=1, before=20_003)}, backend, names={})
    assert (adopted.written, adopted.arrived, adopted.reason) == (
        20_004,
        20_003,
        (
            "local AWS began anew when the task was taken over, and what it held before is gone; "
            "--aws-state keeps it"
        ),
    )


async def test_what_nobody_can_look_at_is_not_counted(backend: AwsBackend) -> None:
    reports = await report_firelens(
        planned(app(Name="datadog"), app("other")),
        {"app": Reading(lines=3), "other": Reading(lines=1)},
        backend,
        names={},
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


RECORDS = [
    b'{"container_name":"/ecs-app","log":"one"}\n',
    b'{"container_name":"/ecs-app","log":"two"}\n',
    b'{"container_name":"/ecs-other","log":"of another"}\n',
]
NAMELESS = b'{"log":"whose?"}\n'


async def put_in_kinesis(backend: AwsBackend, records: Sequence[bytes]) -> None:
    call = backend.clients.call
    await call("kinesis", "create_stream", StreamName="records", ShardCount=2)
    entries = [{"Data": record, "PartitionKey": str(number)} for number, record in enumerate(records)]
    await call("kinesis", "put_records", StreamName="records", Records=entries)


async def put_in_firehose(backend: AwsBackend, records: Sequence[bytes]) -> None:
    call = backend.clients.call
    await call("s3", "create_bucket", Bucket="delivered", CreateBucketConfiguration=HERE)
    place = {"RoleARN": "arn:aws:iam::123456789012:role/x", "BucketARN": "arn:aws:s3:::delivered"}
    await call(
        "firehose",
        "create_delivery_stream",
        DeliveryStreamName="records",
        ExtendedS3DestinationConfiguration={**place, "Prefix": "logs/"},
    )
    for some in (records[:1], records[1:]):
        entries = [{"Data": record} for record in some]
        await call("firehose", "put_record_batch", DeliveryStreamName="records", Records=entries)


async def put_in_s3(backend: AwsBackend, records: Sequence[bytes]) -> None:
    call = backend.clients.call
    await call("s3", "create_bucket", Bucket="records", CreateBucketConfiguration=HERE)
    await call("s3", "put_object", Bucket="records", Key="a/1", Body=records[0])
    await call("s3", "put_object", Bucket="records", Key="a/2.gz", Body=gzip.compress(b"".join(records[1:])))


Put = Callable[[AwsBackend, Sequence[bytes]], Awaitable[None]]
HERE = {"LocationConstraint": "eu-west-1"}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("plugin", "option", "put", "missing"),
    [
        ("kinesis_streams", "stream", put_in_kinesis, "local AWS has no stream records of Kinesis"),
        (
            "kinesis_firehose",
            "delivery_stream",
            put_in_firehose,
            "local AWS has no delivery stream records of Firehose",
        ),
        ("s3", "bucket", put_in_s3, "local AWS has no bucket records of S3"),
    ],
)
async def test_records_are_counted_where_they_say_which_container_wrote_them(
    backend: AwsBackend, plugin: str, option: str, put: Put, missing: str
) -> None:
    plan = planned(app(Name=plugin, region="eu-west-1", **{option: "records"}))
    read, names = {"app": Reading(lines=3)}, {"app": "ecs-app"}
    (before,) = await report_firelens(plan, read, backend, names=names)
    await put(backend, RECORDS)
    (after,) = await report_firelens(plan, read, backend, names=names)
    assert [(item.arrived, item.lost, item.reason) for item in (before, after)] == [
        (0, 3, missing),
        (2, 1, ""),
    ]


@pytest.mark.slow
async def test_records_that_name_no_container_are_not_counted_as_anybodys(backend: AwsBackend) -> None:
    await put_in_kinesis(backend, [*RECORDS, NAMELESS])
    plan = planned(app(Name="kinesis", region="eu-west-1", stream="records"))
    (report,) = await report_firelens(plan, {"app": Reading(lines=3)}, backend, names={"app": "ecs-app"})
    reason = "Kinesis holds records that do not say which container wrote them"
    assert (report.arrived, report.reason) == (None, reason)


@pytest.mark.parametrize("option", ["log_group_name", "log_stream_template"])
async def test_names_that_the_router_makes_are_not_guessed(backend: AwsBackend, option: str) -> None:
    plan = planned(app(**{**CLOUDWATCH, option: "${log_group_name_1}"}))
    (report,) = await report_firelens(plan, {"app": Reading(lines=3)}, backend, names={})
    assert (report.arrived, report.reason) == (None, f"the router alone knows what {option} comes to")
    assert not backend.is_running


async def test_outputs_of_fluentd_have_other_options_and_are_not_guessed_at(backend: AwsBackend) -> None:
    plan = planned(
        app(**{"@type": "cloudwatch_logs", "log_group_name": "/web"}),
        through=router(FirelensConfigurationType.FLUENTD),
    )
    (report,) = await report_firelens(plan, {"app": Reading(lines=3)}, backend, names={})
    assert (report.arrived, report.reason) == (None, "outputs of Fluentd are not looked at")
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
