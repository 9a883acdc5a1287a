"""A restarted process may end before the engine has answered the call that started it."""

from __future__ import annotations

from pillion.core.lifecycle import events as ev
from pillion.core.lifecycle.machine import handle
from pillion.core.lifecycle.spec import ContainerSpec, RestartPolicy, TaskSpec
from pillion.core.lifecycle.state import TaskState, initial_state
from pillion.core.lifecycle.states import ContainerStatus

WEB = ContainerSpec(name="web", restart=RestartPolicy(attempt_period_s=60.0))


def after(*events: tuple[float, ev.Event]) -> TaskState:
    state = initial_state(TaskSpec(task_arn="arn", containers=(WEB,)))
    for at_s, event in events:
        state = handle(state, event, at_s).state
    return state


RESTARTING = (
    (0.0, ev.StartRequested()),
    (0.0, ev.ManifestResolved(container="web")),
    (0.0, ev.Pulled(container="web")),
    (0.0, ev.Created(container="web", runtime_id="1")),
    (1.0, ev.Started(container="web", at_s=1.0)),
    (70.0, ev.Exited(container="web", exit_code=1, at_s=70.0)),
)


def test_an_exit_told_before_the_restart_is_answered_does_not_hide_the_restart() -> None:
    early = (71.0, ev.Exited(container="web", exit_code=2, at_s=70.5))
    state = after(*RESTARTING, early, (72.0, ev.Started(container="web", at_s=70.1)))
    web = state.containers["web"]
    assert (web.restart_count, web.restarting, web.in_flight) == (1, None, None)


def test_that_exit_counts_when_it_is_told_again() -> None:
    exited = ev.Exited(container="web", exit_code=2, at_s=70.5)
    state = after(*RESTARTING, (71.0, exited), (72.0, ev.Started(container="web", at_s=70.1)), (72.0, exited))
    web = state.containers["web"]
    assert (web.known, web.exit_code) == (ContainerStatus.STOPPED, 2)
