from __future__ import annotations

import pytest
from msgspec.structs import replace

from pillion.core.lifecycle.spec import ContainerSpec, TaskSpec
from pillion.core.lifecycle.state import ContainerState, HealthState, TaskState, initial_state
from pillion.core.lifecycle.states import ContainerKind, ContainerStatus, HealthStatus
from pillion.core.timeline.tracks import Phase, Span, Track, phase_of, tracks_of

WEB = ContainerSpec(name="web", has_health_check=True)
SPEC = TaskSpec(task_arn="arn", containers=(ContainerSpec(name="~pause", kind=ContainerKind.CNI_PAUSE), WEB))
S = ContainerStatus


def container(
    known: S, in_flight: S | None = None, health: HealthStatus = HealthStatus.UNKNOWN
) -> ContainerState:
    return ContainerState(known=known, in_flight=in_flight, health=HealthState(status=health))


def task(web: ContainerState) -> TaskState:
    state = initial_state(SPEC)
    return replace(state, containers={**state.containers, "web": web})


@pytest.mark.parametrize(
    ("state", "phase"),
    [
        (container(S.NONE), Phase.WAITS),
        (container(S.NONE, S.MANIFEST_PULLED), Phase.PULLS),
        (container(S.MANIFEST_PULLED, S.PULLED), Phase.PULLS),
        (container(S.PULLED), Phase.WAITS),
        (container(S.PULLED, S.CREATED), Phase.STARTS),
        (container(S.CREATED), Phase.STARTS),
        (container(S.CREATED, S.RUNNING), Phase.STARTS),
        (container(S.RUNNING), Phase.RUNS),
        (container(S.RUNNING, health=HealthStatus.HEALTHY), Phase.HEALTHY),
        (container(S.RUNNING, health=HealthStatus.UNHEALTHY), Phase.UNHEALTHY),
        (container(S.RUNNING, S.STOPPED, HealthStatus.HEALTHY), Phase.STOPS),
        (container(S.STOPPED), None),
    ],
)
def test_a_state_is_one_phase(state: ContainerState, phase: Phase | None) -> None:
    assert phase_of(state, WEB) is phase


def test_a_track_joins_what_stays_the_same_and_ends_with_the_container() -> None:
    ended = replace(container(S.STOPPED), started_at_s=3.0, exit_code=3)
    history = [
        (0.0, task(container(S.NONE, S.MANIFEST_PULLED))),
        (1.0, task(container(S.MANIFEST_PULLED, S.PULLED))),
        (3.0, task(container(S.RUNNING))),
        (9.0, task(ended)),
    ]
    assert tracks_of(history, ended_at_s=10.0) == (
        Track(
            name="web",
            essential=True,
            spans=(
                Span(phase=Phase.PULLS, begins_s=0.0, ends_s=3.0),
                Span(phase=Phase.RUNS, begins_s=3.0, ends_s=9.0),
            ),
            ending="exit 3",
        ),
    )


@pytest.mark.parametrize(
    ("state", "words"),
    [
        (container(S.PULLED), "PENDING"),
        (container(S.RUNNING), "RUNNING"),
        (container(S.RUNNING, health=HealthStatus.UNHEALTHY), "RUNNING, UNHEALTHY"),
        (replace(container(S.RUNNING), restart_count=1), "RUNNING, restarted once"),
        (
            replace(container(S.STOPPED), started_at_s=1.0, exit_code=0, restart_count=2),
            "exit 0, restarted 2 times",
        ),
        (container(S.STOPPED), "never ran"),
        (replace(container(S.STOPPED), started_at_s=1.0), "ended"),
    ],
)
def test_an_ending_is_told_in_a_few_words(state: ContainerState, words: str) -> None:
    assert tracks_of([(0.0, task(state))], ended_at_s=1.0)[0].ending == words
