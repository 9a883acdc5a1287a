"""Health checks, as Docker counts them."""

from __future__ import annotations

from msgspec.structs import replace

from pillion.core.lifecycle.events import Exited, HealthChanged, HealthProbed
from pillion.core.lifecycle.states import HealthStatus
from pillion.testing.bench import Bench, End, Program, TurnHealthy, TurnUnhealthy, Wait, expect
from pillion.testing.engine_suite.check import SERVICE, Check, stage_of, stage_with


async def a_health_check_turns_healthy_and_the_probes_before_are_told(bench: Bench) -> None:
    """The people who wait see probes fail until one succeeds."""
    probe = replace(bench.probe(), retries=10)
    program = Program(steps=(Wait(for_s=2.5), TurnHealthy()))
    async with stage_with(bench, program, health=probe) as stage:
        await stage.start("web")
        await stage.wait_for(HealthProbed, "web", lambda event: event.failing_streak >= 1)
        change = await stage.wait_for(HealthChanged, "web")
        expect(change.status is HealthStatus.HEALTHY, f"the first change is to HEALTHY: {change}")
        seen = [event.status for event in await stage.task.look("web") if isinstance(event, HealthChanged)]
        expect(seen == [HealthStatus.HEALTHY], f"an inspection says the same: {seen}")


async def a_health_check_turns_unhealthy_after_its_retries(bench: Bench) -> None:
    """With the exit code of the probe that decided."""
    async with stage_with(bench, SERVICE, health=replace(bench.probe(), retries=2)) as stage:
        await stage.start("web")
        change = await stage.wait_for(HealthChanged, "web")
        expect(change.status is HealthStatus.UNHEALTHY, f"two failures in a row decide: {change}")
        expect(change.exit_code == 1, f"the probe ended with 1: {change}")


async def health_comes_and_goes(bench: Bench) -> None:
    """HEALTHY is not for ever."""
    program = Program(steps=(TurnHealthy(), Wait(for_s=5.0), TurnUnhealthy()))
    async with stage_with(bench, program, health=replace(bench.probe(), retries=1)) as stage:
        await stage.start("web")
        await stage.wait_for(HealthChanged, "web", lambda event: event.status is HealthStatus.UNHEALTHY)
        told = [event.status for event in stage.told(HealthChanged, "web")]
        expect(told == [HealthStatus.HEALTHY, HealthStatus.UNHEALTHY], f"one after the other: {told}")


async def failures_in_the_start_period_do_not_count(bench: Bench) -> None:
    """A slow start is not a failure."""
    probe = replace(bench.probe(), retries=1, start_period_s=60.0)
    program = Program(steps=(Wait(for_s=2.5), TurnHealthy()))
    async with stage_with(bench, program, health=probe) as stage:
        await stage.start("web")
        change = await stage.wait_for(HealthChanged, "web")
        expect(change.status is HealthStatus.HEALTHY, f"the first change is to HEALTHY: {change}")


async def without_a_health_check_there_is_no_health(bench: Bench) -> None:
    """Whatever the image brings."""
    async with stage_of(bench, web=Program(steps=(Wait(for_s=1.5), End(code=0)))) as stage:
        await stage.start("web")
        await stage.wait_for(Exited, "web")
        told = [*stage.told(HealthChanged, "web"), *stage.told(HealthProbed, "web")]
        expect(not told, f"nothing is told of its health: {told}")


CHECKS: tuple[Check, ...] = (
    Check.of(a_health_check_turns_healthy_and_the_probes_before_are_told),
    Check.of(a_health_check_turns_unhealthy_after_its_retries),
    Check.of(health_comes_and_goes),
    Check.of(failures_in_the_start_period_do_not_count),
    Check.of(without_a_health_check_there_is_no_health),
)
