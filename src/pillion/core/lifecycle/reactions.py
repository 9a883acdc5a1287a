"""What the machine does about each event of a container: one small function for each `table.Action`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from msgspec.structs import replace

from pillion.core.lifecycle import events as ev
from pillion.core.lifecycle.commands import (
    ReportHealth,
    ReportRestart,
    SetStartTimeout,
    StartContainer,
    StopContainer,
)
from pillion.core.lifecycle.conditions import exit_words, is_waited_for_with_a_clock
from pillion.core.lifecycle.restart import refusal
from pillion.core.lifecycle.spec import ContainerSpec
from pillion.core.lifecycle.state import ContainerState, HealthState
from pillion.core.lifecycle.states import ContainerStatus, HealthStatus, PullBehavior
from pillion.core.lifecycle.stopping import fail_task_start
from pillion.core.lifecycle.table import Action
from pillion.core.lifecycle.turn import Turn

OUTPUT_LENGTH_MAX = 1024
"""ECS keeps this many characters of a health check's output."""

OUT_OF_MEMORY = ev.NamedError(name="OutOfMemoryError", text="Container killed due to memory usage")

UNASKED = "the engine says so"
"""The cause of a status that nobody here asked for."""

_FAILURES: Mapping[type[ev.Event], str] = {
    ev.CreateFailed: "could not be created",
    ev.StartFailed: "could not be started",
    ev.ProvisionFailed: "could not set up the task's network",
}

_FATAL_PULLS = frozenset({PullBehavior.ALWAYS, PullBehavior.ONCE})
"""With these behaviours a failed pull stops the task, essential or not."""

Reaction = Callable[[Turn, ContainerSpec, Any], None]
# The event's type belongs to the action: `table` never pairs an action with another kind of event.


def _drop(turn: Turn, spec: ContainerSpec, event: ev.ContainerEvent) -> None:
    pass


def _note(turn: Turn, spec: ContainerSpec, event: ev.PullStarted | ev.HealthProbed) -> None:
    if isinstance(event, ev.PullStarted):
        if turn.task("pull_started_at_s") is None:
            turn.put_task(pull_started_at_s=turn.now_s)
    elif spec.has_health_check:
        health = turn.containers[spec.name].health
        turn.put(spec.name, health=replace(health, failing_streak=event.failing_streak))


def _resolve(turn: Turn, spec: ContainerSpec, event: ev.ManifestResolved) -> None:
    turn.put(spec.name, image_digest=event.digest)
    cause = f"the image is {event.digest}" if event.digest else "the image needs no manifest lookup"
    turn.move(spec.name, ContainerStatus.MANIFEST_PULLED, cause)


def _tolerate_manifest(turn: Turn, spec: ContainerSpec, event: ev.ManifestFailed) -> None:
    if _ends_the_task(turn, spec, event):
        return
    turn.move(spec.name, ContainerStatus.MANIFEST_PULLED, "the manifest lookup failed; going on")


def _pull(turn: Turn, spec: ContainerSpec, event: ev.Pulled) -> None:
    if event.pulled:
        turn.put_task(pull_stopped_at_s=turn.now_s)
    if event.digest:
        turn.put(spec.name, image_digest=event.digest)
    cause = "the image was pulled" if event.pulled else "the image is here"
    turn.move(spec.name, ContainerStatus.PULLED, cause)


def _tolerate_pull(turn: Turn, spec: ContainerSpec, event: ev.PullFailed) -> None:
    if turn.task("pull_started_at_s") is not None:
        turn.put_task(pull_stopped_at_s=turn.now_s)
    if _ends_the_task(turn, spec, event):
        return
    what = "using the image that is here" if event.cached else "no image is here"
    turn.move(spec.name, ContainerStatus.PULLED, f"the pull failed; {what}")


def _ends_the_task(turn: Turn, spec: ContainerSpec, event: ev.ManifestFailed | ev.PullFailed) -> bool:
    """Record a failed pull; say whether it stops the task, as ECS_IMAGE_PULL_BEHAVIOR has it."""
    turn.record_error(spec.name, event.error)
    lost = turn.spec.pull_upfront and spec.essential and not event.cached
    if isinstance(event, ev.ManifestFailed):
        lost = False  # the pull itself is still to come, and may do better
    if turn.spec.pull_behavior not in _FATAL_PULLS and not lost:
        return False
    failure = f"could not have its image pulled ({event.error.name})"
    turn.put(spec.name, in_flight=None, failure=failure)
    fail_task_start(
        turn,
        event.error,
        cause=f"the image of {spec.name} could not be pulled ({event.error.name})",
        ended_by=spec.name if spec.essential else None,
    )
    return True


def _create(turn: Turn, spec: ContainerSpec, event: ev.Created) -> None:
    state = turn.containers[spec.name]
    turn.put(spec.name, runtime_id=event.runtime_id, image_id=event.image_id, created_at_s=turn.now_s)
    turn.move(spec.name, ContainerStatus.CREATED, state.cause or UNASKED)


