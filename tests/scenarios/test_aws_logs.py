"""Logs leave the task: awslogs, FireLens with the stand-in router, and what is lost is counted."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from scenarios.local_aws import KEEP, REGION, ROUTER, awslogs, log_events, seed, shell, task
from scenarios.running import UNTIL_TOLD, Pillion, tell

pytestmark = [pytest.mark.docker, pytest.mark.slow, pytest.mark.usefixtures("short_state_folder")]

LINES = 5000
COUNT = f"i=0; while [ $i -lt {LINES} ]; do i=$((i+1)); echo line $i; done"

KILLED_WHEN_TOLD = f"/entrypoint.sh & {UNTIL_TOLD}; kill -9 $!; exit 7"


def router(**members: Any) -> dict[str, Any]:
    return {
        **shell("router", "unused", image=ROUTER, firelensConfiguration={"type": "fluentbit"}, **members),
        "command": [],
        "stopTimeout": 10,
    }


def through_firelens(group: str) -> dict[str, Any]:
    options = {
        "Name": "cloudwatch_logs",
        "region": REGION,
        "log_group_name": group,
        "log_stream_prefix": "app/",
        "auto_create_group": "true",
    }
    return {"logConfiguration": {"logDriver": "awsfirelens", "options": options}}


def test_every_line_arrives_in_order_in_a_stream_named_as_ecs_names_it(pillion: Pillion) -> None:
    run = pillion.run(task(shell("app", COUNT, **awslogs("/web"))), *KEEP, "--count-logs")
    task_id = run.task["taskArn"].rsplit("/", 1)[1]
    expected = {f"it/app/{task_id}": [f"line {number}" for number in range(1, LINES + 1)]}
    assert log_events(pillion, "/web") == expected
    assert (
        f"app: {LINES} lines written, awslogs /web it/app/{task_id}: {LINES} arrived, none lost" in run.errors
    )


def test_lines_that_belong_together_are_one_event(pillion: Pillion) -> None:
    options = {"awslogs-multiline-pattern": "^ERROR"}
    script = "echo ERROR one; echo '  at a'; echo '  at b'; echo ERROR two"
    run = pillion.run(task(shell("app", script, **awslogs("/web", **options))), *KEEP)
    assert run.exit_code == 0
    (messages,) = log_events(pillion, "/web").values()
    assert messages == ["ERROR one\n  at a\n  at b\n", "ERROR two\n"]


def test_a_log_group_that_is_not_listed_keeps_the_container_from_starting_as_on_aws(pillion: Pillion) -> None:
    pillion.write('[aws]\nlog_groups = ["/other"]\n', "pillion.toml")
    run = pillion.run(task(shell("app", "echo never", **awslogs("/web"))))
    assert run.exit_code == 125
    reason = run.container("app")["reason"]
    assert reason.startswith(
        "CannotStartContainerError: Error response from daemon: failed to initialize logging driver: "
        "failed to create Cloudwatch log stream: ResourceNotFoundException"
    )


def test_firelens_delivers_with_ecs_metadata_to_the_last_line(pillion: Pillion) -> None:
    script = (
        "trap 'echo last; sleep 1.5; exit 0' TERM; sleep 3; for i in 1 2 3; do echo line $i; done; "
        "sleep 60 & wait"
    )
    with pillion.session(
        task(router(), shell("app", script, **through_firelens("/app"))), *KEEP, "--count-logs"
    ) as session:
        session.until(type="log", container="app", message="line 3")
        session.interrupt()
        run = session.finish()
    ((stream, messages),) = log_events(pillion, "/app").items()
    records = [json.loads(message) for message in messages]
    arn = run.task["taskArn"]
    assert stream == f"app/app-firelens-{arn.rsplit('/', 1)[1]}"
    assert [record["log"] for record in records] == ["line 1", "line 2", "line 3", "last"]
    assert {record["ecs_task_arn"] for record in records} == {arn}
    assert {record["ecs_cluster"] for record in records} == {pillion.cluster}
    assert {record["ecs_task_definition"] for record in records} == {"scenario:1"}
    assert "app: 4 lines written, firelens cloudwatch_logs: 4 arrived, none lost" in run.errors


@pytest.mark.parametrize("mode", ["bridge", "host"])
def test_firelens_delivers_in_the_other_network_modes(pillion: Pillion, mode: str) -> None:
    app = shell("app", "echo in $FLUENT_PORT", **through_firelens("/app"))
    run = pillion.run(task(router(), app, networkMode=mode), "--count-logs", "--firelens-mode", "sync")
    assert run.messages("app") == [{"bridge": "in 24224", "host": "in "}[mode].rstrip()]
    assert "app: 1 line written, firelens cloudwatch_logs: 1 arrived, none lost" in run.errors


def test_a_router_reaches_local_aws_over_tls_through_a_relay_too(pillion: Pillion) -> None:
    seed(pillion, '[run]\nendpoints = "relay"\n')
    app = shell("app", "echo through the relay", **through_firelens("/app"))
    run = pillion.run(task(router(), app), *KEEP, "--count-logs", "--firelens-mode", "sync")
    assert "through a relay" in run.errors
    assert "app: 1 line written, firelens cloudwatch_logs: 1 arrived, none lost" in run.errors
    (messages,) = log_events(pillion, "/app").values()
    assert [json.loads(message)["log"] for message in messages] == ["through the relay"]


def test_the_lossless_mode_loses_nothing_of_a_container_that_ends_in_a_burst(pillion: Pillion) -> None:
    run = pillion.run(
        task(router(), shell("app", COUNT, **through_firelens("/app"))),
        *(*KEEP, "--count-logs", "--firelens-mode", "sync"),
    )
    assert f"app: {LINES} lines written, firelens cloudwatch_logs: {LINES} arrived, none lost" in run.errors
    assert "cannot be read" not in run.errors


def test_output_is_read_to_its_end_although_the_router_has_ended_before(pillion: Pillion) -> None:
    """Docker opens the log driver of an ended container again for whoever reads, which needs a router."""
    dying = router(essential=False)
    dying["entryPoint"], dying["command"] = ["sh", "-c"], [KILLED_WHEN_TOLD]
    script = f"echo first; {UNTIL_TOLD}; for i in 1 2 3; do echo line $i; done"
    app = shell("app", script, **through_firelens("/app"))
    with pillion.session(task(dying, app), "--count-logs", "--firelens-mode", "sync") as session:
        session.until(type="log", container="app", message="first")
        tell(pillion, "router")
        session.until(type="container", container="router", to="STOPPED")
        tell(pillion, "app")
        run = session.finish()
    assert (run.exit_code, run.messages("app")) == (0, ["first", "line 1", "line 2", "line 3"])
    # Whether the first line was sent before the router was killed is the router's own business.
    assert re.search(r"app: 4 lines written, firelens cloudwatch_logs: [01] arrived, [34] LOST", run.errors)
    assert "the log router has ended: what is logged through it from now on is shown here only" in run.errors
    assert "cannot be read" not in run.errors


def test_lines_that_ecss_own_mode_loses_are_counted_and_the_way_out_is_named(pillion: Pillion) -> None:
    """The router is not there in time, so the queue of a container that is gone is thrown away by Docker."""
    late = router()
    late["entryPoint"], late["command"] = (
        ["sh", "-c"],
        [f"trap 'exit 0' TERM; {UNTIL_TOLD}; exec /entrypoint.sh"],
    )
    script = "echo one; sleep 1; echo two"
    run = pillion.run(task(late, shell("app", script, **through_firelens("/app"))), "--count-logs")
    assert "app: 2 lines written, firelens cloudwatch_logs: 0 arrived, 2 LOST" in run.errors
    assert "--firelens-mode sync loses none while the router runs" in run.errors


def test_lines_wait_for_a_router_that_starts_late(pillion: Pillion) -> None:
    late = router()
    late["entryPoint"], late["command"] = ["sh", "-c"], ["sleep 1; exec /entrypoint.sh"]
    script = "echo early; sleep 9"
    run = pillion.run(task(late, shell("app", script, **through_firelens("/app"))), "--count-logs")
    assert "app: 1 line written, firelens cloudwatch_logs: 1 arrived, none lost" in run.errors


def test_a_router_that_dies_ends_the_task_if_it_is_essential(pillion: Pillion) -> None:
    dying = router()
    dying["entryPoint"], dying["command"] = ["sh", "-c"], ["sleep 1; exit 7"]
    run = pillion.run(task(dying, shell("app", "sleep 60", **through_firelens("/app"))))
    assert (run.exit_code, run.task["stoppedReason"]) == (7, "Essential container in task exited")


def test_the_application_goes_on_without_a_router_that_is_not_essential(pillion: Pillion) -> None:
    dying = router(essential=False)
    dying["entryPoint"], dying["command"] = ["sh", "-c"], ["exit 7"]
    script = "for i in 1 2 3; do echo line $i; sleep 0.5; done"
    run = pillion.run(task(dying, shell("app", script, **through_firelens("/app"))), "--count-logs")
    assert (run.exit_code, run.messages("app")) == (0, ["line 1", "line 2", "line 3"])
    assert "3 LOST" in run.errors


def test_without_a_queue_a_dead_router_hangs_neither_the_task_nor_the_engine(pillion: Pillion) -> None:
    dying = router(essential=False)
    dying["entryPoint"], dying["command"] = ["sh", "-c"], [KILLED_WHEN_TOLD]
    script = "trap 'exit 0' TERM; while :; do echo a line; sleep 0.01; done"
    app = shell("app", script, **through_firelens("/app"), stopTimeout=2)
    with pillion.session(task(dying, app), "--count-logs", "--firelens-mode", "sync") as session:
        session.until(type="log", container="app")
        tell(pillion, "router")
        session.until(type="container", container="router", to="STOPPED")
        for _ in range(100):  # lines for which nobody listens any more
            session.until(type="log", container="app")
        session.interrupt()
        run = session.finish()
    assert (run.exit_code, run.container("app")["exitCode"]) == (130, 0)
    assert re.search(r"app: \d+ lines written, firelens cloudwatch_logs: \d+ arrived, \d+ LOST", run.errors)


def test_without_a_memory_limit_the_router_gets_the_agents_buffer(pillion: Pillion) -> None:
    unlimited = router()
    del unlimited["memory"]
    value = task(unlimited, shell("app", "echo x", **through_firelens("/app")), memory="512", cpu="256")
    shown = pillion.command("firelens", str(pillion.write(value)))
    assert (shown.returncode, shown.stderr) == (0, "")
    assert "Mem_Buf_Limit 25MB" in shown.stdout
