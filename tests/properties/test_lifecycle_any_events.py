"""Any events in any order, on any task: what holds after each of them, whatever the engine says."""

import json
import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pillion.core.lifecycle import commands as cmd
from pillion.core.lifecycle import events as ev
from pillion.core.lifecycle.codec import decode_event, decode_state, encode_event, encode_state
from pillion.core.lifecycle.explain import waiting
from pillion.core.lifecycle.machine import Step, handle
from pillion.core.lifecycle.spec import TaskSpec
from pillion.core.lifecycle.state import TaskState, initial_state
from pillion.core.lifecycle.states import (
    CONTAINER_PROGRESS,
    TASK_PROGRESS,
    ContainerStatus,
    ResourceStatus,
    TaskStatus,
)
from pillion.testing.lifecycle_strategies import any_task_specs, events_of, task_specs

often = settings(max_examples=int(os.environ.get("PILLION_EXAMPLES", "40")), deadline=None)
pytestmark = pytest.mark.slow

Taken = tuple[TaskState, ev.Event, float, Step]

STARTING = (
    cmd.PrepareResource,
    cmd.ResolveManifest,
    cmd.PullImage,
    cmd.CreateContainer,
    cmd.StartContainer,
    cmd.ProvisionNamespace,
)
ASKING = (*STARTING[1:], cmd.StopContainer)


def _take(spec: TaskSpec, events: list[tuple[float, ev.Event]]) -> list[Taken]:
    state = initial_state(spec)
    taken, now_s = [], 0.0
    for wait_s, event in [(0.0, ev.StartRequested()), *events]:
        now_s += wait_s
        step = handle(state, event, now_s)
        taken.append((state, event, now_s, step))
        state = step.state
    return taken


@st.composite
def walks(draw: st.DrawFn, specs: st.SearchStrategy[TaskSpec]) -> list[Taken]:
    spec = draw(specs)
    waits = st.sampled_from((0.0, 1.0, 61.0))
    return _take(spec, draw(st.lists(st.tuples(waits, events_of(spec)), max_size=40)))


@given(walks(task_specs() | any_task_specs()))
@often
def test_statuses_never_go_back(walk: list[Taken]) -> None:
    for before, _, _, (after, _) in walk:
        assert TASK_PROGRESS.index(before.known) <= TASK_PROGRESS.index(after.known)
        assert (before.is_stopping, after.is_stopping) != (True, False)
        for name, old in before.containers.items():
            new = after.containers[name]
            assert CONTAINER_PROGRESS.index(old.known) <= CONTAINER_PROGRESS.index(new.known)
            assert (old.desired, new.desired) != (ContainerStatus.STOPPED, ContainerStatus.RUNNING)


@given(walks(task_specs() | any_task_specs()))
@often
def test_what_was_recorded_first_stays(walk: list[Taken]) -> None:
    for before, _, _, (after, _) in walk:
        for field in ("stop_code", "stop_cause", "created_at_s", "started_at_s", "stopped_at_s"):
            assert getattr(before, field) in (None, getattr(after, field))
        assert before.ended_by == after.ended_by or before.stop_code is None
        for name, old in before.containers.items():
            new = after.containers[name]
            assert old.error in (None, new.error)
            assert old.exit_code in (None, new.exit_code)


@given(walks(task_specs() | any_task_specs()))
@often
def test_every_status_change_is_reported_with_its_cause_and_nothing_else_is(walk: list[Taken]) -> None:
    for before, _, _, (after, commands) in walk:
        statuses = {name: state.known for name, state in before.containers.items()}
        for command in commands:
            assert command.cause
            if isinstance(command, cmd.ReportContainer):
                assert statuses[command.container] is command.before is not command.after
                statuses[command.container] = command.after
        assert statuses == {name: state.known for name, state in after.containers.items()}


@given(walks(task_specs() | any_task_specs()))
@often
def test_an_operation_is_asked_for_when_none_is_under_way_and_is_then_under_way(walk: list[Taken]) -> None:
    for _, event, _, (after, commands) in walk:
        asked = [command.container for command in commands if isinstance(command, ASKING)]
        assert len(asked) == len(set(asked))
        for name in asked:
            again = isinstance(event, ev.Started) and after.containers[name].known is ContainerStatus.STOPPED
            assert after.containers[name].in_flight is not None or again


@given(walks(task_specs() | any_task_specs()))
@often
def test_nothing_is_begun_while_the_task_stops_and_nothing_is_asked_after_its_end(walk: list[Taken]) -> None:
    for before, event, _, (after, commands) in walk:
        if after.is_stopping:
            assert [command for command in commands if isinstance(command, STARTING)] == []
        if before.known is TaskStatus.STOPPED:
            kinds = {type(command) for command in commands}
            assert kinds <= ({cmd.StopContainer} if isinstance(event, ev.Started) else set())


