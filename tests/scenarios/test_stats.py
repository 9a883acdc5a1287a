"""`pillion stats` beside a real run, in another process than the one that supervises the task."""

from __future__ import annotations

import json

import pytest

from scenarios.running import Pillion, container, definition

pytestmark = [pytest.mark.docker, pytest.mark.slow]

MIB = 1024 * 1024
BUSY = "echo one; echo two; trap 'exit 0' TERM; while :; do :; done"


def test_what_containers_use_is_shown_against_their_limits(pillion: Pillion) -> None:
    task = definition(container("busy", BUSY), container("calm"))
    with pillion.session(task) as session:
        session.until_running()
        session.until_seen(type="log", container="busy", message="two")
        done = pillion.command("stats", "scenario", "--format", "json")
        text = pillion.command("stats").stdout
        session.interrupt()
    assert done.returncode == 0, done.stderr
    (found,) = json.loads(done.stdout)["tasks"]
    busy, calm = found["containers"]
    assert (busy["name"], busy["lastStatus"], busy["memoryBytesLimit"]) == ("busy", "RUNNING", 64 * MIB)
    # A busy machine gives even a busy container only its share.
    assert busy["cpuPercent"] > max(5, 2 * calm["cpuPercent"])
    assert (busy["logLines"], busy["logBytes"]) == (2, 6)
    assert 0 < busy["memoryBytes"] < 64 * MIB
    assert found["networkRxBytes"] >= 0
    assert "of scenario:1  RUNNING" in text.splitlines()[0]
    assert text.splitlines()[1].startswith("CONTAINER  STATUS")
