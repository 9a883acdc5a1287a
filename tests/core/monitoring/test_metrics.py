"""Figures as metrics and records of Container Insights."""

from __future__ import annotations

from core.monitoring.making import BEGAN_S, MIB, figures, running, sample, watched
from pillion.core.lifecycle import events as ev
from pillion.core.lifecycle.states import HealthStatus
from pillion.core.monitoring.insights import log_group, log_stream, records_of
from pillion.core.monitoring.metrics import Machine, Metric, Unit, dimensions_of, values_of

MACHINE = Machine(cpu_units=2048, memory_mib=4096)


def of(container: str, values: dict[Metric, float]) -> dict[str, float]:
    return {metric.name: value for metric, value in values.items() if metric.container == container}


def test_a_container_is_measured_against_its_reservation_then_the_task_then_the_machine() -> None:
    values = values_of(figures(60.0), MACHINE)
    assert of("web", values) == {
        "ContainerCpuUtilized": 512.0,
        "ContainerCpuReserved": 256,
        "ContainerCpuUtilization": 200.0,
        "ContainerMemoryUtilized": 100.0,
        "ContainerMemoryReserved": 256,
        "ContainerMemoryUtilization": 100 / 256 * 100,
        "ContainerNetworkRxBytes": 1000.0,
        "ContainerNetworkTxBytes": 500.0,
        "ContainerStorageReadBytes": 4096,
        "ContainerStorageWriteBytes": 8192,
        "RestartCount": 0,
        "UnHealthyContainerHealthStatus": 0.0,
    }
    router = of("router", values)
    assert (router["ContainerMemoryUtilization"], router["ContainerCpuUtilization"]) == (200.0, 100.0)
    assert "RestartCount" not in router
    bare = figures(60.0, of=watched(cpu="", memory=""))
    assert of("envoy", values_of(bare, MACHINE))["ContainerCpuReserved"] == 2048


def test_a_task_is_the_sum_of_its_containers_against_its_size() -> None:
    values = {
        item.name: value for item, value in values_of(figures(60.0), MACHINE).items() if not item.container
    }
    assert values == {
        "CpuUtilized": 1536.0,
        "CpuReserved": 512,
        "TaskCpuUtilization": 300.0,
        "MemoryUtilized": 300.0,
        "MemoryReserved": 1024,
        "TaskMemoryUtilization": 300 / 1024 * 100,
        "NetworkRxBytes": 1000.0,
        "NetworkTxBytes": 500.0,
        "StorageReadBytes": 3 * 4096,
        "StorageWriteBytes": 3 * 8192,
    }


def test_what_does_not_run_is_missing_and_not_zero() -> None:
    state = running(ev.Exited(container="envoy", exit_code=1, at_s=BEGAN_S + 1))
    assert of("envoy", values_of(figures(60.0, state=state), MACHINE)) == {}
    unseen = of("web", values_of(figures(60.0, samples={}), MACHINE))
    assert unseen == {"RestartCount": 0, "UnHealthyContainerHealthStatus": 0.0}


def test_an_unhealthy_container_is_one() -> None:
    state = running(ev.HealthChanged(container="web", status=HealthStatus.UNHEALTHY))
    assert of("web", values_of(figures(60.0, state=state), MACHINE))["UnHealthyContainerHealthStatus"] == 1.0


def test_metrics_have_the_units_and_dimensions_of_container_insights() -> None:
    task = figures(60.0)
    memory = Metric(name="ContainerMemoryUtilization", container="web")
    assert (memory.unit, Metric(name="MemoryUtilized").unit) == (Unit.PERCENT, Unit.MEGABYTES)
    assert dimensions_of(task, memory) == {
        "ClusterName": "prod",
        "TaskDefinitionFamily": "shop",
        "ContainerName": "web",
    }
    assert dimensions_of(task, Metric(name="MemoryUtilized")) == {
        "ClusterName": "prod",
        "TaskDefinitionFamily": "shop",
    }


