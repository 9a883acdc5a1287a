"""Hypothesis strategies for the lifecycle: tasks, any events in any order, and engines that answer somehow.

`task_specs` makes tasks that can be resolved, `any_task_specs` also those with circles and unknown names.
`events_of` makes events without regard to what was asked for. `answers_to` lists the ways in which an engine
may answer a command; a run that is driven with them is one that can happen. Needs `hypothesis`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from hypothesis import strategies as st

from pillion.core.lifecycle import commands as cmd
from pillion.core.lifecycle import events as ev
from pillion.core.lifecycle.spec import ContainerSpec, Dependency, ResourceNeed, RestartPolicy, TaskSpec
from pillion.core.lifecycle.states import (
    Condition,
    ContainerKind,
    ContainerStatus,
    HealthStatus,
    PullBehavior,
    StopCode,
)

NAMES = ("app", "envoy", "router", "loader", "agent")
RESOURCES = ("network", "volume:data")
PAUSES = {"pause": ContainerKind.CNI_PAUSE, "namespace": ContainerKind.NAMESPACE_PAUSE}

_EXIT_CODES = st.sampled_from((0, 1, 3, 137, 143))
_TIMES = st.integers(0, 400).map(float)
_ERRORS = st.builds(
    ev.NamedError,
    name=st.sampled_from(("CannotStartContainerError", "CannotPullContainerError", "DockerTimeoutError")),
    text=st.text(max_size=12),
)


@st.composite
def task_specs(draw: st.DrawFn, *, resolvable: bool = True) -> TaskSpec:
    """A task of one to five containers, in any order of definition, with or without pause containers."""
    names = draw(st.lists(st.sampled_from(NAMES), min_size=1, unique=True))
    checked = draw(st.sets(st.sampled_from(names)))
    essential = draw(st.sets(st.sampled_from(names), min_size=1))
    resources = tuple(name for name in RESOURCES if draw(st.booleans()))
    containers = [
        _container(
            draw,
            name,
            others=tuple(names[:index]) if resolvable else (*names, "ghost"),
            checked=checked if resolvable else set(names),
            essential=name in essential,
            has_health_check=name in checked,
            resources=resources,
        )
        for index, name in enumerate(names)
    ]
    pauses = [
        ContainerSpec(name=name, kind=kind, image=f"{name}:1")
        for name, kind in PAUSES.items()
        if draw(st.integers(0, 3)) == 0
    ]
    return TaskSpec(
        task_arn="arn:aws:ecs:us-east-1:000000000000:task/default/1",
        containers=(*pauses, *draw(st.permutations(containers))),
        resources=resources,
        pull_behavior=draw(st.sampled_from(PullBehavior)),
        pull_upfront=draw(st.booleans()),
    )


def any_task_specs() -> st.SearchStrategy[TaskSpec]:
    """A task that need not make sense: circles, unknown names, HEALTHY without a health check."""
    return task_specs(resolvable=False)


def _container(
    draw: st.DrawFn,
    name: str,
    *,
    others: tuple[str, ...],
    checked: set[str],
    essential: bool,
    has_health_check: bool,
    resources: tuple[str, ...],
) -> ContainerSpec:
    waits_for = draw(st.lists(st.sampled_from(others), max_size=3, unique=True)) if others else []
    needs = draw(st.lists(st.sampled_from(resources), max_size=2, unique=True)) if resources else []
    return ContainerSpec(
        name=name,
        image=f"{name}:1",
        essential=essential,
        depends_on=tuple(
            Dependency(container=other, condition=draw(_conditions(other in checked))) for other in waits_for
        ),
        has_health_check=has_health_check,
        start_timeout_s=draw(st.none() | st.sampled_from((2.0, 20.0))),
        stop_timeout_s=draw(st.sampled_from((2.0, 30.0, 120.0))),
        restart=draw(st.none() | _restart_policies()),
        needs=tuple(
            ResourceNeed(
                resource=resource,
                before=draw(st.sampled_from((ContainerStatus.PULLED, ContainerStatus.CREATED))),
            )
            for resource in needs
        ),
    )


def _conditions(has_health_check: bool) -> st.SearchStrategy[Condition]:
    conditions = [item for item in Condition if has_health_check or item is not Condition.HEALTHY]
    return st.sampled_from(conditions)


def _restart_policies() -> st.SearchStrategy[RestartPolicy]:
    return st.builds(
        RestartPolicy,
        ignored_exit_codes=st.frozensets(_EXIT_CODES, max_size=2),
        attempt_period_s=st.sampled_from((0.0, 60.0, 300.0)),
    )


def events_of(spec: TaskSpec) -> st.SearchStrategy[ev.Event]:
    """Any event, of a container that the task has or has not, whether or not it was asked for."""
    containers = st.sampled_from([*(item.name for item in spec.containers), "ghost"])
    resources = st.sampled_from([*spec.resources, "ghost"])
    known: Mapping[str, st.SearchStrategy[Any]] = {
        "container": containers,
        "resource": resources,
        "reason": st.sampled_from(("Task stopped by user", "Deployed anew")),
        "stop_code": st.sampled_from(StopCode),
        "error": _ERRORS,
        "cached": st.booleans(),
        "digest": st.none() | st.just("sha256:1"),
        "pulled": st.booleans(),
        "runtime_id": st.just("id"),
        "image_id": st.none() | st.just("sha256:2"),
        "at_s": _TIMES,
        "may_run": st.booleans(),
        "exit_code": st.none() | _EXIT_CODES,
        "out_of_memory": st.booleans(),
        "status": st.sampled_from(HealthStatus),
        "output": st.text(max_size=8),
        "failing_streak": st.integers(0, 4),
    }

    def member(kind: type[ev.Event], name: str) -> st.SearchStrategy[Any]:
        if kind is ev.Exited and name == "error":
            return st.none() | st.text(max_size=8)
        return known[name]

    return st.one_of(
        [
            st.builds(kind, **{name: member(kind, name) for name in kind.__struct_fields__})
            for kind in ev.EVENT_TYPES
        ]
    )


def answers_to(command: cmd.Command, now_s: float) -> tuple[ev.Event, ...]:
    """Return the ways in which an engine may answer a command at `now_s`; none for a report."""
    if isinstance(command, cmd.PrepareResource):
        error = ev.NamedError(name="CannotCreateVolumeError", text="no space left on device")
        resource = command.resource
        return (ev.ResourceReady(resource=resource), ev.ResourceFailed(resource=resource, error=error))
    if not isinstance(command, cmd.ContainerCommand):
        return ()
    make = _ANSWERS.get(type(command))
    return () if make is None else make(command.container, now_s)


def _manifest_answers(name: str, now_s: float) -> tuple[ev.Event, ...]:
    error = ev.NamedError(name="CannotPullImageManifestError", text="registry is away")
    return (
        ev.ManifestResolved(container=name),
        ev.ManifestFailed(container=name, error=error, cached=True),
        ev.ManifestFailed(container=name, error=error, cached=False),
    )


def _pull_answers(name: str, now_s: float) -> tuple[ev.Event, ...]:
    error = ev.NamedError(name="CannotPullContainerError", text="registry is away")
    return (
        ev.Pulled(container=name),
        ev.PullFailed(container=name, error=error, cached=True),
        ev.PullFailed(container=name, error=error, cached=False),
    )


def _create_answers(name: str, now_s: float) -> tuple[ev.Event, ...]:
    error = ev.NamedError(name="CannotCreateContainerError", text="no such image")
    return (ev.Created(container=name, runtime_id="id"), ev.CreateFailed(container=name, error=error))


def _start_answers(name: str, now_s: float) -> tuple[ev.Event, ...]:
    error = ev.NamedError(name="CannotStartContainerError", text="no such program")
    return (
        ev.Started(container=name, at_s=now_s),
        ev.StartFailed(container=name, error=error),
        ev.StartFailed(container=name, error=error, may_run=True),
    )


def _provision_answers(name: str, now_s: float) -> tuple[ev.Event, ...]:
    error = ev.NamedError(name="ContainerNetworkingError", text="no address left")
    return (ev.Provisioned(container=name), ev.ProvisionFailed(container=name, error=error))


def _end_answers(name: str, now_s: float) -> tuple[ev.Event, ...]:
    error = ev.NamedError(name="CannotStopContainerError", text="the engine refuses")
    return (
        ev.Exited(container=name, exit_code=143, at_s=now_s),
        ev.Exited(container=name, exit_code=137, at_s=now_s, out_of_memory=True),
        ev.Exited(container=name, exit_code=None),
        ev.Vanished(container=name),
        ev.StopFailed(container=name, error=error),
    )


def _wake_answers(name: str, now_s: float) -> tuple[ev.Event, ...]:
    return (ev.StartTimeoutElapsed(container=name),)


_ANSWERS: Mapping[type[cmd.Command], Callable[[str, float], tuple[ev.Event, ...]]] = {
    cmd.ResolveManifest: _manifest_answers,
    cmd.PullImage: _pull_answers,
    cmd.CreateContainer: _create_answers,
    cmd.StartContainer: _start_answers,
    cmd.ProvisionNamespace: _provision_answers,
    cmd.StopContainer: _end_answers,
    cmd.KillContainer: _end_answers,
    cmd.SetStartTimeout: _wake_answers,
}
