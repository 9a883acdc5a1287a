"""Tasks that outlive the terminal, and the process that supervises them: with real containers."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pillion.control.claims import SERVER, find_claimant
from scenarios import local_aws as aws
from scenarios.detached import Detached, ended, free_of_times
from scenarios.running import UNTIL_TOLD, Pillion, container, definition, docker, tell

pytestmark = [pytest.mark.docker, pytest.mark.slow]

TICKS = "trap 'echo bye; exit 0' TERM; i=0; while :; do i=$((i+1)); echo $i; sleep 0.1; done"

ON_SUCCESS = [{"containerName": "loader", "condition": "SUCCESS"}]
LOADED = definition(
    container("loader", "echo loading; sleep 0.5; exit 0", essential=False),
    container("web", "echo serving; sleep 0.5; exit 3", dependsOn=ON_SUCCESS),
)


def running(task: str, name: str) -> str:
    """Return the id of a container that runs."""
    labels = (f"label=dev.pillion.task={task}", f"label=dev.pillion.container={name}")
    return docker("ps", "-q", *(part for label in labels for part in ("--filter", label)))


@pytest.fixture
def detached(pillion: Pillion) -> Iterator[Detached]:
    """Return a pillion with a server; both are ended afterwards, and nothing is left."""
    made = Detached(pillion)
    yield made
    made.end()


def test_a_detached_task_is_listed_described_read_and_waited_for(detached: Detached) -> None:
    task = detached.run(
        definition(
            container("loader", "echo loading; exit 0", essential=False),
            container("web", f"{UNTIL_TOLD}; exit 3", dependsOn=ON_SUCCESS),
        )
    )
    (listed,) = json.loads(detached("ps", "--format", "json"))["tasks"]
    assert (listed["taskId"], listed["family"]) == (task, "scenario:1")
    assert listed["supervisor"].startswith("serve (")
    detached.until(task, type="container", container="web", to="RUNNING")
    tell(detached.pillion, "web")
    done = detached.pillion.command("wait", task)
    assert done.returncode == 3, done.stderr
    assert detached.output(task, "loader") == ["loading"]
    shape = detached.task(task)
    assert (shape["lastStatus"], shape["stopCode"]) == ("STOPPED", "EssentialContainerExited")
    assert json.loads(detached("ps", "--format", "json")) == {"tasks": []}
    assert detached.pillion.command("wait", task).returncode == 3
    assert "web: it ended by itself with 3" in detached("explain", task)


def test_a_detached_task_is_stopped_in_order_with_the_reason_that_was_given(detached: Detached) -> None:
    task = detached.run(definition(container("app", TICKS)))
    detached.until_said(task, "3")
    assert detached("stop", "--reason", "a new one comes").strip() == task
    shape = detached.task(task)
    assert (shape["stopCode"], shape["stoppedReason"]) == ("UserInitiated", "a new one comes")
    assert detached.output(task, "app")[-1] == "bye"
    assert docker("ps", "-aq", "--filter", f"label=dev.pillion.task={task}") == ""


def test_what_the_server_refuses_reaches_the_terminal(detached: Detached) -> None:
    path = detached.pillion.write(definition(container("app", TICKS)))
    done = detached.pillion.command(
        "run", "-d", str(path), "--cluster", detached.pillion.cluster, "--aws", "none"
    )
    assert done.returncode == 0, done.stderr
    detached.pillion.task_ids.append(done.stdout.strip())
    detached.pillion.environment["DOCKER_HOST"] = "unix:///nowhere.sock"
    refused = detached.pillion.command("run", "-d", str(path))
    assert refused.returncode == 125
    assert "The container engine at unix:///nowhere.sock does not answer" in refused.stderr
    assert "Traceback" not in refused.stderr + detached.log()


def test_containers_of_a_killed_server_are_taken_over_and_their_output_is_whole(detached: Detached) -> None:
    task = detached.run(
        definition(
            container("app", TICKS),
            container("brief", f"{UNTIL_TOLD}; echo done; exit 5", essential=False),
            container("doomed", TICKS, essential=False),
        )
    )
    detached.until_said(task, "5")
    detached.end_server(signal.SIGKILL)
    docker("rm", "-f", running(task, "doomed"))
    brief_id = running(task, "brief")
    docker("exec", brief_id, "touch", "/go")
    assert docker("wait", brief_id) == "5"
    (listed,) = json.loads(detached("ps", "--format", "json"))["tasks"]
    assert listed["supervisor"] == "nobody"
    other = detached.run(definition(container("app", "exit 0")))
    detached.pillion.command("wait", other)
    detached.until(task, type="container", container="doomed", to="STOPPED")
    brief, gone = detached.container(task, "brief"), detached.container(task, "doomed")
    assert (brief["lastStatus"], brief["exitCode"]) == ("STOPPED", 5)
    assert gone["reason"] == "ContainerVanishedError: No container matching saved ID found"
    assert detached.container(task, "app")["lastStatus"] == "RUNNING"
    detached("stop", task)
    *ticks, bye = detached.output(task, "app")
    assert ticks == [str(number + 1) for number in range(len(ticks))]
    assert bye == "bye"
    assert detached.output(task, "brief") == ["done"]


def test_a_server_that_ends_leaves_its_tasks_and_the_next_one_goes_on(detached: Detached) -> None:
    task = detached.run(definition(container("app", TICKS)))
    detached.until_said(task, "3")
    detached.end_server(signal.SIGTERM)
    assert "1 task goes on without it" in detached.log()
    assert running(task, "app")
    stopped = detached.pillion.command("stop", task)
    assert stopped.stderr == "pillion: its process is gone: a server is started, and takes it over\n"
    *ticks, bye = detached.output(task, "app")
    assert ticks == [str(number + 1) for number in range(len(ticks))]
    assert bye == "bye"


def test_a_state_folder_that_is_removed_ends_its_tasks_in_order_and_its_server(detached: Detached) -> None:
    task = detached.run(definition(container("app", TICKS)))
    detached.until_said(task, "3")
    server = find_claimant(detached.state, SERVER)
    assert server is not None
    with (detached.state / "server.log").open() as log:
        with ended(server.process_id):
            shutil.rmtree(detached.state)
        assert "is STOPPED: the journal in " in log.read()
    assert docker("ps", "-aq", "--filter", f"label=dev.pillion.task={task}") == ""


def test_a_task_whose_foreground_run_was_killed_is_taken_over(detached: Detached) -> None:
    with detached.pillion.session(definition(container("app", TICKS))) as session:
        session.until(type="log", container="app", message="3")
        session.send(signal.SIGKILL)
    (listed,) = json.loads(detached("ps", "--format", "json"))["tasks"]
    assert listed["supervisor"] == "nobody"
    task = listed["taskId"]
    detached.pillion.task_ids.append(task)
    detached("stop", task)
    *ticks, bye = detached.output(task, "app")
    assert ticks == [str(number + 1) for number in range(len(ticks))]
    assert bye == "bye"


def test_a_second_server_of_a_state_folder_is_refused(detached: Detached) -> None:
    detached.run(definition(container("app", TICKS)))
    refused = detached.pillion.command("serve")
    assert refused.returncode == 125
    assert "one pillion serve is enough for a state folder" in refused.stderr


ASK = """
import os, time, urllib.request
url, told = os.environ["ECS_CONTAINER_METADATA_URI_V4"] + "/task", None
while True:
    try:
        said = bool(urllib.request.urlopen(url, timeout=2).read())
    except OSError:
        said = False
    if said is not told:
        print("told" if said else "not told", flush=True)
    told = said
    time.sleep(0.1)