WHO = {
    "TaskId": "0123456789abcdef0123456789abcdef",
    "TaskDefinitionFamily": "shop",
    "TaskDefinitionRevision": "3",
    "ClusterName": "prod",
}
AT_MS = 1_700_000_040_000
NETWORK = {
    "NetworkRxBytes": 1000.0,
    "NetworkRxDropped": 0,
    "NetworkRxErrors": 0,
    "NetworkRxPackets": 60,
    "NetworkTxBytes": 500.0,
    "NetworkTxDropped": 0,
    "NetworkTxErrors": 0,
    "NetworkTxPackets": 60,
}


def test_a_container_record_has_the_shape_of_the_agents_and_no_metrics_in_it() -> None:
    record = records_of(figures(60.0), MACHINE)[1]
    assert record == {
        "Version": "0",
        "Type": "Container",
        "ContainerName": "web",
        **WHO,
        "Image": "shop/web:7",
        "ContainerKnownStatus": "RUNNING",
        "Timestamp": AT_MS,
        "CpuUtilized": 512.0,
        "CpuReserved": 256.0,
        "MemoryUtilized": 100,
        "MemoryReserved": 256,
        "StorageReadBytes": 4096,
        "StorageWriteBytes": 8192,
        **NETWORK,
    }


def test_a_task_record_has_its_metrics_in_the_older_dialect() -> None:
    record = records_of(figures(60.0), MACHINE)[0]
    began_ms = round(BEGAN_S * 1000)
    assert record == {
        "Version": "0",
        "Type": "Task",
        **WHO,
        "AccountID": "123456789012",
        "Region": "eu-west-1",
        "AvailabilityZone": "eu-west-1a",
        "KnownStatus": "RUNNING",
        "LaunchType": "EC2",
        "PullStoppedAt": began_ms,
        "CreatedAt": began_ms,
        "StartedAt": began_ms,
        "Timestamp": AT_MS,
        "CpuUtilized": 1536.0,
        "CpuReserved": 512.0,
        "MemoryUtilized": 300,
        "MemoryReserved": 1024,
        "StorageReadBytes": 3 * 4096,
        "StorageWriteBytes": 3 * 8192,
        **NETWORK,
        "CloudWatchMetrics": [
            {
                "Namespace": "ECS/ContainerInsights",
                "Metrics": [
                    {"Name": "CpuUtilized", "Unit": "None"},
                    {"Name": "CpuReserved", "Unit": "None"},
                    {"Name": "MemoryUtilized", "Unit": "Megabytes"},
                    {"Name": "MemoryReserved", "Unit": "Megabytes"},
                    {"Name": "StorageReadBytes", "Unit": "Bytes/Second"},
                    {"Name": "StorageWriteBytes", "Unit": "Bytes/Second"},
                    {"Name": "NetworkRxBytes", "Unit": "Bytes/Second"},
                    {"Name": "NetworkTxBytes", "Unit": "Bytes/Second"},
                ],
                "Dimensions": [["ClusterName"], ["ClusterName", "TaskDefinitionFamily"]],
            }
        ],
    }


def test_what_ended_or_was_not_seen_has_no_record_or_no_member() -> None:
    state = running(ev.Exited(container="envoy", exit_code=1, at_s=BEGAN_S + 1))
    records = records_of(figures(60.0, state=state, samples={"id-web": sample(60.0)}), MACHINE)
    assert [item.get("ContainerName") for item in records] == [None, "web", "router"]
    assert not {"CpuUtilized", "MemoryUtilized", "NetworkRxBytes", "StorageReadBytes"} & records[2].keys()
    assert records[0]["MemoryUtilized"] == 100 * MIB // MIB


def test_records_go_where_the_agents_put_them() -> None:
    assert log_group("prod") == "/aws/ecs/containerinsights/prod/performance"
    assert (log_stream("EC2"), log_stream("FARGATE")) == ("AgentTelemetry-pillion", "FargateTelemetry-1")
