"""Advice that is easily given too often."""

from __future__ import annotations

from typing import Any

from pillion.core.budget import Budget, Share, budget_of
from pillion.core.rules.check import check_definition
from pillion.core.rules.examples import app, awslogs, depends, fargate, health_check, sidecar, task
from pillion.core.rules.firelens import routed, router
from pillion.core.task_view import UNKNOWN

ENVOY = "envoyproxy/envoy:v1.31.2"


def codes(value: object) -> set[str]:
    return {finding.code for finding in check_definition(value)}


def quiet(**members: Any) -> dict[str, Any]:
    return app(healthCheck=health_check(), **members)


def test_a_task_in_good_order_hears_nothing() -> None:
    value = fargate(
        quiet(
            logConfiguration=routed(Name="cloudwatch_logs", region="eu-west-1"),
            dependsOn=depends(log_router="HEALTHY", loader="SUCCESS", envoy="HEALTHY"),
            mountPoints=[{"sourceVolume": "config", "containerPath": "/etc/app", "readOnly": True}],
        ),
        router(),
        sidecar("envoy", image=ENVOY, healthCheck=health_check(), memoryReservation=64, memory=None),
        sidecar(
            "loader",
            essential=False,
            memory=64,
            command=["aws", "s3", "cp", "s3://b/x.json", "/config/x.json"],
            mountPoints=[{"sourceVolume": "config", "containerPath": "/config"}],
            logConfiguration=awslogs(awslogs_create_group="true"),
        ),
        volumes=[{"name": "config"}],
        taskRoleArn="arn:aws:iam::111122223333:role/web",
    )
    assert check_definition(value) == []


def test_one_application_in_order_with_the_proxy_is_enough() -> None:
    proxy = sidecar("envoy", image=ENVOY, healthCheck=health_check())
    ordered = quiet(dependsOn=depends(envoy="HEALTHY"))
    assert "W106" not in codes(task(ordered, proxy, sidecar("worker", healthCheck=health_check())))
    assert "W106" in codes(task(quiet(), proxy))


def test_a_proxy_that_waits_for_the_application_is_in_order_too() -> None:
    proxy = sidecar("envoy", image=ENVOY, dependsOn=depends(app="HEALTHY"))
    assert "W106" not in codes(task(quiet(), proxy))


def test_a_proxy_that_takes_all_traffic_needs_every_application_in_order() -> None:
    proxy = sidecar("envoy", image=ENVOY, user="1337", healthCheck=health_check())
    configuration = {
        "type": "APPMESH",
        "containerName": "envoy",
        "properties": [
            {"name": name, "value": "15000"}
            for name in ("ProxyIngressPort", "ProxyEgressPort", "AppPorts", "IgnoredGID")
        ],
    }
    value = fargate(
        quiet(dependsOn=depends(envoy="HEALTHY")), proxy, sidecar("worker"), proxyConfiguration=configuration
    )
    assert [f.container for f in check_definition(value) if f.code == "W106"] == ["worker"] or [
        f.path for f in check_definition(value) if f.code == "W106"
    ] == [("containerDefinitions", 2)]


def test_start_on_a_container_with_a_health_check_may_be_on_purpose() -> None:
    value = task(quiet(), sidecar("worker", dependsOn=depends(app="START")))
    assert "W105" not in codes(value)


def test_start_on_a_database_is_told() -> None:
    value = task(quiet(dependsOn=depends(db="START")), sidecar("db", image="postgres:16"))
    assert "W105" in codes(value)


def test_the_order_of_a_router_without_dependencies_is_left_to_ecs() -> None:
    value = fargate(quiet(logConfiguration=routed(Name="s3")), router())
    assert "W707" not in codes(value)


def test_a_way_to_the_router_through_others_is_an_order() -> None:
    value = fargate(
        quiet(logConfiguration=routed(Name="s3"), dependsOn=depends(envoy="HEALTHY")),
        sidecar("envoy", dependsOn=depends(log_router="START"), healthCheck=health_check()),
        router(dependsOn=depends(loader="SUCCESS")),
        sidecar("loader", essential=False),
    )
    assert "W707" not in codes(value)


def test_a_router_with_a_restart_policy_need_not_be_essential() -> None:
    users = quiet(logConfiguration=routed(Name="s3"))
    assert "W706" in codes(fargate(users, router(essential=False)))
    assert "W706" not in codes(fargate(users, router(essential=False, restartPolicy={"enabled": True})))


def test_jobs_are_over_when_a_task_stops() -> None:
    value = fargate(
        quiet(stopTimeout=120, dependsOn=depends(loader="SUCCESS")), sidecar("loader", essential=False)
    )
    assert "W107" not in codes(value)


def test_a_volume_for_a_read_only_container_need_not_be_shared() -> None:
    mounts = [{"sourceVolume": "tmp", "containerPath": "/tmp"}]
    container = quiet(readonlyRootFilesystem=True, mountPoints=mounts)
    assert "W402" not in codes(task(container, sidecar("b"), volumes=[{"name": "tmp"}]))


def test_an_agent_alone_in_its_task_may_be_essential() -> None:
    agent = sidecar("collector", image="otel/opentelemetry-collector:0.110.0", healthCheck=health_check())
    assert "W101" not in codes(task(agent))


def test_the_application_is_what_no_rule_knows() -> None:
    value = task(app(memory=100, cpu=128), sidecar("xray", memory=50), cpu="256", memory="256")
    assert budget_of(value) == Budget(
        shares=(
            Share(
                container="app",
                role="application",
                cpu_units=128,
                memory_mib=100,
                reservation_mib=100,
                known=True,
            ),
            Share(
                container="xray",
                role="telemetry agent",
                cpu_units=None,
                memory_mib=50,
                reservation_mib=50,
                known=True,
            ),
        ),
        task_cpu_units=256,
        task_memory_mib=256,
    )
    budget = budget_of(value)
    assert (budget.cpu_left, budget.memory_left_mib, budget.reservation_left_mib) == (128, 106, 106)


def test_what_is_not_known_is_no_number_in_the_budget() -> None:
    (share,) = budget_of(task(app(memory=UNKNOWN), memory=UNKNOWN)).shares
    assert (share.memory_mib, share.reservation_mib, share.known) == (None, None, False)
