"""What fails has ECS's own name for it."""

from __future__ import annotations

import uuid

from msgspec.structs import replace

from pillion.core.lifecycle.events import Exited
from pillion.core.lifecycle.states import PullBehavior
from pillion.core.plan.model import ImagePlan, LimitsPlan
from pillion.testing.bench import Bench, Program, Stage, TakeMemory, expect, expect_error, make_plan
from pillion.testing.engine_suite.check import KILLED, MIB, SERVICE, Check, stage_of, stage_with


async def an_image_that_is_not_here_and_not_pulled_is_a_pull_error(bench: Bench) -> None:
    """With the pull behaviour `never`; nothing was pulled, so nothing is said to have begun."""
    item = replace(bench.container("web", SERVICE), image=ImagePlan(reference=bench.missing_image))
    plan = make_plan(uuid.uuid4().hex, item, pull_behavior=PullBehavior.NEVER)
    begun: list[None] = []
    async with Stage(bench, plan, {"web": SERVICE}) as stage:
        call = stage.task.pull("web", lambda: begun.append(None), lambda _: None)
        error = await expect_error(call, "CannotPullContainerError")
        expect(not error.cached, "no image is here")
        expect(not begun, "no pull has begun")


async def a_container_without_an_image_cannot_be_made(bench: Bench) -> None:
    """As after a failed pull that the pull behaviour lets pass."""
    async with stage_with(bench, SERVICE, image=ImagePlan(reference=bench.missing_image)) as stage:
        error = await expect_error(stage.task.create("web", {}), "CannotCreateContainerError")
        expect(bench.missing_image in str(error), f"the text names the image: {error}")
        expect(await stage.task.look("web") == (), "and there is no container")


async def a_program_that_is_not_there_fails_the_start(bench: Bench) -> None:
    """The container exists and never ran: no exit is told, now or later."""
    async with stage_of(bench, web=Program(missing=True)) as stage:
        await stage.make("web")
        error = await expect_error(stage.task.start("web", restart=False), "CannotStartContainerError")
        expect(not error.may_run, "it certainly does not run")
        expect(await stage.task.look("web") == (), "an inspection shows nothing that ran")
        expect(not stage.told(Exited, "web"), f"no exit is told: {stage.events}")


async def out_of_memory_is_told_with_the_exit(bench: Bench) -> None:
    """ECS shows it as OutOfMemoryError, so it must not get lost."""
    limits = LimitsPlan(memory_bytes=16 * MIB)
    async with stage_with(bench, Program(steps=(TakeMemory(mib=64),)), limits=limits) as stage:
        await stage.start("web")
        exited = await stage.wait_for(Exited, "web", lambda event: event.out_of_memory)
        expect(exited.exit_code == KILLED, f"it was killed: {exited}")


CHECKS: tuple[Check, ...] = (
    Check.of(an_image_that_is_not_here_and_not_pulled_is_a_pull_error),
    Check.of(a_container_without_an_image_cannot_be_made),
    Check.of(a_program_that_is_not_there_fails_the_start),
    Check.of(out_of_memory_is_told_with_the_exit),
)
