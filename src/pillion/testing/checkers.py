"""Promises of ECS that every run has to keep, checked from outside.

A checker sees what was taken, what was asked for and what the state became, and knows the rules only: it
works the conditions out anew instead of asking `core.lifecycle.conditions`, so that a mistake there shows.
Not here: how a single event is answered (unit tests and transcripts), and liveness of a whole run, which
the driver's `Outcome` says.

    for violation in check_run(run.spec, run.moments):
        print(violation)
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from msgspec import Struct

from pillion.core.lifecycle import commands as cmd
from pillion.core.lifecycle import events as ev
from pillion.core.lifecycle.machine import handle
from pillion.core.lifecycle.spec import ContainerSpec, Dependency, TaskSpec
from pillion.core.lifecycle.state import ContainerState, TaskState, initial_state
from pillion.core.lifecycle.states import (
    CONTAINER_PROGRESS,
    TASK_PROGRESS,
    Condition,
    ContainerKind,
    ContainerStatus,
    HealthStatus,
    ResourceStatus,
    TaskStatus,
)
from pillion.engines.simulated.drive import Moment

_S = ContainerStatus
_STARTING = (
    cmd.PrepareResource,
    cmd.ResolveManifest,
    cmd.PullImage,
    cmd.CreateContainer,
    cmd.StartContainer,
    cmd.ProvisionNamespace,
)
_LEADS_TO: dict[type[cmd.Command], ContainerStatus] = {
    cmd.ResolveManifest: _S.MANIFEST_PULLED,
    cmd.PullImage: _S.PULLED,
    cmd.CreateContainer: _S.CREATED,
    cmd.StartContainer: _S.RUNNING,
    cmd.ProvisionNamespace: _S.RESOURCES_PROVISIONED,
}
_ANSWERS: dict[type[cmd.Command], tuple[type[ev.Event], ...]] = {
    cmd.ResolveManifest: (ev.ManifestResolved, ev.ManifestFailed),
    cmd.PullImage: (ev.Pulled, ev.PullFailed),
    cmd.CreateContainer: (ev.Created, ev.CreateFailed),
    cmd.StartContainer: (ev.Started, ev.StartFailed),
    cmd.ProvisionNamespace: (ev.Provisioned, ev.ProvisionFailed),
    cmd.StopContainer: (ev.StopFailed,),
}
_ENDS = (ev.Exited, ev.Vanished)
_TIMED = (Condition.COMPLETE, Condition.SUCCESS, Condition.HEALTHY)
_NEVER_RAN_EXIT_CODE = 143


class Violation(Struct, frozen=True, kw_only=True):
    """A promise that was not kept: which, when, and how it shows."""

    promise: str
    at_s: float
    text: str

    def __str__(self) -> str:
        return f"at {self.at_s:g} s: {self.text} [{self.promise}]"


Broken = Iterator[tuple[float, str]]
Checker = Callable[[TaskSpec, Sequence[Moment]], Broken]


def check_run(spec: TaskSpec, moments: Sequence[Moment]) -> list[Violation]:
    """Return every promise that a run did not keep; an empty list for a good run."""
    return [
        Violation(promise=checker.__name__.replace("_", " "), at_s=at_s, text=text)
        for checker in CHECKERS
        for at_s, text in checker(spec, moments)
    ]


def replay(spec: TaskSpec, journal: Iterable[tuple[float, ev.Event]]) -> tuple[Moment, ...]:
    """Take a journal's events once more, as moments for `check_run`."""
    state = initial_state(spec)
    moments = []
    for at_s, event in journal:
        state, commands = handle(state, event, at_s)
        moments.append(Moment(at_s=at_s, event=event, commands=commands, state=state))
    return tuple(moments)


def nothing_starts_before_its_dependencies_allow_it(spec: TaskSpec, moments: Sequence[Moment]) -> Broken:
    """Create and start wait for dependsOn; so does the pull, unless images are pulled upfront."""
    gated = (cmd.CreateContainer, cmd.StartContainer)
    gated_kinds = gated if spec.pull_upfront else (cmd.PullImage, *gated)
    for moment, command in _commands(moments):
        if not isinstance(command, gated_kinds) or _is_restart(command):
            continue
        for dependency in spec.container(command.container).depends_on:
            if not _holds(spec, moment.state, dependency):
                wish = f"{dependency.container} to be {dependency.condition.value}"
                yield moment.at_s, f"{_words(command)} although it waits for {wish}"


def nothing_is_created_after_a_start_timeout(spec: TaskSpec, moments: Sequence[Moment]) -> Broken:
    """Once a dependency's startTimeout has passed, those who wait for more than its start have failed."""
    for moment, command in _commands(moments):
        if not isinstance(command, cmd.CreateContainer):
            continue
        for dependency in spec.container(command.container).depends_on:
            state = moment.state.containers.get(dependency.container)
            late = state is not None and state.start_timed_out and state.known is not _S.STOPPED
            if late and dependency.condition in _TIMED:
                yield moment.at_s, f"{_words(command)} after {dependency.container} had timed out"


