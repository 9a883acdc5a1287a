"""`pillion logs` beside a run, and after it."""

from __future__ import annotations

import pytest

from scenarios.running import UP, Pillion, container, definition

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
