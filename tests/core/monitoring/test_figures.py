"""A task's figures: what they are put together from, and how they are shown."""

from __future__ import annotations

from core.monitoring.making import BEGAN_S, HOLDER, MIB, figures, running, sample, watched
from pillion.core.columns import format_age
from pillion.core.lifecycle import events as ev
from pillion.core.lifecycle.states import HealthStatus
from pillion.core.monitoring.figures import Written, runtime_ids
from pillion.core.monitoring.sample import Rates
from pillion.core.monitoring.shape import figures_shape
from pillion.core.monitoring.table import figures_text, format_bytes
from pillion.core.roles import Role


def test_a_watched_task_knows_what_each_container_was_given() -> None:
    task = watched()
    web, router, envoy = task.containers
    assert (task.cpu_units, task.memory_mib) == (512, 1024)
    assert (web.cpu_units, web.memory_mib, web.reservation_mib) == (256, 512, 256)
    assert (router.cpu_units, router.memory_mib, router.reservation_mib) == (None, None, 50)
    assert (web.has_health_check, web.logs_through_router) == (True, True)
    assert [item.role for item in (web, router, envoy)] == [Role.APPLICATION, Role.LOG_ROUTER, Role.PROXY]


def test_figures_put_state_samples_and_output_together() -> None:
    state = running(ev.HealthChanged(container="web", status=HealthStatus.UNHEALTHY))
    task = figures(60.0, state=state, written={"web": Written(lines=3, bytes=40)})
    web = task.container("web")
    assert (task.status, web.status, web.health, web.uptime_s) == (
        "RUNNING",
        "RUNNING",
        HealthStatus.UNHEALTHY,
        60.0,
    )
    assert web.rates == Rates(cpu_units=512.0, received_bytes_per_s=1000.0, sent_bytes_per_s=500.0)
    assert (web.cpu_percent, web.memory_limit_bytes, web.memory_percent) == (50.0, 512 * MIB, 100 / 512 * 100)
    assert (web.written, task.container("envoy").written) == (Written(lines=3, bytes=40), Written())
    assert (task.cpu_units, task.memory_bytes) == (3 * 512.0, 300 * MIB)


def test_the_network_of_an_awsvpc_task_is_that_of_its_pause_container() -> None:
    task = figures(60.0)
    assert task.received == sample(60.0).received
    assert (task.received_bytes_per_s, task.sent_bytes_per_s) == (1000.0, 500.0)
    assert figures(60.0, samples={"id-web": sample(60.0)}).received is None
    assert f"id-{HOLDER}" in runtime_ids(running())


def test_what_the_kernel_enforces_is_the_limit_where_it_says_so() -> None:
    samples = {"id-web": sample(60.0, memory_limit_bytes=200 * MIB), "id-router": sample(60.0)}
    task = figures(60.0, samples=samples)
    assert task.container("web").memory_limit_bytes == 200 * MIB
    assert task.container("router").memory_limit_bytes is None
    assert task.container("router").memory_percent is None


def test_a_container_that_has_ended_has_no_use_any_more() -> None:
    state = running(ev.Exited(container="envoy", exit_code=3, at_s=BEGAN_S + 1))
    envoy = figures(60.0, state=state).container("envoy")
    assert (envoy.status, envoy.exit_code, envoy.uptime_s) == ("STOPPED", 3, None)
    assert (envoy.sample, envoy.rates) == (None, None)


TEXT = """\
task 01234567 of shop:3  RUNNING for 1m   cpu 1.00 of 0.5 vCPU: 200%   memory 200 MiB of 1.0 GiB: \
20%   net 1000 B/s / 500 B/s
CONTAINER  STATUS       HEALTH   UPTIME  RESTARTS     CPU   MEMORY    LIMIT       %         NET IN \
/ OUT     BLOCK IN / OUT  PIDS  LOG LINES   LOG
web        RUNNING      UNKNOWN      1m         0  50.0 %  100 MiB  512 MiB  19.5 %  58.6 KiB / \
29.3 KiB  4.0 KiB / 8.0 KiB     2          3  40 B
router     RUNNING      -            1m         0  50.0 %  100 MiB        -       -  58.6 KiB / \
29.3 KiB  4.0 KiB / 8.0 KiB     2          0   0 B
envoy      STOPPED (3)  -             -         0       -        -  128 MiB       -                 \
   -                  -     -          0   0 B"""


def test_figures_as_text() -> None:
    state = running(ev.Exited(container="envoy", exit_code=3, at_s=BEGAN_S + 1))
    shown = figures_text([figures(60.0, state=state, written={"web": Written(lines=3, bytes=40)})])
    assert shown == TEXT


def test_a_task_that_has_ended_says_for_how_long() -> None:
    ends = [
        ev.Exited(container=name, exit_code=0, at_s=BEGAN_S) for name in ("web", "router", "envoy", HOLDER)
    ]
    state = running(ev.KillRequested(), *ends)
    assert figures_text([figures(3700.0, state=state, samples={})]).splitlines()[0] == (
        "task 01234567 of shop:3  STOPPED for 1h 1m"
    )


def test_figures_as_json_leave_out_what_is_not_known() -> None:
    shape = figures_shape(figures(60.0, before={}))
    assert (shape["lastStatus"], shape["at"]) == ("RUNNING", "2023-11-14T22:14:20.000Z")
    assert "cpuUnits" not in shape
    assert shape["containers"][1] == {
        "name": "router",
        "role": "log router",
        "lastStatus": "RUNNING",
        "healthStatus": "UNKNOWN",
        "uptimeSeconds": 60.0,
        "restartCount": 0,
        "memoryBytes": 100 * MIB,
        "networkRxBytes": 60_000,
        "networkTxBytes": 30_000,
        "blockReadBytes": 4096,
        "blockWrittenBytes": 8192,
        "processes": 2,
    }


def test_sizes_and_ages_are_short() -> None:
    assert [format_bytes(size) for size in (0, 1023, 1024, 1023.9 * 1024, 150 * MIB, 5 * 2**40)] == [
        "0 B",
        "1023 B",
        "1.0 KiB",
        "1.0 MiB",
        "150 MiB",
        "5.0 TiB",
    ]
    assert [format_age(age_s) for age_s in (0.4, 59, 60, 3700, 7200, 90_000)] == [
        "0s",
        "59s",
        "1m",
        "1h 1m",
        "2h",
        "1d 1h",
    ]