@given(walks(task_specs() | any_task_specs()))
@often
def test_a_task_is_stopped_when_all_its_containers_are_and_is_told_so_once(walk: list[Taken]) -> None:
    told = [
        command.last_status
        for _, _, _, (_, commands) in walk
        for command in commands
        if isinstance(command, cmd.ReportTask)
    ]
    assert told in (
        ["PENDING"],
        ["PENDING", "RUNNING"],
        ["PENDING", "STOPPED"],
        ["PENDING", "RUNNING", "STOPPED"],
    )
    last = walk[-1][3].state
    all_stopped = all(state.known is ContainerStatus.STOPPED for state in last.containers.values())
    assert (last.known is TaskStatus.STOPPED) == all_stopped == (told[-1] == "STOPPED")


@given(walks(task_specs() | any_task_specs()))
@often
def test_an_essential_container_that_is_stopped_takes_the_task_with_it(walk: list[Taken]) -> None:
    for _, _, _, (after, _) in walk:
        for spec in after.spec.containers:
            state = after.containers[spec.name]
            if spec.essential and ContainerStatus.STOPPED in (state.known, state.desired):
                assert after.is_stopping
                assert after.stop_code is not None
        if after.is_stopping:
            assert {state.desired for state in after.containers.values()} == {ContainerStatus.STOPPED}


@given(walks(task_specs() | any_task_specs()))
@often
def test_a_stop_is_never_sent_before_all_dependants_have_ended(walk: list[Taken]) -> None:
    for _, event, _, (after, commands) in walk:
        for command in commands:
            if not isinstance(command, cmd.StopContainer) or isinstance(event, ev.StartFailed | ev.Started):
                continue
            dependants = [
                spec.name
                for spec in after.spec.containers
                if any(edge.container == command.container for edge in spec.depends_on)
            ]
            known = {after.containers[name].known for name in dependants}
            assert known <= {ContainerStatus.STOPPED}


@given(walks(task_specs() | any_task_specs()))
@often
def test_a_container_that_never_ran_has_no_exit_code_but_that_of_a_failed_dependency(
    walk: list[Taken],
) -> None:
    for state in walk[-1][3].state.containers.values():
        if not state.has_run:
            assert state.exit_code in (None, 143)
            assert state.exit_code is None or state.failure is not None


@given(walks(task_specs() | any_task_specs()))
@often
def test_the_same_events_lead_to_the_same_states_and_commands(walk: list[Taken]) -> None:
    for before, event, now_s, step in walk:
        assert handle(before, event, now_s) == step


@given(walks(task_specs() | any_task_specs()))
@often
def test_an_event_without_consequence_gives_back_the_very_same_state(walk: list[Taken]) -> None:
    for before, _, _, (after, commands) in walk:
        assert before != after or (before is after and commands == ())


@given(walks(task_specs() | any_task_specs()))
@often
def test_a_journal_that_was_written_and_read_leads_to_the_same_state(walk: list[Taken]) -> None:
    journal = json.loads(json.dumps([[now_s, encode_event(event)] for _, event, now_s, _ in walk]))
    state = initial_state(walk[0][0].spec)
    for now_s, value in journal:
        state = handle(state, decode_event(value), now_s).state
    assert state == walk[-1][3].state


@given(walks(task_specs() | any_task_specs()))
@often
def test_every_state_survives_being_written_and_read(walk: list[Taken]) -> None:
    state = walk[-1][3].state
    assert decode_state(json.loads(json.dumps(encode_state(state)))) == state


@given(walks(task_specs() | any_task_specs()))
@often
def test_whoever_has_not_arrived_is_explained_in_words(walk: list[Taken]) -> None:
    for _, _, _, (after, _) in walk:
        explained = {item.container: item.text for item in waiting(after)}
        for spec in after.spec.containers:
            mine = after.containers[spec.name]
            settled = mine.known is spec.steady and mine.in_flight is None
            arrived = settled and mine.desired is not ContainerStatus.STOPPED
            assert (spec.name in explained) != (arrived or mine.known is ContainerStatus.STOPPED)


@given(walks(task_specs()))
@often
def test_a_resource_is_decided_once(walk: list[Taken]) -> None:
    for before, _, _, (after, _) in walk:
        for name, status in before.resources.items():
            if status in (ResourceStatus.READY, ResourceStatus.FAILED):
                assert after.resources[name] is status