def _start(turn: Turn, spec: ContainerSpec, event: ev.Started) -> None:
    state = turn.containers[spec.name]
    turn.put(spec.name, started_at_s=event.at_s, process_started_at_s=event.at_s)
    turn.move(spec.name, ContainerStatus.RUNNING, state.cause or UNASKED)
    if spec.start_timeout_s is not None and is_waited_for_with_a_clock(turn.spec, spec):
        turn.ask(
            SetStartTimeout(
                container=spec.name,
                cause=f"startTimeout of {spec.name} is {spec.start_timeout_s:g} s",
                at_s=event.at_s + spec.start_timeout_s,
            )
        )


def _restart(turn: Turn, spec: ContainerSpec, event: ev.Started) -> None:
    state = turn.containers[spec.name]
    if state.restarting is None:
        return  # "still running": the engine was asked again
    if state.restarting.at_s is not None and event.at_s < state.restarting.at_s:
        return  # the start of the process that has exited, told once more
    turn.put(
        spec.name,
        restarting=None,
        in_flight=None,
        restart_count=state.restart_count + 1,
        last_restart_at_s=turn.now_s,
        process_started_at_s=event.at_s,
        health=HealthState(since_s=turn.now_s),
    )
    turn.ask(ReportRestart(container=spec.name, cause=state.cause, restart_count=state.restart_count + 1))
    if state.health.status is not HealthStatus.UNKNOWN:
        turn.ask(ReportHealth(container=spec.name, cause=state.cause, status=HealthStatus.UNKNOWN))


def _has_a_network(spec: ContainerSpec) -> bool:
    """Say whether the container is one with a network to set up: only those go past RUNNING."""
    return spec.steady is ContainerStatus.RESOURCES_PROVISIONED


def _provision(turn: Turn, spec: ContainerSpec, event: ev.Provisioned) -> None:
    if not _has_a_network(spec):
        return
    turn.move(spec.name, ContainerStatus.RESOURCES_PROVISIONED, "the task's network is ready")


def _fail(
    turn: Turn, spec: ContainerSpec, event: ev.CreateFailed | ev.StartFailed | ev.ProvisionFailed
) -> None:
    if isinstance(event, ev.ProvisionFailed) and not _has_a_network(spec):
        return
    turn.record_error(spec.name, event.error)
    failure = f"{_FAILURES[type(event)]} ({event.error.name})"
    turn.put(spec.name, desired=ContainerStatus.STOPPED, failure=failure)
    if turn.containers[spec.name].in_flight is ContainerStatus.STOPPED:
        return  # a kill is under way already
    turn.put(spec.name, in_flight=None)
    if isinstance(event, ev.StartFailed) and event.may_run:
        cause = f"it {failure} and may run after all"
        turn.put(spec.name, in_flight=ContainerStatus.STOPPED, cause=cause)
        turn.ask(StopContainer(container=spec.name, cause=cause, timeout_s=spec.stop_timeout_s))


def _fail_restart(turn: Turn, spec: ContainerSpec, event: ev.StartFailed) -> None:
    """Take the normal way of an exit after all; the restart's error is no reason of the container."""
    exited = turn.containers[spec.name].restarting
    if exited is not None:
        _end(turn, spec, exited, why=f"its restart failed ({event.error.name})")


def _exit(turn: Turn, spec: ContainerSpec, event: ev.Exited) -> None:
    state = turn.containers[spec.name]
    if _is_of_an_earlier_process(state, event):
        return  # the exit that was restarted, told late
    if state.restarting is not None:
        # The exit that is being restarted, told with more detail; or, told early, that of the next process.
        # The first time stays: by it the restart's own start is known from that of the ended process.
        first_s = event.at_s if state.restarting.at_s is None else state.restarting.at_s
        turn.put(spec.name, restarting=replace(event, at_s=first_s))
        return
    why_not = refusal(spec, state, event.exit_code, turn.now_s)
    if why_not is None:
        cause = f"{spec.name} exited with code {event.exit_code} and has a restart policy"
        turn.put(spec.name, restarting=event, in_flight=ContainerStatus.RUNNING, cause=cause)
        turn.ask(StartContainer(container=spec.name, cause=cause, restart=True))
    elif state.in_flight is ContainerStatus.STOPPED:
        _end(turn, spec, event, why=f"stopped because {state.cause}")
    else:
        _end(turn, spec, event, why=f"not restarted: {why_not}" if spec.restart else None)


def _end(turn: Turn, spec: ContainerSpec, event: ev.Exited, *, why: str | None) -> None:
    turn.put(
        spec.name,
        restarting=None,
        exit_code=event.exit_code,
        finished_at_s=event.at_s if event.at_s is not None else turn.now_s,
    )
    _record_exit_error(turn, spec, event)
    words = exit_words(turn.containers[spec.name])
    turn.move(spec.name, ContainerStatus.STOPPED, f"{words}, {why}" if why else words)


