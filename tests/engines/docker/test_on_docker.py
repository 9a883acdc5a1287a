"""A container's life on a real engine: made, started, ended, looked at, stopped, removed."""

from __future__ import annotations

import asyncio
import time

import pytest

from engines.docker.conftest import PATIENCE_S, Run
from engines.docker.making import container, plain, task
from pillion.core.lifecycle.events import Exited, HealthChanged, HealthProbed, Started, Vanished
from pillion.core.lifecycle.states import HealthStatus
from pillion.core.plan.model import HealthProbe, ImagePlan, LimitsPlan
from pillion.engines.docker.client import DockerClient
from pillion.engines.docker.engine import DockerEngine
from pillion.ports.engine import EngineError
from pillion.testing.engine_suite.check import STAMPS_DIFFER_S
from scenarios.running import docker

pytestmark = [pytest.mark.docker, pytest.mark.slow]

MIB = 1024 * 1024


async def test_the_engine_says_what_it_is(engine: DockerEngine) -> None:
    capabilities = await engine.capabilities()
    assert capabilities.local
    assert capabilities.version
    assert capabilities.cgroup_version in (1, 2)


async def test_a_start_says_when_and_an_exit_says_how(run: Run) -> None:
    running = await run(task(plain("web", "exit 3")))
    before_s = time.time()
    await running.create("web")
    at_s = await running.task.start("web", restart=False)
    assert before_s <= at_s <= time.time()
    exited = await running.wait("web", Exited)
    assert isinstance(exited, Exited)
    assert (exited.exit_code, exited.out_of_memory, exited.error) == (3, False, None)
    assert exited.at_s is not None
    assert at_s <= exited.at_s <= time.time()
    assert [type(event) for event in running.of("web")] == [Started, Exited]


async def test_success_is_told_at_once_and_the_details_after(run: Run) -> None:
    running = await run(task(plain("web", "true")))
    await running.start("web")
    await running.wait("web", Exited, count=2)
    first, second = running.of("web", Exited)
    assert isinstance(first, Exited)
    assert isinstance(second, Exited)
    assert (first.exit_code, second.exit_code) == (0, 0)


async def test_out_of_memory_is_told_with_the_exit(run: Run) -> None:
    # First in a child: Docker 20.10 may never hear of it from a container that ends at once.
    eat = "sleep 0.5; tail -c 100m /dev/zero; sleep 0.5; exec tail -c 100m /dev/zero"
    eater = plain("web", eat, limits=LimitsPlan(memory_bytes=8 * MIB))
    running = await run(task(eater))
    await running.start("web")
    exited = await running.wait("web", Exited)
    assert isinstance(exited, Exited)
    assert (exited.exit_code, exited.out_of_memory) == (137, True)


async def test_a_program_that_is_not_there_fails_the_start_with_the_engines_words(run: Run) -> None:
    running = await run(task(container("web", command=("nosuch",))))
    await running.create("web")
    with pytest.raises(EngineError) as failure:
        await running.task.start("web", restart=False)
    assert failure.value.error.name == "CannotStartContainerError"
    assert failure.value.error.text.startswith("Error response from daemon: ")
    assert 'exec: "nosuch": executable file not found in $PATH' in failure.value.error.text
    assert not failure.value.may_run
    assert await running.task.look("web") == ()
    assert running.of("web") == []


async def test_an_image_that_is_not_there_fails_the_create(run: Run) -> None:
    running = await run(task(container("web", image=ImagePlan(reference="nowhere.test/none:1"))))
    with pytest.raises(EngineError) as failure:
        await running.task.create("web", {})
    assert str(failure.value.error) == (
        "CannotCreateContainerError: Error response from daemon: No such image: nowhere.test/none:1"
    )


async def test_a_create_whose_answer_was_lost_finds_its_container_again(run: Run) -> None:
    running = await run(task(container("web")))
    first = await running.create("web")
    assert (await running.task.create("web", {})).runtime_id == first


async def test_starting_twice_says_the_same_time(run: Run) -> None:
    running = await run(task(container("web")))
    await running.create("web")
    first = await running.task.start("web", restart=False)
    assert await running.task.start("web", restart=False) == pytest.approx(first, abs=0.5)


async def test_extra_environment_goes_on_top(run: Run) -> None:
    running = await run(task(plain("web", "echo $A $B", environment={"A": "plan", "B": "plan"})))
    await running.task.create("web", {"B": "extra"})
    await running.task.start("web", restart=False)
    assert await running.output("web") == ["plan extra"]


async def test_a_stop_is_told_as_an_exit_with_the_programs_own_code(run: Run) -> None:
    running = await run(task(plain("web", "trap 'exit 7' TERM; echo hears; while :; do sleep 0.05; done")))
    await running.start("web")
    await running.until_said("web", "hears")
    await running.task.stop("web", 30)
    exited = await running.wait("web", Exited)
    assert isinstance(exited, Exited)
    assert exited.exit_code == 7


