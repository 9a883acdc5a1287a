"""What containers use, as the engine tells it for many of them at once."""

from __future__ import annotations

from pillion.core.lifecycle.events import Exited
from pillion.core.plan.model import LimitsPlan
from pillion.testing.bench import Bench, End, Program, expect
from pillion.testing.engine_suite.check import CLOCKS_DIFFER_S, MIB, SERVICE, Check, stage_of, stage_with


async def a_sample_says_what_each_running_container_uses(bench: Bench) -> None:
    """One call for all of them; what ended, or never was, is left out."""
    async with stage_of(bench, web=SERVICE, other=SERVICE, done=Program(steps=(End(code=0),))) as stage:
        ids = [(await stage.make(name)).runtime_id for name in ("web", "other", "done")]
        expect(await stage.sample(*ids) == {}, "what was not started uses nothing")
        for name in ("web", "other", "done"):
            await stage.task.start(name, restart=False)
        await stage.wait_for(Exited, "done")
        before_s = bench.clock.now_s()
        samples = await stage.sample(*ids, "0" * 64)
        expect(set(samples) == set(ids[:2]), f"the two that run, and not {set(samples)}")
        for sample in samples.values():
            late_s = bench.clock.now_s() + CLOCKS_DIFFER_S
            expect(before_s - CLOCKS_DIFFER_S <= sample.at_s <= late_s, f"it is from now: {sample}")
            expect(sample.processes, f"it has a process: {sample}")


async def counters_of_a_sample_only_grow(bench: Bench) -> None:
    """What was used stays used, while the container runs."""
    async with stage_of(bench, web=SERVICE) as stage:
        runtime_id = (await stage.make("web")).runtime_id
        await stage.task.start("web", restart=False)
        first = (await stage.sample(runtime_id))[runtime_id]
        second = (await stage.sample(runtime_id))[runtime_id]
        expect(second.cpu_ns >= first.cpu_ns, f"CPU time grows: {first} {second}")
        expect(second.written_bytes >= first.written_bytes, f"so do bytes: {first} {second}")


async def a_sample_knows_the_memory_limit(bench: Bench) -> None:
    """The limit is the container's own, and it uses less than that."""
    async with stage_with(bench, SERVICE, limits=LimitsPlan(memory_bytes=64 * MIB)) as stage:
        runtime_id = (await stage.make("web")).runtime_id
        await stage.task.start("web", restart=False)
        sample = (await stage.sample(runtime_id))[runtime_id]
        expect(sample.memory_limit_bytes == 64 * MIB, f"the limit is 64 MiB: {sample}")
        expect(0 <= sample.memory_bytes < 64 * MIB, f"and less is used: {sample}")


async def a_container_that_runs_again_is_seen_again(bench: Bench) -> None:
    """After a restart its samples go on, whatever process it is now."""
    async with stage_of(bench, web=SERVICE) as stage:
        runtime_id = (await stage.make("web")).runtime_id
        await stage.task.start("web", restart=False)
        expect(runtime_id in await stage.sample(runtime_id), "it runs")
        await stage.task.stop("web", 5.0)
        await stage.wait_for(Exited, "web")
        expect(await stage.sample(runtime_id) == {}, "it has ended")
        await stage.task.start("web", restart=True)
        expect(runtime_id in await stage.sample(runtime_id), "it runs again")


async def asking_a_port_where_nobody_listens_gives_nothing(bench: Bench) -> None:
    """Nor does asking a container that is not there; neither is an error."""
    async with stage_of(bench, web=SERVICE) as stage:
        runtime_id = (await stage.make("web")).runtime_id
        await stage.task.start("web", restart=False)
        expect(await stage.fetch(runtime_id, 9, "/") is None, "nobody listens there")
        expect(await stage.fetch("0" * 64, 9, "/") is None, "and no such container is there")


CHECKS: tuple[Check, ...] = (
    Check.of(a_sample_says_what_each_running_container_uses),
    Check.of(counters_of_a_sample_only_grow),
    Check.of(a_sample_knows_the_memory_limit),
    Check.of(a_container_that_runs_again_is_seen_again),
    Check.of(asking_a_port_where_nobody_listens_gives_nothing),
)
