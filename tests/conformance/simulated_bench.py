"""The simulated engine, ready for the conformance suite: programs become scripts of behaviour."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec.structs import replace

from pillion.core.plan.model import ContainerPlan, HealthProbe, ImagePlan
from pillion.engines.simulated.behaviour import Behaviour, Life, Line
from pillion.engines.simulated.engine import SimulatedEngine, SimulatedTask
from pillion.engines.simulated.virtual_time import VirtualClock
from pillion.ports.clock import Clock
from pillion.ports.engine import Engine, EngineTask
from pillion.testing.bench import (
    Ability,
    End,
    Program,
    Say,
    TakeMemory,
    TurnHealthy,
    TurnUnhealthy,
    Wait,
)

IMAGE = "simulated/image:1"


class SimulatedBench:
    """A bench whose engine runs nothing: no files, no network, no environment."""

    abilities: frozenset[Ability] = frozenset()
    missing_image = "simulated/nothing:1"

    def __init__(self) -> None:
        self.clock: Clock = VirtualClock()

    def engine(self, programs: Mapping[str, Program]) -> SimulatedEngine:
        behaviours = {name: behaviour_of(program) for name, program in programs.items()}
        return SimulatedEngine(behaviours, clock=self.clock)

    def engine_of_another_process(self, engine: Engine, programs: Mapping[str, Program]) -> Engine:
        return engine  # the simulated machine is inside of it

    def container(self, name: str, program: Program) -> ContainerPlan:
        return ContainerPlan(name=name, engine_name=name, arn=name, image=ImagePlan(reference=IMAGE))

    def holder(self, name: str) -> ContainerPlan:
        raise NotImplementedError("there is no network here")

    def probe(self) -> HealthProbe:
        return HealthProbe(command=("CMD", "simulated"), interval_s=1.0, timeout_s=1.0)

    async def remove_by_hand(self, task: EngineTask, container: str) -> None:
        assert isinstance(task, SimulatedTask)
        task.remove_by_hand(container)

    async def left_behind(self, task: EngineTask) -> Sequence[str]:
        assert isinstance(task, SimulatedTask)
        return task.containers_left()


def behaviour_of(program: Program) -> Behaviour:
    """Return the script of a program: its waits become the times at which the rest happens."""
    life, at_s = Life(healthy_after_s=None), 0.0
    for step in program.steps:
        match step:
            case Wait(for_s=for_s):
                at_s += for_s
            case Say(text=text, stream=stream):
                line = Line(message=text, after_s=at_s, stream=stream)
                life = replace(life, output=(*life.output, line))
            case TurnHealthy():
                life = replace(life, healthy_after_s=at_s)
            case TurnUnhealthy():
                life = replace(life, unhealthy_after_s=at_s)
            case TakeMemory(mib=mib):
                life = replace(life, memory_mib=mib, memory_after_s=at_s)
            case End(code=code):
                life = replace(life, exits_after_s=at_s, exit_code=code)
            case _:
                raise NotImplementedError(f"{step} is beyond a simulated container")
    if program.stop_exit_code is None:
        life = replace(life, stops_after_s=None)
    else:
        life = replace(life, stop_exit_code=program.stop_exit_code)
    missing = "exec: no such file or directory" if program.missing else None
    return Behaviour(start_error=missing, lives=(life,))
