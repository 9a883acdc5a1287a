"""A whole task in one call: the machine and the simulated world driven through virtual time.

This is what rehearsals, drills, property tests and fleet simulations use. It does what the runtime's loop
does (take an event, ask the machine, perform, look now and then), without an event loop, as fast as Python
goes; a task of five containers takes a few milliseconds however long it runs in its own time.

Surprising: a run ends when the task is STOPPED, but also when nothing can happen any more. A task that then
waits for something that will never come is STUCK: ECS would leave it in PENDING for ever.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from enum import Enum

from msgspec import Struct

from pillion.core.lifecycle import commands as cmd
from pillion.core.lifecycle import events as ev
from pillion.core.lifecycle.conditions import NotYet, judge_all
from pillion.core.lifecycle.machine import handle
from pillion.core.lifecycle.spec import TaskSpec
from pillion.core.lifecycle.state import TaskState, initial_state
from pillion.core.lifecycle.states import ContainerStatus, TaskStatus, is_before
from pillion.engines.simulated.faults import NO_FAULTS, Faults
from pillion.engines.simulated.scene import Scene
from pillion.engines.simulated.world import World
from pillion.ports.engine import LogLine

HORIZON_S = 6 * 3600.0
"""How long a task is followed. A health check as slow as ECS allows is decided within an hour."""

EVENTS_MAX = 100_000
"""How many events are taken. A task takes a handful per container: this many go in circles."""

LOOK_WHILE_BLOCKED_S = 5.0
LOOK_WHEN_STEADY_S = 300.0
"""How often containers are inspected, as the ECS agent does. Only where an event may have been lost."""


class Outcome(Enum):
    """How a run ended."""

    STOPPED = "the task stopped"
    STEADY = "every container has started or finished, and nothing more will happen by itself"
    STUCK = "the task waits for something that will never happen"
    UNFINISHED = "things were still happening at the end of the time"


class Moment(Struct, frozen=True, kw_only=True):
    """One event that was taken at `at_s`: what was asked for then, and the state that it led to."""

    at_s: float
    event: ev.Event
    commands: tuple[cmd.Command, ...]
    state: TaskState


class Ask(Struct, frozen=True, kw_only=True):
    """Something that somebody wants of the task at `at_s`: StopRequested, KillRequested."""

    at_s: float
    event: ev.Event


class Run(Struct, frozen=True, kw_only=True):
    """All that happened to one task. `moments` leaves out events that changed nothing, as a journal does."""

    spec: TaskSpec
    moments: tuple[Moment, ...]
    lines: tuple[LogLine, ...]
    state: TaskState
    outcome: Outcome
    ended_at_s: float

    def moments_with(self, kind: type[cmd.Command]) -> Iterator[tuple[float, cmd.Command]]:
        """Yield each command of a kind with the time at which it was asked for."""
        for moment in self.moments:
            for command in moment.commands:
                if isinstance(command, kind):
                    yield moment.at_s, command


def drive(
    spec: TaskSpec,
    scene: Scene,
    *,
    asks: Sequence[Ask] = (),
    faults: Faults = NO_FAULTS,
    begins_at_s: float = 0.0,
    horizon_s: float = HORIZON_S,
    drain: bool = False,
) -> Run:
    """Run a task in a simulated world until it is STOPPED or nothing more can happen.

    Args:
        spec: the task as the lifecycle sees it.
        scene: the same containers as the world sees them.
        asks: stops and kills, at times counted from the beginning.
        faults: what goes wrong around the containers.
        begins_at_s: the time at which the task is started; times of the run are on this scale.
        horizon_s: how long the task is followed at most.
        drain: also take what is told after the task is STOPPED, as a runner does that adopts it again.
    """
    driver = _Driver(spec, World(scene, faults, begins_at_s=begins_at_s), begins_at_s, drain=drain)
    driver.looks = faults.may_lose_events
    driver.later(begins_at_s, ev.StartRequested())
    for ask in asks:
        driver.later(begins_at_s + ask.at_s, ask.event)
    return driver.run(begins_at_s + horizon_s)


class _Driver:
    def __init__(self, spec: TaskSpec, world: World, now_s: float, *, drain: bool) -> None:
        self.looks = False
        self._spec = spec
        self._world = world
        self._drain = drain
        self._state = initial_state(spec)
        self._moments: list[Moment] = []
        self._lines: list[LogLine] = []
        self._later: list[tuple[float, int, ev.Event]] = []
        self._entries = 0
        self._now_s = now_s
        self._next_look_s: float | None = None

    def later(self, at_s: float, event: ev.Event) -> None:
        """Take an event when its time comes."""
        self._entries += 1
        heapq.heappush(self._later, (at_s, self._entries, event))

    def run(self, until_s: float) -> Run:
        self._plan_look()
        outcome = self._follow(until_s)
        if outcome is Outcome.STOPPED and self.looks:
            self._look()  # an out-of-memory flag may be told after the exit
        return Run(
            spec=self._spec,
            moments=tuple(self._moments),
            lines=tuple(self._lines),
            state=self._state,
            outcome=outcome,
            ended_at_s=self._now_s,
        )

    def _follow(self, until_s: float) -> Outcome:
        while len(self._moments) < EVENTS_MAX:
            if self._has_stopped() and not self._drain:
                return Outcome.STOPPED
            world_s = self._world.next_at_s()
            later_s = self._later[0][0] if self._later else None
            times = [at_s for at_s in (world_s, later_s) if at_s is not None]
            look_s = self._next_look_s
            if not times:
                if self._has_stopped() or look_s is None or not self._look_changes_something(look_s):
                    return self._outcome_when_idle()
                continue
            at_s = min(times)
            if at_s > until_s:
                return Outcome.UNFINISHED
            if look_s is not None and look_s < at_s and not self._has_stopped():
                self._look_changes_something(look_s)
                continue
            self._now_s = max(self._now_s, at_s)
            if at_s == world_s:
                self._step_world()
            else:
                self._take(heapq.heappop(self._later)[2])
        return Outcome.UNFINISHED

    def _step_world(self) -> None:
        for told in self._world.step():
            if isinstance(told.what, LogLine):
                self._lines.append(told.what)
            else:
                self._take(told.what)
                self._look_after_restart(told.what)

    def _take(self, event: ev.Event) -> None:
        state, commands = handle(self._state, event, self._now_s)
        if state is self._state and not commands:
            return
        self._state = state
        self._moments.append(Moment(at_s=self._now_s, event=event, commands=commands, state=state))
        for command in commands:
            if isinstance(command, cmd.SetStartTimeout):
                self.later(command.at_s, ev.StartTimeoutElapsed(container=command.container))
            else:
                self._world.perform(command, self._now_s)

    def _plan_look(self) -> None:
        if self.looks:
            period_s = LOOK_WHILE_BLOCKED_S if is_blocked(self._state) else LOOK_WHEN_STEADY_S
            self._next_look_s = self._now_s + period_s

    def _look_changes_something(self, at_s: float) -> bool:
        self._now_s = max(self._now_s, at_s)
        before = self._state
        self._look()
        self._plan_look()
        return self._state is not before

    def _look_after_restart(self, event: ev.Event) -> None:
        """Look once at who was restarted, as the performer does: its exit may have been told too early."""
        if isinstance(event, ev.Started) and self._state.containers[event.container].restart_count:
            for seen in self._world.look(event.container):
                self._take(seen)

    def _look(self) -> None:
        for name, container in self._state.containers.items():
            if container.has_run:
                for event in self._world.look(name):
                    self._take(event)

    def _has_stopped(self) -> bool:
        return self._state.known is TaskStatus.STOPPED

    def _outcome_when_idle(self) -> Outcome:
        if self._has_stopped():
            return Outcome.STOPPED
        arrived = not self._state.is_stopping and all(
            self._state.containers[item.name].known in (item.steady, ContainerStatus.STOPPED)
            for item in self._spec.containers
        )
        return Outcome.STEADY if arrived else Outcome.STUCK


def is_blocked(state: TaskState) -> bool:
    """Say whether a container waits for a dependency."""
    return not state.is_stopping and any(
        isinstance(answer, NotYet)
        for item in state.spec.containers
        if is_before(state.containers[item.name].known, item.steady)
        for answer in judge_all(state.spec, state.containers, item)
    )
