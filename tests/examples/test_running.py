"""The examples and the demo on a real engine show what their READMEs say."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
pytestmark = [pytest.mark.docker, pytest.mark.slow]


@pytest.fixture(scope="module", autouse=True)
def images() -> None:
    """Make the images of the examples; nothing to do in most runs."""
    subprocess.run([sys.executable, REPOSITORY / "images/build.py"], check=True, stdout=subprocess.DEVNULL)


def _run(definition: str, *options: str) -> tuple[int, list[dict[str, Any]]]:
    """Run an example; return the exit code and what the run printed."""
    command = [
        *(sys.executable, "-m", "pillion", "run", f"examples/{definition}"),
        *("--format", "json", *options),
    ]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=60, check=False)
    return done.returncode, [json.loads(line) for line in done.stdout.splitlines()]


def _exit_codes(events: list[dict[str, Any]]) -> dict[str, int | None]:
    return {each["name"]: each.get("exitCode") for each in events[-1]["task"]["containers"]}


def test_a_crash_of_the_processor_leaves_the_writer_running() -> None:
    code, events = _run("shared-volume/task.json", "--stop-after", "15s")
    crashed = next(n for n, e in enumerate(events) if "giving up after 5 orders" in e.get("message", ""))
    written_later = [
        e["message"] for e in events[crashed:] if e.get("container") == "writer" and "message" in e
    ]
    assert (code, _exit_codes(events)) == (0, {"writer": 0, "processor": 1})
    assert written_later


def test_a_loader_that_fails_keeps_the_application_from_starting() -> None:
    code, events = _run("config-loader/task-failing.json")
    ran = {e["container"] for e in events if e["type"] == "container" and e["to"] == "RUNNING"}
    assert (code, ran, _exit_codes(events)) == (125, {"loader"}, {"loader": 1, "web": 143})


def test_the_demo_sees_all_that_it_promises_to_show() -> None:
    done = subprocess.run(
        [sys.executable, "scripts/demo.py"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=150,
        check=False,
    )
    others = [
        line for line in done.stderr.splitlines() if not line.startswith("pillion: note: router: AWS's")
    ]
    assert (done.returncode, others) == (0, [])