"""


def test_the_endpoints_of_a_task_are_served_again_when_it_was_taken_over(detached: Detached) -> None:
    task = detached.run(definition(aws.python("app", ASK)))
    detached.until_said(task, "told")
    detached.end_server(signal.SIGKILL)
    with subprocess.Popen(["docker", "logs", "-f", running(task, "app")], stdout=subprocess.PIPE) as logs:
        assert logs.stdout is not None
        assert [next(logs.stdout), next(logs.stdout)] == [b"told\n", b"not told\n"]
        logs.kill()
    detached.pillion.command("wait", detached.run(definition(container("app", "exit 0"))))
    detached.until_said(task, "told", "not told", "told")


def test_log_lines_reach_cloudwatch_across_a_killed_server(detached: Detached) -> None:
    count = "i=0; while [ $i -lt 300 ]; do i=$((i+1)); echo line $i; sleep 0.02; done"
    task = detached.run(aws.task(aws.shell("app", count, **aws.awslogs("/web"))))
    detached.until_said(task, "line 120")
    detached.end_server(signal.SIGKILL)
    other = detached.run(definition(container("app", "exit 0")))
    detached.pillion.command("wait", other)
    assert detached.pillion.command("wait", task).returncode == 0
    detached.end_server(signal.SIGTERM)  # which lets go of local AWS
    state = str(detached.state / "aws-local")
    (held,) = aws.log_events(detached.pillion, "/web", "--aws-state", state).values()
    assert list(dict.fromkeys(held)) == [f"line {number + 1}" for number in range(300)]
    detached("prune")


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, int]:
    """Return how the task ends when nothing happens to its server, and how many writes its journal has."""
    pillion = Pillion(tmp_path_factory.mktemp("undisturbed"))
    detached = Detached(pillion)
    task = detached.run(LOADED)
    detached.pillion.command("wait", task)
    shape = free_of_times(detached.task(task))
    with sqlite3.connect(detached.state / "journal.db") as journal:
        (writes,) = journal.execute("SELECT count(*) FROM events WHERE task_id = ?", (task,)).fetchone()
    detached.end()
    return shape, writes


@pytest.mark.parametrize("part", range(6))
def test_a_server_killed_at_any_write_of_the_journal_changes_nothing_of_the_end(
    detached: Detached, undisturbed: tuple[Any, int], part: int
) -> None:
    wanted, writes = undisturbed
    for write in range(part, writes, 6):
        when = ("before", "after")[write // 6 % 2]
        task = _begin_with_deadly_server(detached, write, when)
        code = detached.pillion.command("wait", task).returncode
        assert code == 3, f"killed {when} write {write}: {detached.log()}"
        assert free_of_times(detached.task(task)) == wanted, f"killed {when} write {write}"
        assert docker("ps", "-aq", "--filter", f"label=dev.pillion.task={task}") == ""
        detached.end_server(signal.SIGTERM)


def _begin_with_deadly_server(detached: Detached, write: int, when: str) -> str:
    """Begin the task on a server that dies at a write; return its id when that server is gone."""
    known = _known(detached.state)
    program = Path(__file__).with_name("deadly_server.py")
    with (detached.state.parent / "deadly.log").open("ab") as log:
        server = subprocess.Popen(
            [sys.executable, str(program), str(write), when],
            stderr=log,
            env={**detached.pillion.environment, "PYTHONPATH": os.pathsep.join(sys.path)},
        )
    path = str(detached.pillion.write(LOADED))
    while server.poll() is None and not (detached.state / "control" / "serve.sock").exists():
        pass
    detached.pillion.command("run", "--detach", path, "--cluster", detached.pillion.cluster)
    assert server.wait(60) == -signal.SIGKILL
    (task,) = _known(detached.state) - known
    detached.pillion.task_ids.append(task)
    return task


def _known(state: Path) -> set[str]:
    if not (state / "journal.db").exists():
        return set()
    with sqlite3.connect(state / "journal.db") as journal:
        return {task_id for (task_id,) in journal.execute("SELECT task_id FROM tasks")}
