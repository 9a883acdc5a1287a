"""Limits of containers and of tasks, as the processes inside feel them."""

from __future__ import annotations

import pytest

from scenarios.running import Pillion, container, definition

pytestmark = [pytest.mark.docker, pytest.mark.slow]

MIB = 1024 * 1024

READ_LIMITS = """
cd /sys/fs/cgroup
if [ -d memory ]; then
  echo memory $(cat memory/memory.limit_in_bytes)
  echo reservation $(cat memory/memory.soft_limit_in_bytes)
  echo shares $(cat cpu/cpu.shares)
else
  echo memory $(cat memory.max)
  echo reservation $(cat memory.low)
  echo weight $(cat cpu.weight)
fi
echo files $(ulimit -Sn) $(ulimit -Hn)
echo shm $(df -k /dev/shm | tail -n 1 | tr -s ' ' | cut -d ' ' -f 2)
"""


EAT = "sleep 0.5; tail -c 200m /dev/zero; sleep 0.5; exec tail -c 200m /dev/zero"
"""Uses up memory, first in a child and then for good.

Docker 20.10 takes note of it only while the container lives: of one that ends at once it may never hear.
"""


def told(run_messages: list[str]) -> dict[str, list[str]]:
    return {line.split()[0]: line.split()[1:] for line in run_messages}


def test_limits_of_a_container_are_in_force(pillion: Pillion) -> None:
    run = pillion.run(
        definition(
            container(
                "app",
                READ_LIMITS,
                memory=96,
                memoryReservation=48,
                cpu=512,
                ulimits=[{"name": "nofile", "softLimit": 777, "hardLimit": 888}],
                linuxParameters={"sharedMemorySize": 7},
            )
        )
    )
    limits = told(run.messages("app"))
    assert limits["memory"] == [str(96 * MIB)]
    assert limits["reservation"] == [str(48 * MIB)]
    assert limits.get("shares") == ["512"] or limits.get("weight") == ["20"]
    assert limits["files"] == ["777", "888"]
    assert limits["shm"] == ["7168"]


def test_a_container_over_its_own_memory_limit_is_killed_by_name(pillion: Pillion) -> None:
    run = pillion.run(definition(container("app", EAT, memory=16)))
    assert (run.exit_code, run.container("app")["reason"]) == (
        137,
        "OutOfMemoryError: Container killed due to memory usage",
    )


def test_the_tasks_memory_is_a_limit_for_all_its_containers(pillion: Pillion) -> None:
    app = container("app", EAT)
    del app["memory"]
    run = pillion.run(definition(app, memory="64", cpu="256"))
    assert (run.exit_code, run.container("app")["reason"]) == (
        137,
        "OutOfMemoryError: Container killed due to memory usage",
    )
    assert (run.task["cpu"], run.task["memory"]) == ("256", "64")


def test_the_tasks_cpu_is_a_hard_cap(pillion: Pillion) -> None:
    # Half a second of work on a quarter of a CPU takes two seconds, however idle the machine is.
    script = (
        "a=$(cut -d ' ' -f 1 /proc/uptime); i=0; while [ $i -lt 150000 ]; do i=$((i+1)); done; "
        "b=$(cut -d ' ' -f 1 /proc/uptime); echo $a $b $(cut -d ' ' -f 14,15 /proc/$$/stat)"
    )
    run = pillion.run(definition(container("app", script), cpu="128", memory="64"))
    before, after, user, system = run.messages("app")[0].split()
    used_s = (int(user) + int(system)) / 100
    assert used_s / (float(after) - float(before)) < 0.25  # an eighth, and room for the period's rounding
    assert used_s > 0.1


def test_swap_is_limited_and_swappiness_said_where_it_has_no_effect(pillion: Pillion) -> None:
    run = pillion.run(
        definition(
            container(
                "app",
                "cat /sys/fs/cgroup/memory/memory.swappiness 2>/dev/null || echo none",
                linuxParameters={"maxSwap": 32, "swappiness": 10},
            )
        )
    )
    assert run.exit_code == 0
    assert run.messages("app") == ["10"] or "swappiness has no effect" in run.errors