def _is_of_an_earlier_process(state: ContainerState, event: ev.Exited) -> bool:
    return (
        event.at_s is not None
        and state.restart_count > 0
        and state.process_started_at_s is not None
        and event.at_s < state.process_started_at_s
    )


def _exit_unseen(turn: Turn, spec: ContainerSpec, event: ev.Exited) -> None:
    """The engine told of the exit before it answered the start call, or the process never ran at all."""
    if event.exit_code is None:
        _record_exit_error(turn, spec, event)
        turn.move(spec.name, ContainerStatus.STOPPED, "it never ran")
        return
    _start(turn, spec, ev.Started(container=spec.name, at_s=turn.now_s if event.at_s is None else event.at_s))
    _exit(turn, spec, event)


def _detail(turn: Turn, spec: ContainerSpec, event: ev.Exited) -> None:
    state = turn.containers[spec.name]
    if not state.has_run or _is_of_an_earlier_process(state, event):
        return  # what the engine says of a container that never ran is not an exit
    turn.put(
        spec.name,
        exit_code=event.exit_code if state.exit_code is None else state.exit_code,
        finished_at_s=state.finished_at_s if event.at_s is None else event.at_s,
    )
    _record_exit_error(turn, spec, event)


def _record_exit_error(turn: Turn, spec: ContainerSpec, event: ev.Exited) -> None:
    if event.out_of_memory:
        turn.record_error(spec.name, OUT_OF_MEMORY)
    elif event.error:
        turn.record_error(spec.name, ev.NamedError(name="DockerStateError", text=event.error))


def _stop_again(turn: Turn, spec: ContainerSpec, event: ev.Started) -> None:
    state = turn.containers[spec.name]
    if state.finished_at_s is not None and event.at_s <= state.finished_at_s:
        turn.put(spec.name, started_at_s=event.at_s)  # the start that this exit ended, told late
        return
    if not turn.task("stopped_again"):
        turn.put_task(stopped_again=True)
        cause = "it was stopped and runs again"
        turn.ask(StopContainer(container=spec.name, cause=cause, timeout_s=spec.stop_timeout_s))


def _vanish(turn: Turn, spec: ContainerSpec, event: ev.Vanished) -> None:
    error = ev.NamedError(name="ContainerVanishedError", text="No container matching saved ID found")
    turn.record_error(spec.name, error)
    state = turn.containers[spec.name]
    finished_at_s = turn.now_s if state.has_run else None
    turn.put(spec.name, restarting=None, finished_at_s=finished_at_s)
    turn.move(spec.name, ContainerStatus.STOPPED, "the engine no longer knows it")


def _give_up_stop(turn: Turn, spec: ContainerSpec, event: ev.StopFailed) -> None:
    if turn.containers[spec.name].in_flight is not ContainerStatus.STOPPED:
        return  # nobody was stopping it
    turn.record_error(spec.name, event.error)
    turn.put(spec.name, finished_at_s=turn.now_s)
    turn.move(spec.name, ContainerStatus.STOPPED, "it could not be stopped and counts as stopped")


def _health(turn: Turn, spec: ContainerSpec, event: ev.HealthChanged) -> None:
    """Fold a health check's answer; the output is refreshed only when the status changes, as in ECS."""
    state = turn.containers[spec.name]
    if not spec.has_health_check or event.status is state.health.status:
        return
    unhealthy = event.status is HealthStatus.UNHEALTHY
    health = HealthState(
        status=event.status,
        since_s=turn.now_s,
        output=event.output[:OUTPUT_LENGTH_MAX],
        exit_code=event.exit_code if unhealthy else None,
        failing_streak=spec.health_retries if unhealthy else 0,
    )
    turn.put(spec.name, health=health)
    turn.ask(ReportHealth(container=spec.name, cause="its health check", status=event.status))


def _time_out(turn: Turn, spec: ContainerSpec, event: ev.StartTimeoutElapsed) -> None:
    turn.put(spec.name, start_timed_out=True)


REACTIONS: Mapping[Action, Reaction] = {
    Action.DROP: _drop,
    Action.NOTE: _note,
    Action.RESOLVE: _resolve,
    Action.TOLERATE_MANIFEST: _tolerate_manifest,
    Action.PULL: _pull,
    Action.TOLERATE_PULL: _tolerate_pull,
    Action.CREATE: _create,
    Action.START: _start,
    Action.RESTART: _restart,
    Action.PROVISION: _provision,
    Action.FAIL: _fail,
    Action.FAIL_RESTART: _fail_restart,
    Action.EXIT: _exit,
    Action.EXIT_UNSEEN: _exit_unseen,
    Action.DETAIL: _detail,
    Action.STOP_AGAIN: _stop_again,
    Action.VANISH: _vanish,
    Action.GIVE_UP_STOP: _give_up_stop,
    Action.HEALTH: _health,
    Action.TIME_OUT: _time_out,
}


def react(turn: Turn, event: ev.ContainerEvent, action: Action) -> None:
    """Do what `action` says about an event of a container that the task has."""
    REACTIONS[action](turn, turn.spec.container(event.container), event)