async def test_what_ignores_the_stop_is_killed_after_its_timeout(run: Run) -> None:
    running = await run(task(plain("web", "trap '' TERM; echo ignores; while :; do sleep 0.1; done")))
    await running.start("web")
    await running.until_said("web", "ignores")
    began = time.monotonic()
    await running.task.stop("web", 1)
    assert 0.9 < time.monotonic() - began < PATIENCE_S
    exited = await running.wait("web", Exited)
    assert isinstance(exited, Exited)
    assert exited.exit_code == 137


async def test_a_kill_is_at_once(run: Run) -> None:
    running = await run(task(plain("web", "trap '' TERM; while :; do sleep 0.1; done")))
    await running.start("web")
    await running.task.kill("web")
    exited = await running.wait("web", Exited)
    assert isinstance(exited, Exited)
    assert exited.exit_code == 137


async def test_stopping_what_never_ran_is_an_end_without_a_code(run: Run) -> None:
    running = await run(task(container("web")))
    await running.create("web")
    await running.task.stop("web", 5)
    assert await running.wait("web", Exited) == Exited(container="web", exit_code=None)


@pytest.mark.parametrize("how", ["stop", "kill"])
async def test_stopping_what_has_ended_is_no_error(run: Run, how: str) -> None:
    running = await run(task(plain("web", "exit 4")))
    await running.start("web")
    await running.wait("web", Exited)
    await (running.task.stop("web", 5) if how == "stop" else running.task.kill("web"))


async def test_a_container_that_somebody_removed_has_vanished(run: Run, client: DockerClient) -> None:
    running = await run(task(container("web")))
    runtime_id = await running.create("web")
    await running.task.start("web", restart=False)
    await client.delete(f"containers/{runtime_id}", params={"force": "1"})
    await running.wait("web", Vanished)
    assert await running.task.look("web") == (Vanished(container="web"),)


async def test_a_look_at_a_running_container_says_that_it_runs(run: Run) -> None:
    running = await run(task(container("web")))
    await running.create("web")
    at_s = await running.task.start("web", restart=False)
    (event,) = await running.task.look("web")
    assert isinstance(event, Started)
    assert event.at_s == pytest.approx(at_s, abs=STAMPS_DIFFER_S)


async def test_a_look_before_a_container_was_made_sees_nothing(run: Run) -> None:
    running = await run(task(container("web")))
    assert await running.task.look("web") == ()


async def test_a_restart_keeps_the_container(run: Run, client: DockerClient) -> None:
    running = await run(task(plain("web", "echo run; exit 1")))
    first = await running.create("web")
    await running.task.start("web", restart=False)
    await running.wait("web", Exited)
    await running.task.start("web", restart=True)
    await running.wait("web", Exited, count=2)
    inspection = await client.get(f"containers/{running.task.plan.container('web').engine_name}/json")
    assert inspection["Id"] == first
    assert len(running.of("web", Started)) == 2


async def test_health_follows_the_definitions_own_check(run: Run) -> None:
    check = ("CMD-SHELL", "echo looked; test -e /ok")
    probe = HealthProbe(command=check, interval_s=0.3, timeout_s=30.0, retries=2)
    running = await run(task(container("web", health=probe)))
    runtime_id = await running.create("web")
    await running.task.start("web", restart=False)
    await running.wait("web", HealthChanged)
    await asyncio.to_thread(docker, "exec", runtime_id, "touch", "/ok")
    healthy = await running.wait("web", HealthChanged, count=2)
    assert isinstance(healthy, HealthChanged)
    statuses = [
        event.status for event in running.of("web", HealthChanged) if isinstance(event, HealthChanged)
    ]
    assert statuses == [HealthStatus.UNHEALTHY, HealthStatus.HEALTHY]
    assert healthy.output == "looked\n"
    probed = running.of("web", HealthProbed)[0]
    assert isinstance(probed, HealthProbed)
    assert (probed.failing_streak, probed.exit_code) == (1, 1)
    await asyncio.to_thread(docker, "exec", runtime_id, "rm", "/ok")
    unhealthy = await running.wait("web", HealthChanged, count=3)
    assert isinstance(unhealthy, HealthChanged)
    assert (unhealthy.status, unhealthy.exit_code) == (HealthStatus.UNHEALTHY, 1)


async def test_what_is_kept_stays_until_it_is_removed(
    run: Run, engine: DockerEngine, client: DockerClient
) -> None:
    plan = task(container("web"))
    running = await run(plan)
    runtime_id = await running.create("web")
    await running.task.clean_up(keep=True)
    assert (await client.get(f"containers/{runtime_id}/json"))["Id"] == runtime_id
    await engine.open(plan).clean_up(keep=False)


async def test_cleaning_up_ends_the_events_and_may_be_done_twice(run: Run) -> None:
    running = await run(task(container("web")))
    await running.start("web")
    await running.task.clean_up(keep=False)
    await running.task.clean_up(keep=False)
    assert [event async for event in running.task.events()] == []