def namespaces_and_resources_come_first(spec: TaskSpec, moments: Sequence[Moment]) -> Broken:
    """Nobody moves before the task's network is there, and nobody enters a status without what it needs."""
    for moment, command in _commands(moments):
        step = _LEADS_TO.get(type(command))
        if step is None or not isinstance(command, cmd.ContainerCommand) or _is_restart(command):
            continue
        item = spec.container(command.container)
        for what in _missing(spec, moment.state, item, step):
            yield moment.at_s, f"{_words(command)} without {what}"


def whoever_may_go_on_does(spec: TaskSpec, moments: Sequence[Moment]) -> Broken:
    """A container never idles while nothing stands in its way."""
    for moment in moments:
        state = moment.state
        if not state.started or state.is_stopping:
            continue
        for item in spec.containers:
            container = state.containers[item.name]
            wants_on = container.desired is item.steady and container.known not in (item.steady, _S.STOPPED)
            if container.in_flight or not wants_on:
                continue
            if _may_go_on(spec, state, item, container.known):
                yield moment.at_s, f"{item.name} stays {container.known.value} although nothing holds it"


def an_essential_container_takes_the_task_with_it(spec: TaskSpec, moments: Sequence[Moment]) -> Broken:
    """Whatever its exit code: an essential container that is STOPPED stops the task."""
    for moment in moments:
        for item in spec.containers:
            ended = moment.state.containers[item.name].known is _S.STOPPED
            if item.essential and ended and not moment.state.is_stopping:
                yield moment.at_s, f"essential {item.name} is STOPPED and the task is not stopping"


def a_task_stops_for_a_reason(spec: TaskSpec, moments: Sequence[Moment]) -> Broken:
    """A stopping task says why, from the first moment on, and the reason stays."""
    reason: tuple[object, ...] | None = None
    for moment in moments:
        state = moment.state
        found = (state.stop_code, state.stopped_reason)
        if not state.is_stopping:
            if found != (None, None):
                yield moment.at_s, f"the task is not stopping and has the reason {found}"
            continue
        if not all(found):
            yield moment.at_s, f"the task is stopping and gives as reason {found}"
        if reason is not None and found[0] is not reason[0]:
            yield moment.at_s, f"the reason of the stop changed from {reason} to {found}"
        reason = found


def containers_stop_in_reverse_order(spec: TaskSpec, moments: Sequence[Moment]) -> Broken:
    """No container is sent a stop before all who declare a dependency on it have ended; pauses go last."""
    for moment, command in _commands(moments):
        if not isinstance(command, cmd.StopContainer) or _is_stray(moment, command):
            continue
        for name in _before_in_stop(spec, command.container):
            if moment.state.containers[name].known is not _S.STOPPED:
                yield moment.at_s, f"{_words(command)} before {name} has ended"


def a_stopping_task_stops_whom_it_can(spec: TaskSpec, moments: Sequence[Moment]) -> Broken:
    """Containers that nobody holds are stopped at the same time, not one after the other."""
    for moment in moments:
        if not moment.state.is_stopping or not moment.state.started:
            continue
        for item in spec.containers:
            container = moment.state.containers[item.name]
            free = all(
                moment.state.containers[name].known is _S.STOPPED for name in _before_in_stop(spec, item.name)
            )
            if free and container.known is not _S.STOPPED and container.in_flight is None:
                yield moment.at_s, f"{item.name} is {container.known.value} and nothing is done to stop it"


def a_stop_waits_its_own_time(spec: TaskSpec, moments: Sequence[Moment]) -> Broken:
    """Each container has its own stopTimeout."""
    for moment, command in _commands(moments):
        if isinstance(command, cmd.StopContainer):
            wanted_s = spec.container(command.container).stop_timeout_s
            if command.timeout_s != wanted_s:
                yield moment.at_s, f"{_words(command)} with {command.timeout_s:g} s instead of {wanted_s:g} s"


def no_status_goes_back(spec: TaskSpec, moments: Sequence[Moment]) -> Broken:
    """Known statuses of containers and of the task only ever go forward."""
    before = initial_state(spec)
    for moment in moments:
        for name, container in moment.state.containers.items():
            was = before.containers[name].known
            if CONTAINER_PROGRESS.index(container.known) < CONTAINER_PROGRESS.index(was):
                yield moment.at_s, f"{name} went back from {was.value} to {container.known.value}"
        if TASK_PROGRESS.index(moment.state.known) < TASK_PROGRESS.index(before.known):
            yield moment.at_s, f"the task went back from {before.known.value} to {moment.state.known.value}"
        before = moment.state


