"""`pillion logs` beside a run, and after it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from scenarios.running import TIME_LIMIT_S, UP, Pillion, container, definition

pytestmark = [pytest.mark.docker, pytest.mark.slow]


def test_output_is_there_while_the_task_runs_and_after_its_end(pillion: Pillion) -> None:
    task = definition(container("app"), container("side", "echo out; echo oops >&2; exit 0", essential=False))
    with pillion.session(task) as session:
        session.until_running()
        during = pillion.command("logs", "scenario", "--container", "app")
        session.interrupt()
        session.finish()
    assert (during.returncode, during.stdout) == (0, f"    app | {UP}\n")
    after = pillion.command("logs", "-f")
    assert (after.returncode, after.stderr) == (0, "")
    assert sorted(after.stdout.splitlines()) == sorted([f"    app | {UP}", "   side | out", "   side | oops"])


def test_output_of_a_task_that_is_not_kept_goes_with_it(pillion: Pillion) -> None:
    pillion.write('[run]\nkeep_history = "0"\n', "pillion.toml")
    pillion.run(definition(container("app", "echo gone")))
    done = pillion.command("logs")
    assert (done.returncode, done.stderr) == (
        2,
        "pillion: pillion knows no task: none ran here, or their history is over (keep_history)\n",
    )
    assert list((pillion.folder / "state" / "logs").iterdir()) == []


LINES = 8000
COUNT = f"i=0; while [ $i -lt {LINES} ]; do i=$((i+1)); echo $i; [ $((i%200)) -eq 0 ] && sleep 0.1; done"


@contextmanager
def serving(pillion: Pillion) -> Iterator[subprocess.Popen[str]]:
    """Have a server, and end it with the context unless it has ended."""
    command = [sys.executable, "-m", "pillion", "serve"]
    with subprocess.Popen(
        command, stderr=subprocess.PIPE, text=True, env=pillion.environment, cwd=pillion.folder
    ) as process:
        try:
            assert process.stderr is not None
            process.stderr.readline()  # that it serves
            yield process
        finally:
            process.terminate()
            process.wait(TIME_LIMIT_S)


def test_however_often_the_supervisor_is_killed_each_line_is_kept_once(pillion: Pillion) -> None:
    path = pillion.write(definition(container("app", COUNT)))
    with serving(pillion) as server:
        begun = pillion.command("run", "--detach", str(path), "--cluster", pillion.cluster)
        pillion.task_ids.append(begun.stdout.strip())
        server.kill()
    for _ in range(2):
        with serving(pillion) as server:
            follower = subprocess.Popen(
                [sys.executable, "-m", "pillion", "logs", "-f", "--tail", "0"],
                stdout=subprocess.PIPE,
                text=True,
                env=pillion.environment,
            )
            with follower:
                assert follower.stdout is not None
                follower.stdout.readline()  # it has gone on
                server.kill()
                follower.terminate()
    with serving(pillion):
        done = pillion.command("logs", "-f")
    assert [text.removeprefix("    app | ") for text in done.stdout.splitlines()] == [
        str(number) for number in range(1, LINES + 1)
    ]
