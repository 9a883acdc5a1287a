"""The lines of a transcript as values, and back: definitions, events, and what the machine answers.

    task pull=always upfront=no
    resource volume:data
    container envoy healthCheck startTimeout=20 needs=volume:data:PULLED
    container web nonessential dependsOn=envoy:HEALTHY stopTimeout=5 restart=60 ignore=0,3

A container is essential unless it says `nonessential`. Its image is its name with the tag 1. Durations are
seconds. The words for events stand in `_EVENTS`; an error is written `Name: text` and ends its line.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from msgspec.structs import replace

from pillion.core.lifecycle import commands as cmd
from pillion.core.lifecycle import events as ev
from pillion.core.lifecycle.spec import (
    STOP_TIMEOUT_DEFAULT_S,
    ContainerSpec,
    Dependency,
    ResourceNeed,
    RestartPolicy,
    TaskSpec,
)
from pillion.core.lifecycle.state import ContainerState, TaskState
from pillion.core.lifecycle.states import (
    Condition,
    ContainerKind,
    ContainerStatus,
    HealthStatus,
    PullBehavior,
    reported_task_status,
)

TASK_ARN = "arn:aws:ecs:us-east-1:000000000000:task/default/0123456789abcdef0123456789abcdef"

EMPTY_TASK = TaskSpec(task_arn=TASK_ARN, containers=())


class LineError(ValueError):
    """A line is not understood; the message says which part and what is possible."""


def add_to_spec(spec: TaskSpec, line: str) -> TaskSpec:
    """Return a task with what a `task`, `resource` or `container` line adds to it. Raises LineError."""
    word, _, rest = line.partition(" ")
    match word:
        case "task":
            return _task(spec, rest.split())
        case "resource":
            return replace(spec, resources=(*spec.resources, *rest.split()))
        case "container":
            return replace(spec, containers=(*spec.containers, _container(rest.split())))
        case _:
            raise LineError(f"{word!r} is no definition: write task, resource or container")


def _task(spec: TaskSpec, options: Iterable[str]) -> TaskSpec:
    for option in options:
        key, _, value = option.partition("=")
        match key:
            case "pull":
                spec = replace(spec, pull_behavior=PullBehavior(value))
            case "upfront":
                spec = replace(spec, pull_upfront=value == "yes")
            case _:
                raise LineError(f"{option!r} is no option of a task: write pull=… or upfront=yes|no")
    return spec


def _container(words: list[str]) -> ContainerSpec:
    if not words:
        raise LineError("a container needs a name")
    spec = ContainerSpec(name=words[0], image=f"{words[0]}:1")
    for word in words[1:]:
        key, _, value = word.partition("=")
        if key not in _CONTAINER_OPTIONS:
            known = ", ".join(_CONTAINER_OPTIONS)
            raise LineError(f"{word!r} is no option of a container; there are {known}")
        try:
            spec = _CONTAINER_OPTIONS[key](spec, value)
        except (ValueError, KeyError) as error:
            raise LineError(f"{word!r} is not understood: {error}") from error
    return spec


def _depends_on(spec: ContainerSpec, value: str) -> ContainerSpec:
    found = []
    for entry in value.split(","):
        name, _, condition = entry.rpartition(":")
        found.append(Dependency(container=name, condition=Condition(condition)))
    return replace(spec, depends_on=(*spec.depends_on, *found))


def _edges(condition: Condition, source: str) -> Callable[[ContainerSpec, str], ContainerSpec]:
    def add(spec: ContainerSpec, value: str) -> ContainerSpec:
        found = [Dependency(container=name, condition=condition, source=source) for name in value.split(",")]
        return replace(spec, depends_on=(*spec.depends_on, *found))

    return add


def _restart(spec: ContainerSpec, value: str) -> ContainerSpec:
    policy = RestartPolicy(attempt_period_s=float(value)) if value else RestartPolicy()
    return replace(spec, restart=policy)


def _ignore(spec: ContainerSpec, value: str) -> ContainerSpec:
    codes = frozenset(int(code) for code in value.split(","))
    return replace(spec, restart=replace(spec.restart or RestartPolicy(), ignored_exit_codes=codes))


def _needs(spec: ContainerSpec, value: str) -> ContainerSpec:
    resource, _, before = value.rpartition(":")
    need = ResourceNeed(resource=resource, before=ContainerStatus(before))
    return replace(spec, needs=(*spec.needs, need))


_CONTAINER_OPTIONS: Mapping[str, Callable[[ContainerSpec, str], ContainerSpec]] = {
    "essential": lambda spec, _: replace(spec, essential=True),
    "nonessential": lambda spec, _: replace(spec, essential=False),
    "networkPause": lambda spec, _: replace(spec, kind=ContainerKind.CNI_PAUSE),
    "namespacePause": lambda spec, _: replace(spec, kind=ContainerKind.NAMESPACE_PAUSE),
    "dependsOn": _depends_on,
    "links": _edges(Condition.START, "links"),
    "volumesFrom": _edges(Condition.CREATE, "volumesFrom"),
    "logsThrough": _edges(Condition.START, "awsfirelens"),
    "healthCheck": lambda spec, value: replace(spec, has_health_check=True, health_retries=int(value or 3)),
    "startTimeout": lambda spec, value: replace(spec, start_timeout_s=float(value)),
    "stopTimeout": lambda spec, value: replace(spec, stop_timeout_s=float(value) or STOP_TIMEOUT_DEFAULT_S),
    "restart": _restart,
    "ignore": _ignore,
    "needs": _needs,
}


def read_event(text: str, now_s: float) -> ev.Event:
    """Return the event that a line stands for. Raises LineError."""
    word, _, rest = text.partition(" ")
    if word not in _EVENTS:
        raise LineError(f"{word!r} is no event; there are {', '.join(_EVENTS)}")
    try:
        return _EVENTS[word](rest.strip(), now_s)
    except (ValueError, IndexError) as error:
        raise LineError(f"{text!r} is not understood: {error}") from error


def _error(text: str) -> ev.NamedError:
    name, found, rest = text.partition(": ")
    if not found:
        raise ValueError("an error is written `Name: text`")
    return ev.NamedError(name=name, text=rest)


def _named(text: str) -> tuple[str, ev.NamedError]:
    name, _, rest = text.partition(" ")
    return name, _error(rest)


def _pull_error(text: str) -> tuple[str, bool, ev.NamedError]:
    name, where, rest = text.split(" ", 2)
    if where not in ("cached", "missing"):
        raise ValueError("say whether the image is here: cached or missing")
    return name, where == "cached", _error(rest)


def _stop(text: str, now_s: float) -> ev.Event:
    return ev.StopRequested(reason=text) if text else ev.StopRequested()


def _resource_failed(text: str, now_s: float) -> ev.Event:
    resource, error = _named(text)
    return ev.ResourceFailed(resource=resource, error=error)


def _manifest_failed(text: str, now_s: float) -> ev.Event:
    name, cached, error = _pull_error(text)
    return ev.ManifestFailed(container=name, cached=cached, error=error)


def _pull_failed(text: str, now_s: float) -> ev.Event:
    name, cached, error = _pull_error(text)
    return ev.PullFailed(container=name, cached=cached, error=error)


def _manifest(text: str, now_s: float) -> ev.Event:
    name, _, digest = text.partition(" ")
    return ev.ManifestResolved(container=name, digest=digest or None)


def _pulled(text: str, now_s: float) -> ev.Event:
    name, _, where = text.partition(" ")
    return ev.Pulled(container=name, pulled=where != "cached")


def _started(text: str, now_s: float) -> ev.Event:
    name, options = _options(text)
    return ev.Started(container=name, at_s=float(options.get("at", now_s)))


def _start_failed(text: str, now_s: float) -> ev.Event:
    name, _, rest = text.partition(" ")
    may_run = rest.startswith("may-run ")
    return ev.StartFailed(container=name, may_run=may_run, error=_error(rest.removeprefix("may-run ")))


def _exited(text: str, now_s: float) -> ev.Event:
    head, _, error = text.partition(" error=")
    words = head.split(" ")
    name, options = _options(" ".join([words[0], *words[2:]]))
    return ev.Exited(
        container=name,
        exit_code=None if words[1] == "?" else int(words[1]),
        at_s=float(options.get("at", now_s)),
        out_of_memory="oom" in options,
        error=error or None,
    )


def _health(text: str, now_s: float) -> ev.Event:
    name, status = text.split(" ")
    return ev.HealthChanged(container=name, status=HealthStatus(status))


def _probe(text: str, now_s: float) -> ev.Event:
    name, streak = text.split(" ")
    return ev.HealthProbed(container=name, failing_streak=int(streak))


def _create_failed(text: str, now_s: float) -> ev.Event:
    name, error = _named(text)
    return ev.CreateFailed(container=name, error=error)


def _provision_failed(text: str, now_s: float) -> ev.Event:
    name, error = _named(text)
    return ev.ProvisionFailed(container=name, error=error)


def _stop_failed(text: str, now_s: float) -> ev.Event:
    name, error = _named(text)
    return ev.StopFailed(container=name, error=error)


def _options(text: str) -> tuple[str, dict[str, str]]:
    name, *rest = text.split(" ")
    return name, {key: value for key, _, value in (word.partition("=") for word in rest)}


_EVENTS: Mapping[str, Callable[[str, float], ev.Event]] = {
    "start": lambda text, now_s: ev.StartRequested(),
    "stop": _stop,
    "kill": lambda text, now_s: ev.KillRequested(),
    "ready": lambda text, now_s: ev.ResourceReady(resource=text),
    "resource-failed": _resource_failed,
    "manifest": _manifest,
    "manifest-failed": _manifest_failed,
    "pull-started": lambda text, now_s: ev.PullStarted(container=text),
    "pulled": _pulled,
    "pull-failed": _pull_failed,
    "created": lambda text, now_s: ev.Created(container=text, runtime_id=f"id-of-{text}"),
    "create-failed": _create_failed,
    "started": _started,
    "start-failed": _start_failed,
    "provisioned": lambda text, now_s: ev.Provisioned(container=text),
    "provision-failed": _provision_failed,
    "exited": _exited,
    "vanished": lambda text, now_s: ev.Vanished(container=text),
    "stop-failed": _stop_failed,
    "health": _health,
    "probe": _probe,
    "start-timeout": lambda text, now_s: ev.StartTimeoutElapsed(container=text),
}


def answer_to(command: cmd.Command) -> tuple[str, str] | None:
    """Return what an engine without fault answers: the kind of work and the line of the event.

    None for a timer and for a report, which are answered by nobody.
    """
    match command:
        case cmd.PrepareResource(resource=resource):
            return "prepare", f"ready {resource}"
        case cmd.ResolveManifest(container=name):
            return "manifest", f"manifest {name}"
        case cmd.PullImage(container=name):
            return "pull", f"pulled {name}"
        case cmd.CreateContainer(container=name):
            return "create", f"created {name}"
        case cmd.StartContainer(container=name):
            return "start", f"started {name}"
        case cmd.ProvisionNamespace(container=name):
            return "provision", f"provisioned {name}"
        case cmd.StopContainer(container=name):
            return "stop", f"exited {name} 143"
        case cmd.KillContainer(container=name):
            return "stop", f"exited {name} 137"
        case _:
            return None


_DOINGS: Mapping[type[cmd.Command], str] = {
    cmd.ResolveManifest: "manifest",
    cmd.PullImage: "pull",
    cmd.CreateContainer: "create",
    cmd.StartContainer: "start",
    cmd.ProvisionNamespace: "provision",
    cmd.KillContainer: "kill",
}


def command_line(command: cmd.Command) -> str:
    """Return a command as a line: `do …` for what is asked for, the rest for what is reported."""
    return f"{_command_words(command)}: {command.cause}"


def _command_words(command: cmd.Command) -> str:
    match command:
        case cmd.ReportTask(last_status=status):
            return f"task {status}"
        case cmd.ReportStopping():
            return "task stopping"
        case cmd.ReportContainer(container=name, before=before, after=after):
            return f"{name} {before.value} -> {after.value}"
        case cmd.ReportHealth(container=name, status=status):
            return f"{name} {status.value}"
        case cmd.ReportRestart(container=name, restart_count=count):
            return f"{name} restarted ({count})"
        case cmd.PrepareResource(resource=resource):
            return f"do prepare {resource}"
        case cmd.StopContainer(container=name, timeout_s=timeout_s):
            return f"do stop {name} within {timeout_s:g} s"
        case cmd.SetStartTimeout(container=name, at_s=at_s):
            return f"do wake for {name} at {at_s:g}"
        case _:
            return f"do {_DOINGS[type(command)]} {command.container}"


def summary_line(state: TaskState) -> str:
    """Return where everyone is, in one line."""
    statuses = ", ".join(f"{name} {item.known.value}" for name, item in state.containers.items())
    return f"{statuses}; task {reported_task_status(state.known)}"


def description_lines(state: TaskState) -> list[str]:
    """Return what ECS would show of the task: containers, exit codes, reasons, stopCode and the rest."""
    lines = [_container_description(name, item) for name, item in state.containers.items()]
    task = f"task {reported_task_status(state.known)}, wanted {state.desired.value}"
    if state.stop_code is not None:
        task += f", {state.stop_code.value}: {state.stopped_reason}"
    if state.ended_by is not None:
        task += f" (ended by {state.ended_by})"
    return [*lines, task]


def _container_description(name: str, state: ContainerState) -> str:
    parts = [f"{name} {state.known.value}"]
    if state.exit_code is not None:
        parts.append(f"exit code {state.exit_code}")
    if state.health.status is not HealthStatus.UNKNOWN:
        parts.append(state.health.status.value)
    if state.restart_count:
        parts.append(f"restarted {state.restart_count}")
    if state.error is not None:
        parts.append(f"reason {state.error}")
    return ", ".join(parts)
