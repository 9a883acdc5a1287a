"""Tasks on an engine that answers everything asked for, somehow and in any order."""

import os
from collections.abc import Sequence
from typing import TypeVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pillion.core.lifecycle import commands as cmd
from pillion.core.lifecycle import events as ev
from pillion.core.lifecycle.explain import WaitKind, waiting
from pillion.core.lifecycle.machine import handle
from pillion.core.lifecycle.spec import TaskSpec
from pillion.core.lifecycle.state import TaskState, initial_state
from pillion.core.lifecycle.states import ContainerStatus, HealthStatus, TaskStatus
from pillion.engines.simulated.drive import Moment
from pillion.testing.checkers import check_run
from pillion.testing.lifecycle_strategies import answers_to, task_specs

T = TypeVar("T")

STEPS_MAX = 60

often = settings(max_examples=int(os.environ.get("PILLION_EXAMPLES", "50")), deadline=None)
pytestmark = pytest.mark.slow


class World:
    """An engine in the hands of Hypothesis: it draws what is answered, in which order, and what happens."""

    def __init__(self, spec: TaskSpec, data: st.DataObject) -> None:
        self._data = data
        self.now_s = 0.0
        self.state: TaskState = initial_state(spec)
        self.open: list[cmd.Command] = []
        self.moments: list[Moment] = []

    def take(self, event: ev.Event) -> None:
        self.state, commands = handle(self.state, event, self.now_s)
        self.moments.append(Moment(at_s=self.now_s, event=event, commands=commands, state=self.state))
        self.open += [command for command in commands if answers_to(command, self.now_s)]

    def answer_one(self) -> None:
        command = self._choice(self.open)
        self.open.remove(command)
        self.now_s += self._choice((0.0, 0.5, 70.0))
        self.take(self._choice(answers_to(command, self.now_s)))

    def _choice(self, options: Sequence[T]) -> T:
        index: int = self._data.draw(st.integers(0, len(options) - 1))
        return options[index]

    def something_happens(self) -> None:
        alive = [name for name, state in self.state.containers.items() if _is_alive(state.known)]
        if not alive:
            return
        name = self._choice(alive)
        self.now_s += self._choice((0.5, 70.0, 400.0))
        happenings: list[ev.Event] = [
            ev.Exited(container=name, exit_code=0, at_s=self.now_s),
            ev.Exited(container=name, exit_code=1, at_s=self.now_s),
            ev.HealthChanged(container=name, status=HealthStatus.HEALTHY),
            ev.HealthChanged(container=name, status=HealthStatus.UNHEALTHY),
            ev.Vanished(container=name),
        ]
        self.take(self._choice(happenings))

    def live(self) -> None:
        self.take(ev.StartRequested())
        for _ in range(self._choice(range(STEPS_MAX))):
            answered = self._choice((True, True, True, False))
            if self.open and answered:
                self.answer_one()
            else:
                self.something_happens()

    def end(self, event: ev.Event) -> None:
        self.take(event)
        while self.open:
            self.answer_one()


def _is_alive(status: ContainerStatus) -> bool:
    return status in (ContainerStatus.RUNNING, ContainerStatus.RESOURCES_PROVISIONED)


@given(task_specs(), st.data())
@often
def test_a_stop_ends_every_task_when_everything_asked_for_is_answered(
    spec: TaskSpec, data: st.DataObject
) -> None:
    world = World(spec, data)
    world.live()
    world.end(ev.StopRequested())
    assert world.state.known is TaskStatus.STOPPED
    assert world.state.stopped_reason != "TaskStateError: Agent could not progress task's state to stopped"


@given(task_specs(), st.data())
@often
def test_a_kill_ends_every_task_when_everything_asked_for_is_answered(
    spec: TaskSpec, data: st.DataObject
) -> None:
    world = World(spec, data)
    world.live()
    world.end(ev.KillRequested())
    assert world.state.known is TaskStatus.STOPPED


@given(task_specs(), st.data())
@often
def test_every_run_keeps_the_promises_that_the_checkers_know(spec: TaskSpec, data: st.DataObject) -> None:
    world = World(spec, data)
    world.live()
    world.end(ev.StopRequested())
    assert [str(violation) for violation in check_run(spec, world.moments)] == []


@given(task_specs(), st.data())
@often
def test_a_task_that_stands_still_waits_for_a_dependency_or_has_arrived(
    spec: TaskSpec, data: st.DataObject
) -> None:
    world = World(spec, data)
    world.take(ev.StartRequested())
    while world.open:
        world.answer_one()
    if world.state.known not in (TaskStatus.STOPPED, TaskStatus.RUNNING):
        kinds = {item.kind for item in waiting(world.state)}
        assert WaitKind.DEPENDENCY in kinds