def one_operation_at_a_time(spec: TaskSpec, moments: Sequence[Moment]) -> Broken:
    """A container is asked for nothing while an earlier request is unanswered; only a kill may cut in."""
    asked: dict[str, cmd.Command] = {}
    for moment in moments:
        name = getattr(moment.event, "container", None)
        if name in asked and isinstance(moment.event, (*_ANSWERS[type(asked[name])], *_ENDS)):
            del asked[name]
        for command in moment.commands:
            if type(command) not in _ANSWERS or not isinstance(command, cmd.ContainerCommand):
                continue
            if command.container in asked and not _is_stray(moment, command):
                yield moment.at_s, f"{_words(command)} while {_words(asked[command.container])} is under way"
            asked[command.container] = command


def nothing_starts_once_the_task_is_stopping(spec: TaskSpec, moments: Sequence[Moment]) -> Broken:
    """From the decision to stop on, nothing is prepared, pulled, created or started any more."""
    stopping = False
    for moment, command in _commands(moments):
        stopping = stopping or isinstance(command, cmd.ReportStopping)
        if stopping and isinstance(command, _STARTING):
            yield moment.at_s, f"{_words(command)} although the task is stopping"


def last_status_goes_pending_running_stopped(spec: TaskSpec, moments: Sequence[Moment]) -> Broken:
    """PENDING, then RUNNING if it came to that, then STOPPED: each at most once, and nothing after."""
    told: list[str] = []
    for moment, command in _commands(moments):
        if isinstance(command, cmd.ReportTask):
            told.append(command.last_status)
            order = [status for status in ("PENDING", "RUNNING", "STOPPED") if status in told]
            if told != order:
                yield moment.at_s, f"lastStatus went {' -> '.join(told)}"
        elif told[-1:] == ["STOPPED"] and isinstance(command, cmd.ReportContainer):
            yield moment.at_s, f"{command.container} changed after the task was STOPPED"


def a_stopped_task_has_only_stopped_containers(spec: TaskSpec, moments: Sequence[Moment]) -> Broken:
    """STOPPED is the fold over all containers, pause containers too, and is told exactly once."""
    for moment in moments:
        state = moment.state
        all_ended = all(item.known is _S.STOPPED for item in state.containers.values())
        if (state.known is TaskStatus.STOPPED) is not all_ended:
            yield (
                moment.at_s,
                f"the task is {state.known.value} and all its containers STOPPED is {all_ended}",
            )


def every_command_says_why(spec: TaskSpec, moments: Sequence[Moment]) -> Broken:
    """A cause is a half-sentence that a person can read."""
    for moment, command in _commands(moments):
        if not command.cause.strip() or "None" in command.cause:
            yield moment.at_s, f"{type(command).__name__} has the cause {command.cause!r}"


def reports_follow_one_another(spec: TaskSpec, moments: Sequence[Moment]) -> Broken:
    """Each report of a container begins where the last one ended, and the state agrees with it."""
    last = dict.fromkeys((item.name for item in spec.containers), _S.NONE)
    for moment in moments:
        for command in moment.commands:
            if isinstance(command, cmd.ReportContainer):
                if command.before is not last[command.container]:
                    yield moment.at_s, f"{command.container} was reported {last[command.container].value}"
                last[command.container] = command.after
        for name, container in moment.state.containers.items():
            if container.known is not last[name]:
                yield moment.at_s, f"{name} is {container.known.value} and was reported {last[name].value}"


def health_is_that_of_the_definition(spec: TaskSpec, moments: Sequence[Moment]) -> Broken:
    """Only a health check of the definition makes a container anything but UNKNOWN."""
    for moment in moments:
        for item in spec.containers:
            status = moment.state.containers[item.name].health.status
            if not item.has_health_check and status is not HealthStatus.UNKNOWN:
                yield moment.at_s, f"{item.name} has no health check and is {status.value}"


def what_never_ran_has_no_exit_code(spec: TaskSpec, moments: Sequence[Moment]) -> Broken:
    """Except 143 with its reason, where a dependency could never be satisfied."""
    for moment in moments[-1:]:
        for name, container in moment.state.containers.items():
            if container.has_run or container.exit_code is None:
                continue
            text = container.error.text if container.error else ""
            if container.exit_code != _NEVER_RAN_EXIT_CODE:
                yield moment.at_s, f"{name} never ran and has exit code {container.exit_code}"
            elif container.error is None or not (
                text.startswith("dependency graph: ") or _had_error(container)
            ):
                yield moment.at_s, f"{name} has exit code 143 and the reason {container.error}"


