"""What a check is, and the few words that checks share."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable, Coroutine
from typing import Any, Self

from msgspec import Struct
from msgspec.structs import replace

from pillion.testing.bench import PATIENCE_S, Ability, Bench, Program, Say, Stage, make_plan

KILLED = 137
"""The exit code of a killed process."""

MIB = 1024 * 1024

CLOCKS_DIFFER_S = 0.05
"""How much an engine's clock may differ from ours, and how coarse its stamps may be."""

STAMPS_DIFFER_S = 0.5
"""How far apart an engine may stamp one start in its event and in an inspection, on a busy machine."""

UP = Say(text="up: a stop will be heard")
"""What a program says first whose way of ending matters: a process hears no signal before it asks for it."""

SERVICE = Program()
STUBBORN = Program(stop_exit_code=None)


class Check(Struct, frozen=True, kw_only=True):
    """One check: a sentence about engines, what an engine needs for it, and how it is made."""

    name: str
    needs: frozenset[Ability]
    run: Callable[[Bench], Coroutine[Any, Any, None]]

    @classmethod
    def of(cls, run: Callable[[Bench], Coroutine[Any, Any, None]], *needs: Ability) -> Self:
        """Return the check that a coroutine makes; its name is the sentence."""
        return cls(name=run.__name__.replace("_", " "), needs=frozenset(needs), run=run)

    def __str__(self) -> str:
        return self.name


async def until_up(stage: Stage, container: str) -> None:
    """Wait until a program has said that it is UP."""
    async with asyncio.timeout(PATIENCE_S):
        async for line in stage.task.logs(container):
            if line.message == UP.text:
                return


def stage_of(bench: Bench, **programs: Program) -> Stage:
    """Return a stage with one container for each program."""
    containers = [bench.container(name, program) for name, program in programs.items()]
    return Stage(bench, make_plan(uuid.uuid4().hex, *containers), programs)


def stage_with(bench: Bench, program: Program, **changes: Any) -> Stage:  # noqa: ANN401 - fields of a plan
    """Return a stage with one container, `web`, some fields of whose plan are changed."""
    plan = replace(bench.container("web", program), **changes)
    return Stage(bench, make_plan(uuid.uuid4().hex, plan), {"web": program})
