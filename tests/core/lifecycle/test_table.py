"""Every container status with every event, whatever is under way."""

from collections.abc import Iterator

import pytest

from core.lifecycle.making import at, container, pause, state_of, task
from pillion.core.lifecycle import events as ev
from pillion.core.lifecycle.machine import Step, handle
from pillion.core.lifecycle.spec import RestartPolicy
from pillion.core.lifecycle.state import TaskState
from pillion.core.lifecycle.states import CONTAINER_PROGRESS, ContainerStatus, HealthStatus, next_status
from pillion.core.lifecycle.table import LEADS_TO, TABLE, Action

NOW_S = 100.0
ERROR = ev.NamedError(name="SomeError", text="no")
EVENTS: tuple[ev.Event, ...] = (
    ev.StartTimeoutElapsed(container="web"),
    ev.ManifestResolved(container="web", digest="sha256:1"),
    ev.ManifestFailed(container="web", error=ERROR, cached=False),
    ev.PullStarted(container="web"),
    ev.Pulled(container="web"),
    ev.PullFailed(container="web", error=ERROR, cached=True),
    ev.Created(container="web", runtime_id="id"),
    ev.CreateFailed(container="web", error=ERROR),
    ev.Started(container="web", at_s=50.0),
    ev.StartFailed(container="web", error=ERROR),
    ev.StartFailed(container="web", error=ERROR, may_run=True),
    ev.Provisioned(container="web"),
    ev.ProvisionFailed(container="web", error=ERROR),
    ev.Exited(container="web", exit_code=1, at_s=90.0),
    ev.Exited(container="web", exit_code=None),
    ev.Vanished(container="web"),
    ev.StopFailed(container="web", error=ERROR),
    ev.HealthChanged(container="web", status=HealthStatus.UNHEALTHY),
    ev.HealthProbed(container="web", failing_streak=2),
)
"""At least one event of every kind that concerns a container."""

NORMAL = container("web", has_health_check=True, restart=RestartPolicy(attempt_period_s=1e6))
SPECS = (task(NORMAL, container("other")), task(pause("web"), container("other")))


def _operations(known: ContainerStatus) -> Iterator[ContainerStatus | None]:
    """Return what can be under way for a container of a status."""
    yield None
    if known is not ContainerStatus.STOPPED:
        yield from {next_status(known), ContainerStatus.STOPPED}


def _states() -> Iterator[TaskState]:
    for spec in SPECS:
        for known in CONTAINER_PROGRESS:
            reachable = known is not ContainerStatus.RESOURCES_PROVISIONED or spec.network_holder == "web"
            for in_flight in _operations(known) if reachable else ():
                for desired in (spec.container("web").steady, ContainerStatus.STOPPED):
                    web = at(known.value, in_flight=in_flight, desired=desired, cause="a test")
                    yield state_of(spec, web=web)
    for desired in (ContainerStatus.RUNNING, ContainerStatus.STOPPED):
        yield state_of(SPECS[0], web=at("RUNNING", desired=desired, cause="a test", **RESTARTING))


RESTARTING = {
    "in_flight": ContainerStatus.RUNNING,
    "restarting": ev.Exited(container="web", exit_code=7, at_s=40.0),
}
STATES = list(_states())


def _every_pair() -> Iterator[tuple[TaskState, ev.Event]]:
    for state in STATES:
        for event in EVENTS:
            yield state, event


def test_the_table_has_an_answer_for_every_event_in_every_status() -> None:
    pairs = {(kind, status) for kind in ev.CONTAINER_EVENT_TYPES for status in CONTAINER_PROGRESS}
    assert set(TABLE) == pairs


def test_every_kind_of_event_takes_part_in_these_tests() -> None:
    assert {type(event) for event in EVENTS} == set(ev.CONTAINER_EVENT_TYPES)


def test_every_action_is_in_the_table_and_leads_somewhere_known() -> None:
    assert set(TABLE.values()) == set(Action) == set(LEADS_TO)


def test_no_status_goes_back_and_nothing_raises_for_any_pair() -> None:
    for state, event in _every_pair():
        after = handle(state, event, NOW_S).state
        for name, before in state.containers.items():
            known = after.containers[name].known
            assert CONTAINER_PROGRESS.index(before.known) <= CONTAINER_PROGRESS.index(known), (state, event)


def test_an_event_that_the_table_drops_changes_nothing_at_all() -> None:
    for state, event in _every_pair():
        known = state.containers["web"].known
        if TABLE[type(event), known] is Action.DROP:
            step = handle(state, event, NOW_S)
            assert step == Step(state, ()), (state, event)
            assert step.state is state


def test_an_event_leads_to_where_the_table_says_or_to_a_stop() -> None:
    for state, event in _every_pair():
        known = state.containers["web"].known
        after = handle(state, event, NOW_S).state.containers["web"]
        wanted_stopped = after.desired is ContainerStatus.STOPPED
        allowed = {known, *LEADS_TO[TABLE[type(event), known]]}
        assert after.known in allowed or (wanted_stopped and after.known is ContainerStatus.STOPPED)


@pytest.mark.parametrize(
    "action", [action for action in Action if LEADS_TO[action]], ids=lambda item: item.name
)
def test_every_status_that_the_table_promises_is_reached(action: Action) -> None:
    reached = {
        handle(state, event, NOW_S).state.containers["web"].known
        for state, event in _every_pair()
        if TABLE[type(event), state.containers["web"].known] is action
    }
    assert reached >= set(LEADS_TO[action])


def test_one_operation_at_most_is_under_way_and_it_leads_forward() -> None:
    for state, event in _every_pair():
        for item in handle(state, event, NOW_S).state.containers.values():
            if item.in_flight is not None and item.restarting is None:
                assert CONTAINER_PROGRESS.index(item.in_flight) > CONTAINER_PROGRESS.index(item.known)


def test_a_stop_that_is_under_way_is_over_only_when_the_container_is_stopped() -> None:
    for state, event in _every_pair():
        before = state.containers["web"]
        after = handle(state, event, NOW_S).state.containers["web"]
        if before.in_flight is ContainerStatus.STOPPED:
            assert ContainerStatus.STOPPED in (after.in_flight, after.known), (state, event)
