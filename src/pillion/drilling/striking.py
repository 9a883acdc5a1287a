"""Making the fault of a case on the engine, and taking it back."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from pathlib import Path

from pillion.core.lifecycle.states import ContainerKind
from pillion.core.plan.model import ContainerPlan, TaskPlan
from pillion.drilling.altering import ILL_FILE, VOLUME_BYTES
from pillion.drilling.faults import HELD, Case, Fault
from pillion.ports.injector import InjectionUnavailableError, Injector


class Striker:
    """Makes one fault of one task.

    Attributes:
        holds: whether a fault is there now that can be taken back.
    """

    def __init__(self, case: Case, plan: TaskPlan, *, injector: Injector, gate_folder: Path) -> None:
        self._case = case
        self._injector = injector
        self._ill = gate_folder / ILL_FILE
        self._target = _target(case, plan)
        self.holds = False

    async def make(self) -> None:
        """Make the fault. Raises InjectionUnavailableError. What is there from the start needs nothing."""
        name, injector = self._target.engine_name, self._injector
        self.holds = self._case.fault in HELD  # also where it fails half-way
        match self._case.fault:
            case Fault.KILL:
                await injector.kill(name)
            case Fault.EXIT_0:
                await injector.end(name, 0)
            case Fault.EXIT_1:
                await injector.end(name, 1)
            case Fault.MEMORY:
                await injector.exhaust_memory(name)
            case Fault.FREEZE:
                await injector.freeze(name)
            case Fault.UNHEALTHY:
                await asyncio.to_thread(self._ill.touch)
            case Fault.VOLUME:
                for mount in self._target.mounts:
                    if mount.volume in self._case.volumes and not mount.read_only:
                        await injector.fill(name, mount.container_path, VOLUME_BYTES)
            case Fault.NETWORK:
                await injector.cut_network(name)
            case Fault.NEVER_HEALTHY | Fault.DELAY:
                pass

    async def lift(self) -> None:
        """Take the fault back, where it can be; again does no harm."""
        if not self.holds:
            return
        self.holds = False
        with suppress(InjectionUnavailableError):
            match self._case.fault:
                case Fault.FREEZE:
                    await self._injector.thaw(self._target.engine_name)
                case Fault.NETWORK:
                    await self._injector.mend_network(self._target.engine_name)
                case _:
                    await asyncio.to_thread(self._ill.unlink, missing_ok=True)


def _target(case: Case, plan: TaskPlan) -> ContainerPlan:
    """The container that is harmed: of a whole task the one that holds its network."""
    if case.container is not None:
        return plan.container(case.container)
    return next(item for item in plan.containers if item.kind is ContainerKind.CNI_PAUSE)
