"""How fast `pillion check` is, and what it finds beside cfn-lint on the same templates.

Run by `make bench`. Goals: 2,000 definitions of typical size a second in one process, JSON parsing included,
and a cold start of at most 150 ms above bare Python. The comparison needs cfn-lint and is left out without.

The mistakes of the comparison are the examples of pillion's own rules, so it finds all of them by
construction; what the comparison shows is how many of them another tool for templates sees, and the times.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pillion.core.findings import Severity
from pillion.core.rules.catalogue import RULES
from pillion.core.rules.check import check_definition
from pillion.core.rules.examples import app, awslogs, depends, fargate, health_check, sidecar
from pillion.core.rules.firelens import routed, router
from pillion.core.taskdef.model import TaskDefinition
from pillion.core.taskdef.shapes import Kind, ValueType, shape_of
from pillion.inputs import find_definitions
from pillion.inputs.cloudformation import pascal_case

ROOT = Path(__file__).resolve().parent.parent
ROUNDS = 7
TYPICAL = fargate(
    app(
        image="111122223333.dkr.ecr.eu-west-1.amazonaws.com/app:1.2.3",
        logConfiguration=routed(Name="cloudwatch_logs", region="eu-west-1", log_group_name="/ecs/web"),
        dependsOn=depends(log_router="HEALTHY", migrate="SUCCESS"),
        portMappings=[{"containerPort": 8080, "name": "web", "protocol": "tcp"}],
        healthCheck=health_check(),
        environment=[{"name": f"SETTING_{i}", "value": f"value {i}"} for i in range(12)],
        secrets=[{"name": "DB", "valueFrom": "arn:aws:ssm:eu-west-1:111122223333:parameter/db"}],
        mountPoints=[{"sourceVolume": "config", "containerPath": "/etc/app", "readOnly": True}],
    ),
    router(),
    sidecar(
        "migrate",
        essential=False,
        mountPoints=[{"sourceVolume": "config", "containerPath": "/config"}],
        logConfiguration=awslogs(awslogs_create_group="true"),
    ),
    volumes=[{"name": "config"}],
    taskRoleArn="arn:aws:iam::111122223333:role/web",
    cpu="1024",
    memory="2048",
)


def per_second() -> None:
    text = json.dumps(TYPICAL)
    count = 2000
    check_definition(json.loads(text))
    begin_wall, begin_cpu = time.perf_counter(), time.process_time()
    for _ in range(count):
        check_definition(json.loads(text))
    wall_s, cpu_s = time.perf_counter() - begin_wall, time.process_time() - begin_cpu
    print(
        f"check: {count / wall_s:,.0f} definitions/s of {len(text)} bytes and 3 containers "
        f"({count / cpu_s:,.0f}/s of processor time; goal: 2,000)"
    )


def cold_start() -> None:
    file = str(ROOT / "examples" / "everything" / "task.json")
    with tempfile.TemporaryDirectory() as cache:
        # An installed package has its bytecode; so has this one here after the first run.
        environment = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
        environment["PYTHONPYCACHEPREFIX"] = cache

        def median_of(arguments: list[str]) -> tuple[float, float]:
            command = [sys.executable, *arguments]
            subprocess.run(command, capture_output=True, check=False, env=environment)
            wall, processor = [], []
            for _ in range(ROUNDS):
                begin, used = time.perf_counter(), _children_s()
                subprocess.run(command, capture_output=True, check=False, env=environment)
                wall.append((time.perf_counter() - begin) * 1000)
                processor.append((_children_s() - used) * 1000)
            return statistics.median(wall), statistics.median(processor)

        bare, ours = median_of(["-c", "pass"]), median_of(["-m", "pillion", "check", file])
    print(
        f"check: cold start {ours[0]:.0f} ms, {ours[0] - bare[0]:.0f} ms above bare Python "
        f"({ours[1] - bare[1]:.0f} ms of processor time; goal: at most 150)"
    )


def _children_s() -> float:
    times = os.times()
    return times.children_user + times.children_system


def as_template(definition: Mapping[str, Any]) -> str:
    """The definition as a CloudFormation template."""
    properties = _pascal(definition, ValueType(kind=Kind.OBJECT, shape=TaskDefinition))
    return json.dumps(
        {"Resources": {"Task": {"Type": "AWS::ECS::TaskDefinition", "Properties": properties}}}, indent=1
    )


def _pascal(value: Any, kind: ValueType) -> Any:
    if kind.kind is Kind.LIST and kind.item is not None and isinstance(value, list):
        return [_pascal(item, kind.item) for item in value]
    if kind.kind is not Kind.OBJECT or kind.shape is None or not isinstance(value, dict):
        return value
    members = shape_of(kind.shape).by_name
    return {
        pascal_case(key, kind.shape): _pascal(item, members[key].type)
        for key, item in value.items()
        if key in members
    }


_THEIR_ECS_RULES = frozenset({"E3042", "E3046", "E3047", "E3048", "E3053"})
"""Those of cfn-lint's rules that look at task definitions."""
_THEIR_SCHEMA_RULES = frozenset({"E3002", "E3003", "E3012", "E3030", "E3031", "E3032", "E3033", "E3034"})
"""Those that compare every resource with CloudFormation's own schema: members, types, words, lengths."""


def beside_cfn_lint() -> None:
    try:
        # The package has no types; what is used of it is `lint` alone.
        from cfnlint import ManualArgs, lint  # type: ignore[import-untyped]
    except ImportError:
        print("check: cfn-lint is not installed, so there is nothing to compare with")
        return
    options = ManualArgs(regions=["us-east-1"])

    def theirs(text: str) -> set[str]:
        return {match.rule.id for match in lint(text, config=options)}

    cdk = [path.read_text() for path in sorted((ROOT / "tests" / "data" / "cdk").glob("*.json"))]
    theirs(cdk[0])  # loads its schemas once, outside of the measurement
    begin = time.perf_counter()
    our_alarms = sum(bool(_ours(text)) for text in cdk)
    middle = time.perf_counter()
    their_alarms = sum(bool(theirs(text) & _THEIR_ECS_RULES) for text in cdk)
    end = time.perf_counter()
    our_ms, their_ms = (middle - begin) * 1000 / len(cdk), (end - middle) * 1000 / len(cdk)
    print(
        f"check: {len(cdk)} templates of the CDK: pillion {our_ms:.1f} ms each, {our_alarms} false alarms; "
        f"cfn-lint (all its rules) {their_ms:.0f} ms each, {their_alarms} false alarms of those for ECS"
    )
    refused = [rule for rule in RULES if rule.code.startswith("E")]
    our_count = sum(bool(_ours(as_template(rule.bad))) for rule in refused)
    looked = [theirs(as_template(rule.bad)) for rule in refused]
    by_ecs_rules = sum(bool(codes & _THEIR_ECS_RULES) for codes in looked)
    by_all = sum(bool(codes & (_THEIR_ECS_RULES | _THEIR_SCHEMA_RULES)) for codes in looked)
    print(
        f"check: of {len(refused)} mistakes that AWS refuses, pillion finds {our_count}, "
        f"cfn-lint's ECS rules {by_ecs_rules}, and {by_all} together with its schemas"
    )


def _ours(text: str) -> set[str]:
    """Codes of the errors in a template."""
    return {
        finding.code
        for subject in find_definitions(json.loads(text))
        for finding in check_definition(subject.value)
        if finding.severity is Severity.ERROR
    }


def main() -> None:
    per_second()
    cold_start()
    beside_cfn_lint()


if __name__ == "__main__":
    main()
