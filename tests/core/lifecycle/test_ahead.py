"""Which containers may be made before the machine asks for them."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from core.lifecycle.making import at, container, pause, state_of, task
from pillion.core.lifecycle.ahead import creatable_ahead
from pillion.core.lifecycle.spec import ResourceNeed
from pillion.core.lifecycle.state import ContainerState, initial_state
from pillion.core.lifecycle.states import ContainerStatus, ResourceStatus, TaskStatus

WAITING = container("web", waits={"init": "SUCCESS"})
NONE, RUNNING = at("NONE"), at("RUNNING")


def test_one_that_waits_for_another_may_be_made() -> None:
    state = state_of(task(container("init"), WAITING), init=RUNNING, web=at("PULLED"))
    assert creatable_ahead(state) == ("web",)


@pytest.mark.parametrize(
    ("web", "why"),
    [
        (at("CREATED"), "it is made"),
        (at("RUNNING"), "it runs"),
        (at("STOPPED"), "it is over"),
        (at("PULLED", desired=ContainerStatus.STOPPED), "nobody wants it any more"),
        (at("PULLED", in_flight=ContainerStatus.CREATED), "it is being made"),
    ],
)
def test_one_that_is_made_or_will_not_be_may_not(web: ContainerState, why: str) -> None:
    state = state_of(task(container("init"), WAITING), init=RUNNING, web=web)
    assert "web" not in creatable_ahead(state), why


def test_one_that_can_never_start_may_not() -> None:
    state = state_of(task(container("init"), WAITING), init=at("STOPPED", exit_code=1), web=at("PULLED"))
    assert creatable_ahead(state) == ()


def test_the_pause_container_has_to_be_made_and_need_not_run() -> None:
    spec = task(pause(), container("web"))
    assert creatable_ahead(state_of(spec, pause=at("PULLED"))) == ("pause",)
    assert creatable_ahead(state_of(spec, pause=at("CREATED"))) == ("web",)


def test_a_pause_container_is_made_of_nothing_that_a_resource_brings() -> None:
    needy = replace(pause(), needs=(ResourceNeed(resource="network", before=ContainerStatus.CREATED),))
    state = state_of(task(needy, container("web"), resources=("network",)), pause=at("PULLED"))
    preparing = replace(state, resources={"network": ResourceStatus.PREPARING})
    assert creatable_ahead(preparing) == ("pause",)


def test_what_it_needs_of_the_task_has_to_be_ready() -> None:
    needy = replace(WAITING, needs=(ResourceNeed(resource="secrets", before=ContainerStatus.CREATED),))
    state = state_of(task(container("init"), needy, resources=("secrets",)), init=RUNNING, web=at("PULLED"))
    preparing = replace(state, resources={"secrets": ResourceStatus.PREPARING})
    assert creatable_ahead(preparing) == ()
    assert creatable_ahead(replace(state, resources={"secrets": ResourceStatus.READY})) == ("web",)


@pytest.mark.parametrize(("upfront", "expected"), [(True, ("web",)), (False, ())])
def test_where_pulls_wait_so_does_this(upfront: bool, expected: tuple[str, ...]) -> None:
    state = state_of(task(container("init"), WAITING, pull_upfront=upfront), init=RUNNING, web=NONE)
    assert creatable_ahead(state) == expected


def test_nothing_is_made_for_a_task_that_has_not_begun_or_is_stopping() -> None:
    spec = task(container("init"), WAITING)
    assert creatable_ahead(initial_state(spec)) == ()
    state = state_of(spec, init=RUNNING, web=at("PULLED"))
    assert creatable_ahead(replace(state, desired=TaskStatus.STOPPED)) == ()