def times_go_forward(spec: TaskSpec, moments: Sequence[Moment]) -> Broken:
    """Created, then started and stopping, in any order for a task that is stopped at once, then stopped."""
    for moment in moments[-1:]:
        state = moment.state
        for between_s in (state.started_at_s, state.stopping_at_s):
            marks = (state.created_at_s, between_s, state.stopped_at_s)
            known = [mark for mark in marks if mark is not None]
            if known != sorted(known):
                yield moment.at_s, f"the task's times are {known}"


CHECKERS: tuple[Checker, ...] = (
    nothing_starts_before_its_dependencies_allow_it,
    nothing_is_created_after_a_start_timeout,
    namespaces_and_resources_come_first,
    whoever_may_go_on_does,
    an_essential_container_takes_the_task_with_it,
    a_task_stops_for_a_reason,
    containers_stop_in_reverse_order,
    a_stopping_task_stops_whom_it_can,
    a_stop_waits_its_own_time,
    no_status_goes_back,
    one_operation_at_a_time,
    nothing_starts_once_the_task_is_stopping,
    last_status_goes_pending_running_stopped,
    a_stopped_task_has_only_stopped_containers,
    every_command_says_why,
    reports_follow_one_another,
    health_is_that_of_the_definition,
    what_never_ran_has_no_exit_code,
    times_go_forward,
)
"""Every promise; its name is the sentence that a violation shows."""


def _commands(moments: Sequence[Moment]) -> Iterator[tuple[Moment, cmd.Command]]:
    for moment in moments:
        for command in moment.commands:
            yield moment, command


def _words(command: cmd.Command) -> str:
    about = getattr(command, "container", None) or getattr(command, "resource", "")
    return f"{type(command).__name__} {about}".rstrip()


def _is_restart(command: cmd.Command) -> bool:
    return isinstance(command, cmd.StartContainer) and command.restart


def _is_stray(moment: Moment, command: cmd.ContainerCommand) -> bool:
    """Say whether a process is stopped that should not be there: its start failed, or it came back."""
    mine = getattr(moment.event, "container", None) == command.container
    return mine and isinstance(moment.event, ev.StartFailed | ev.Started)


def _holds(spec: TaskSpec, state: TaskState, dependency: Dependency) -> bool:
    if not spec.has_container(dependency.container):
        return False
    other = spec.container(dependency.container)
    container = state.containers[other.name]
    ended = container.known is _S.STOPPED
    return {
        Condition.CREATE: container.known in (_S.CREATED, _S.RUNNING, _S.RESOURCES_PROVISIONED, _S.STOPPED),
        Condition.START: ended or container.known is other.steady,
        Condition.COMPLETE: ended and container.exit_code is not None,
        Condition.SUCCESS: ended and container.exit_code == 0,
        Condition.HEALTHY: other.has_health_check and container.health.status is HealthStatus.HEALTHY,
    }[dependency.condition]


def _missing(spec: TaskSpec, state: TaskState, item: ContainerSpec, step: ContainerStatus) -> Iterator[str]:
    for need in item.needs:
        reached = CONTAINER_PROGRESS.index(step) >= CONTAINER_PROGRESS.index(need.before)
        if reached and state.resources[need.resource] is not ResourceStatus.READY:
            yield need.resource
    if item.kind is not ContainerKind.NORMAL:
        return
    for other in spec.containers:
        known = state.containers[other.name].known
        if other.kind is ContainerKind.CNI_PAUSE and known is not _S.RESOURCES_PROVISIONED:
            yield "the network"
        waits = other.kind is ContainerKind.NAMESPACE_PAUSE and step is not _S.MANIFEST_PULLED
        if waits and known is not _S.RUNNING:
            yield "the shared namespaces"


def _may_go_on(spec: TaskSpec, state: TaskState, item: ContainerSpec, known: ContainerStatus) -> bool:
    step = CONTAINER_PROGRESS[CONTAINER_PROGRESS.index(known) + 1]
    ungated = (_S.MANIFEST_PULLED, _S.PULLED) if spec.pull_upfront else (_S.MANIFEST_PULLED,)
    free = step in ungated or all(_holds(spec, state, dependency) for dependency in item.depends_on)
    return free and not list(_missing(spec, state, item, step))


def _before_in_stop(spec: TaskSpec, name: str) -> list[str]:
    """Return those who have to have ended before a container is stopped."""
    pause = spec.container(name).kind is not ContainerKind.NORMAL
    return [
        other.name
        for other in spec.containers
        if any(edge.container == name for edge in other.depends_on)
        or (pause and other.kind is ContainerKind.NORMAL)
    ]


def _had_error(container: ContainerState) -> bool:
    """Say whether an earlier error, which ECS never replaces, stands where the dependency's text would."""
    return container.error is not None and container.error.name != "CannotStartContainerError"
