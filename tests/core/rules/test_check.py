from __future__ import annotations

from pillion.core.rules.blocking import BLOCKING
from pillion.core.rules.catalogue import RULES
from pillion.core.rules.check import check_definition
from pillion.core.rules.examples import app, depends, fargate, health_check, sidecar, task


def codes(value: object, *launch_types: str) -> list[str]:
    return [finding.code for finding in check_definition(value, launch_types=launch_types)]


def test_findings_come_as_aws_would_report_them_and_advice_last() -> None:
    value = fargate(
        app(memory=None, image="app:latest", cpu="1", dependsOn=depends(nobody="START"), stopTimeout=300),
        networkMode=None,
        cpu="256",
        memory=None,
    )
    assert codes(value) == ["S001", "E201", "E221", "E204", "E231", "E101", "W001", "W805"]


def test_all_findings_of_a_rule_come_in_the_order_of_the_containers() -> None:
    value = task(*(sidecar(f"c{i}", stopTimeout=1) for i in range(3)))
    found = [finding.container for finding in check_definition(value) if finding.code == "E025"]
    assert found == ["c0", "c1", "c2"]


def test_a_finding_knows_its_container_by_position_where_it_has_no_name() -> None:
    (found,) = [f for f in check_definition(task(app(name=None, stopTimeout=1))) if f.code == "E025"]
    assert found.container == "#0"


def test_a_launch_type_of_the_caller_counts_like_one_of_the_definition() -> None:
    value = task(
        app(privileged=True, healthCheck=health_check()), networkMode="awsvpc", cpu="256", memory="512"
    )
    assert codes(value) == []
    assert codes(value, "FARGATE") == ["E226"]


def test_fargate_rules_hold_even_if_ec2_is_asked_for_too() -> None:
    value = fargate(app(privileged=True), requiresCompatibilities=["EC2", "FARGATE"])
    assert "E226" in codes(value)


def test_a_definition_that_is_no_object_is_one_finding() -> None:
    assert codes("containerDefinitions") == ["S010"]
    assert codes(None) == ["S010"]


def test_paths_of_a_wrapped_definition_begin_with_the_wrapper() -> None:
    found = check_definition({"taskDefinition": task(app(stopTimeout=1))})
    paths = {finding.code: finding.path for finding in found}
    assert paths["E025"] == ("taskDefinition", "containerDefinitions", 0, "stopTimeout")


def test_what_cannot_be_run_at_all_says_so() -> None:
    blocking = {
        finding.code
        for value in (
            task(app(dependsOn=depends(nobody="START"))),
            task(app(dependsOn=depends(db="HEALTHY")), sidecar("db")),
            task(app(dependsOn=depends(app="START"))),
            task(app(), app()),
            task(app(essential=False)),
            task(app(mountPoints=[{"sourceVolume": "x", "containerPath": "/x"}])),
            {"family": "web", "containerDefinitions": []},
        )
        for finding in check_definition(value)
        if finding.blocks_run
    }
    assert blocking == {"E101", "E103", "E104", "E006", "E005", "E401", "E002"}
    refused_but_possible = fargate(app(stopTimeout=300), memory="777")
    assert not any(finding.blocks_run for finding in check_definition(refused_but_possible))


def test_the_rules_that_stand_in_the_way_of_a_run_are_all_looked_at_before_it() -> None:
    assert tuple(rule for rule in RULES if rule.blocks_run) == BLOCKING
