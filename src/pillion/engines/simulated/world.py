"""The simulated machine: images, containers, processes, health checks and memory, in discrete events.

A `World` is given commands and the time, and tells what follows, each thing at its time: it holds its own
queue of what is to come, and whoever drives it asks for the next entry when that time has been reached.
Same scene, same faults, same commands: same events. It waits for nothing and reads no clock.

Health checks follow Docker Engine: the first probe begins one interval after the start, the next one an
interval after the last has ended; a failure that begins within the start period does not count until the
container has once been healthy; a probe that outlasts its timeout has failed.

Surprising: probes end as soon as no later one could change anything, so that a world in which nothing can
happen
any more says so by having nothing left in its queue.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from msgspec import Struct, field

from pillion.core.lifecycle import commands as cmd
from pillion.core.lifecycle import events as ev
from pillion.core.lifecycle.states import HealthStatus
from pillion.core.monitoring.sample import NS_PER_S, Sample
from pillion.core.units import BYTES_PER_MIB, CPU_UNITS_PER_VCPU
from pillion.engines.simulated.behaviour import Life
from pillion.engines.simulated.faults import NO_FAULTS, Fate, Faults
from pillion.engines.simulated.images import Images, daemon_error, hex_of, image_id, named_error, no_image
from pillion.engines.simulated.probing import Health, Probed, fold, is_settled, run_probe
from pillion.engines.simulated.scene import Role, Scene
from pillion.ports.engine import LogLine

RESOURCE_S = 0.01
PROVISION_S = 0.02
KILL_S = 0.01
"""How long what has no script of its own takes; the order of magnitude is that of a Docker Engine."""

KILLED_EXIT_CODE = 137
"""128 + 9: what a killed process ends with."""

_NEVER_S = float("-inf")


class Told(NamedTuple):
    """Something that the engine tells at `at_s`. What answers a call cannot get lost, only be late."""

    at_s: float
    what: ev.Event | LogLine
    is_answer: bool


class _Box(Struct):
    """One container as it is now."""

    role: Role
    runtime_id: str
    created: bool = False
    exists: bool = False
    running: bool = False
    starts: int = 0
    started_at_s: float | None = None
    finished_at_s: float | None = None
    exit_code: int | None = None
    out_of_memory: bool = False
    memory_mib: float = 0.0
    stop_is_awaited: bool = False
    health: Health = field(default_factory=Health)

    @property
    def life(self) -> Life:
        return self.role.behaviour.life(max(0, self.starts - 1))

    def age_s(self, now_s: float) -> float:
        return now_s - (self.started_at_s or 0.0)


class World:
    """One task's containers on one simulated machine. Times are seconds on any scale that goes forward."""

    def __init__(self, scene: Scene, faults: Faults = NO_FAULTS, *, begins_at_s: float = 0.0) -> None:
        self._scene = scene
        self._fate = Fate(faults)
        self._boxes = {role.name: _Box(role, hex_of(scene.identity, role.name)) for role in scene.roles}
        self._images = Images(scene)
        self._queue: list[tuple[float, int, bool, Callable[[float], None]]] = []
        self._entries = 0
        self._told: list[Told] = []
        self._down_until_s = _NEVER_S
        for outage in faults.outages:
            self._put(begins_at_s + outage.at_s, partial(self._fail, for_s=outage.for_s))
        for removal in faults.removals:
            self._put(begins_at_s + removal.at_s, partial(self._remove, self._boxes[removal.container]))
        for start in faults.starts_by_hand:
            self._put(begins_at_s + start.at_s, partial(self._start_by_hand, self._boxes[start.container]))

    def next_at_s(self) -> float | None:
        """Return when the next thing happens; None if nothing will unless it is asked for."""
        return self._queue[0][0] if self._queue else None

    def step(self) -> tuple[Told, ...]:
        """Let the next thing happen, whose time has come, and return what is told of it; often nothing."""
        at_s, _, is_call, happen = heapq.heappop(self._queue)
        if is_call and at_s < self._down_until_s:
            self._put(self._down_until_s, happen, is_call=True)
            return ()
        happen(at_s)
        told, self._told = tuple(self._told), []
        return told

    def perform(self, command: cmd.Command, now_s: float) -> None:
        """Begin with a command. Its answer, and whatever else follows from it, is told by `step`.

        Reports and timers are not for the engine: they are ignored.
        """
        failure = self._fate.failure_of(command)
        error = failure.error if failure else None
        match command:
            case cmd.PrepareResource(resource=resource):
                self._call(now_s, RESOURCE_S, partial(self._prepared, resource))
            case cmd.ResolveManifest(container=name):
                takes_s, answer = self._images.manifest(self._boxes[name].role, error)
                self._call(now_s, takes_s, partial(self._answer, answer))
            case cmd.PullImage(container=name):
                self._pull(self._boxes[name].role, now_s, error)
            case cmd.CreateContainer(container=name):
                box = self._boxes[name]
                self._call(now_s, box.role.behaviour.create_s, partial(self._created, box, error))
            case cmd.StartContainer(container=name):
                box = self._boxes[name]
                may_run = failure is not None and failure.takes_effect
                done = partial(self._started, box, error, may_run=may_run)
                self._call(now_s, box.role.behaviour.start_s, done)
            case cmd.ProvisionNamespace(container=name):
                self._call(now_s, PROVISION_S, partial(self._provisioned, self._boxes[name], error))
            case cmd.StopContainer(container=name, timeout_s=timeout_s):
                self._call(now_s, 0.0, partial(self._stop, self._boxes[name], error, timeout_s=timeout_s))
            case cmd.KillContainer(container=name):
                self._call(now_s, KILL_S, partial(self._kill, self._boxes[name], error))
            case _:
                pass

    def needs_pull(self, container: str) -> bool:
        """Say whether a pull of the container's image would ask its registry."""
        return self._images.asks_registry(self._boxes[container].role)

    def has_image(self, container: str) -> bool:
        """Say whether the container's image is here."""
        return self._images.is_here(self._boxes[container].role)

    def exists(self, container: str) -> bool:
        """Say whether the container is there, in whatever state."""
        return self._boxes[container].exists

    def has_ended(self, container: str) -> bool:
        """Say whether the container's process has run and does not run any more."""
        box = self._boxes[container]
        return box.started_at_s is not None and not box.running

    def look(self, container: str) -> tuple[ev.Event, ...]:
        """Say what is true of a container now, as an inspection would."""
        box = self._boxes[container]
        if box.created and not box.exists:
            return (ev.Vanished(container=container),)
        if box.started_at_s is None:
            return ()
        if not box.running:
            return (_exited(box),)
        started = ev.Started(container=container, at_s=box.started_at_s)
        if box.health.status is HealthStatus.UNKNOWN:
            return (started,)
        return (started, _health_changed(box))

    def sample(self, runtime_id: str, now_s: float) -> Sample | None:
        """Return what a container uses; None for one that is not here or does not run."""
        box = next((item for item in self._boxes.values() if item.runtime_id == runtime_id), None)
        if box is None or not box.running:
            return None
        limits = [self._scene.memory_limit_mib, box.role.memory_limit_mib]
        limit_mib = min((item for item in limits if item is not None), default=None)
        return Sample(
            at_s=now_s,
            cpu_ns=round(box.life.cpu_units / CPU_UNITS_PER_VCPU * box.age_s(now_s) * NS_PER_S),
            memory_bytes=round(box.memory_mib * BYTES_PER_MIB),
            memory_limit_bytes=None if limit_mib is None else round(limit_mib * BYTES_PER_MIB),
            processes=1,
        )

    def remove_by_hand(self, container: str, now_s: float) -> None:
        """Let somebody else remove a container by force."""
        self._put(now_s, partial(self._remove, self._boxes[container]))

    def remove(self, container: str) -> None:
        """Take a container away without a word, as the last clean-up does."""
        box = self._boxes[container]
        box.exists = box.running = False

    # The queue: entries in the order of time, those of one time in the order in which they were put.

    def _put(self, at_s: float, happen: Callable[[float], None], *, is_call: bool = False) -> None:
        self._entries += 1
        heapq.heappush(self._queue, (at_s, self._entries, is_call, happen))

    def _call(self, now_s: float, takes_s: float, done: Callable[[float], None]) -> None:
        self._put(max(now_s, self._down_until_s) + takes_s, done, is_call=True)

    def _tell(self, event: ev.Event, at_s: float, *, is_answer: bool) -> None:
        for delay_s in self._fate.delays_of(event, can_be_lost=not is_answer):
            if delay_s == 0.0:
                self._deliver(event, is_answer, at_s)
            else:
                self._put(at_s + delay_s, partial(self._deliver, event, is_answer), is_call=is_answer)

    def _deliver(self, what: ev.Event | LogLine, is_answer: bool, at_s: float) -> None:
        if at_s >= self._down_until_s:
            self._told.append(Told(at_s, what, is_answer))
        elif is_answer:
            self._put(self._down_until_s, partial(self._deliver, what, is_answer), is_call=True)

    # Calls.

    def _answer(self, event: ev.Event, at_s: float) -> None:
        self._tell(event, at_s, is_answer=True)

    def _prepared(self, resource: str, at_s: float) -> None:
        text = self._scene.resource_errors.get(resource)
        if text is None:
            self._answer(ev.ResourceReady(resource=resource), at_s)
            return
        error = named_error("ResourceInitializationError", text)
        self._answer(ev.ResourceFailed(resource=resource, error=error), at_s)

    def _pull(self, role: Role, now_s: float, error: ev.NamedError | None) -> None:
        if self._images.asks_registry(role):
            self._call(now_s, 0.0, partial(self._answer, ev.PullStarted(container=role.name)))
        takes_s, answer = self._images.pull(role, error)
        self._call(now_s, takes_s, partial(self._pulled, role, answer))

    def _pulled(self, role: Role, answer: ev.Event, at_s: float) -> None:
        if isinstance(answer, ev.Pulled) and answer.pulled:
            self._images.arrive(role)
        self._answer(answer, at_s)

    def _created(self, box: _Box, error: ev.NamedError | None, at_s: float) -> None:
        name, text = box.role.name, box.role.behaviour.create_error
        if error is None and text is not None:
            error = named_error("CannotCreateContainerError", text)
        elif error is None and not self._images.is_here(box.role):
            error = ev.NamedError(name="CannotCreateContainerError", text=no_image(box.role))
        if error is not None:
            self._answer(ev.CreateFailed(container=name, error=error), at_s)
            return
        box.created = box.exists = True
        created = ev.Created(container=name, runtime_id=box.runtime_id, image_id=image_id(box.role))
        self._answer(created, at_s)

    def _started(self, box: _Box, error: ev.NamedError | None, at_s: float, *, may_run: bool) -> None:
        name, text = box.role.name, box.role.behaviour.start_error
        if not box.exists:
            text = daemon_error(f"No such container: {name}")
            error = ev.NamedError(name="CannotStartContainerError", text=text)
            may_run = False
        elif error is None and text is not None:
            error = named_error("CannotStartContainerError", text)
        if box.exists and not box.running and (error is None or may_run):
            self._begin_life(box, at_s)
        if error is not None:
            failed = ev.StartFailed(container=name, error=error, may_run=may_run)
            self._answer(failed, at_s)
        else:
            self._answer(ev.Started(container=name, at_s=box.started_at_s or at_s), at_s)

    def _provisioned(self, box: _Box, error: ev.NamedError | None, at_s: float) -> None:
        if error is None:
            self._answer(ev.Provisioned(container=box.role.name), at_s)
        else:
            self._answer(ev.ProvisionFailed(container=box.role.name, error=error), at_s)

    def _stop(self, box: _Box, error: ev.NamedError | None, at_s: float, *, timeout_s: float) -> None:
        if not self._can_end(box, error, at_s):
            return
        box.stop_is_awaited = True
        life, number = box.life, box.starts
        if life.stops_after_s is None or life.stops_after_s > timeout_s:
            self._put(at_s + timeout_s, partial(self._end, box, number, KILLED_EXIT_CODE))
        else:
            self._put(at_s + life.stops_after_s, partial(self._end, box, number, life.stop_exit_code))

    def _kill(self, box: _Box, error: ev.NamedError | None, at_s: float) -> None:
        if self._can_end(box, error, at_s):
            box.stop_is_awaited = True
            self._end(box, box.starts, KILLED_EXIT_CODE, at_s)

    def _can_end(self, box: _Box, error: ev.NamedError | None, at_s: float) -> bool:
        """Answer at once a stop that fails, or that has nothing to stop."""
        name = box.role.name
        if error is not None:
            self._answer(ev.StopFailed(container=name, error=error), at_s)
        elif not box.exists:
            self._answer(ev.Vanished(container=name), at_s)
        elif not box.running:
            self._answer(_exited(box), at_s)
        return error is None and box.running

    # Processes.

    def _begin_life(self, box: _Box, at_s: float) -> None:
        box.running, box.started_at_s = True, at_s
        box.starts += 1
        box.stop_is_awaited = box.out_of_memory = False
        box.health = Health()
        life, number = box.life, box.starts
        for line in life.output:
            self._put(at_s + line.after_s, partial(self._write, box, number, line.message, line.stream))
        if life.memory_mib is not None:
            self._put(at_s + life.memory_after_s, partial(self._take_memory, box, number))
        if life.exits_after_s is not None:
            self._put(at_s + life.exits_after_s, partial(self._end, box, number, life.exit_code))
        if box.role.probe is not None:
            self._put(at_s + box.role.probe.interval_s, partial(self._probe, box, number))

    def _write(self, box: _Box, number: int, message: str, stream: str, at_s: float) -> None:
        if box.running and box.starts == number:
            line = LogLine(container=box.role.name, stream=stream, message=message, at_s=at_s)
            self._told.append(Told(at_s, line, is_answer=False))

    def _end(self, box: _Box, number: int, exit_code: int, at_s: float) -> None:
        """End the process that was started as number `number`, unless it has ended."""
        if not box.running or box.starts != number:
            return
        box.running, box.finished_at_s, box.exit_code, box.memory_mib = False, at_s, exit_code, 0.0
        self._tell(_exited(box), at_s, is_answer=box.stop_is_awaited)

    def _take_memory(self, box: _Box, number: int, at_s: float) -> None:
        if not box.running or box.starts != number:
            return
        box.memory_mib = box.life.memory_mib or 0.0
        own, shared = box.role.memory_limit_mib, self._scene.memory_limit_mib
        used = sum(other.memory_mib for other in self._boxes.values())
        if own is not None and box.memory_mib > own:
            self._run_out_of_memory(box, at_s)
        elif shared is not None and used > shared:
            self._run_out_of_memory(max(self._boxes.values(), key=lambda other: other.memory_mib), at_s)

    def _run_out_of_memory(self, box: _Box, at_s: float) -> None:
        box.out_of_memory = True
        self._end(box, box.starts, KILLED_EXIT_CODE, at_s)

    # Health checks.

    def _probe(self, box: _Box, number: int, at_s: float) -> None:
        probe = box.role.probe
        if probe is not None and box.running and box.starts == number:
            age_s = box.age_s(at_s)
            probed = run_probe(probe, box.life, age_s)
            self._put(at_s + probed.ended_after_s, partial(self._probed, box, number, age_s, probed))

    def _probed(self, box: _Box, number: int, age_s: float, probed: Probed, at_s: float) -> None:
        probe = box.role.probe
        if probe is None or not box.running or box.starts != number:
            return
        before, box.health = box.health.status, fold(box.health, probe, probed, age_s)
        if box.health.status is not before:
            self._tell(_health_changed(box), at_s, is_answer=False)
        elif not probed.passed:
            self._tell(_health_probed(box), at_s, is_answer=False)
        if not is_settled(box.health, box.life, age_s):
            self._put(at_s + probe.interval_s, partial(self._probe, box, number))

    # What others do to the machine.

    def _fail(self, at_s: float, *, for_s: float) -> None:
        """The engine goes down and takes every process with it; when it is back, everyone looks."""
        self._down_until_s = max(self._down_until_s, at_s + for_s)
        for box in self._boxes.values():
            self._end(box, box.starts, KILLED_EXIT_CODE, at_s)
        self._put(self._down_until_s, self._look_at_all)

    def _look_at_all(self, at_s: float) -> None:
        for name, box in self._boxes.items():
            if box.started_at_s is not None:
                for event in self.look(name):
                    self._answer(event, at_s)

    def _remove(self, box: _Box, at_s: float) -> None:
        if box.exists:
            self._end(box, box.starts, KILLED_EXIT_CODE, at_s)
            box.exists = False
            self._tell(ev.Vanished(container=box.role.name), at_s, is_answer=False)

    def _start_by_hand(self, box: _Box, at_s: float) -> None:
        if box.exists and not box.running and box.started_at_s is not None:
            self._begin_life(box, at_s)
            self._tell(ev.Started(container=box.role.name, at_s=at_s), at_s, is_answer=False)


def _exited(box: _Box) -> ev.Exited:
    return ev.Exited(
        container=box.role.name,
        exit_code=box.exit_code,
        at_s=box.finished_at_s,
        out_of_memory=box.out_of_memory,
    )


def _health_changed(box: _Box) -> ev.HealthChanged:
    last = box.health.last
    return ev.HealthChanged(
        container=box.role.name,
        status=box.health.status,
        output=last.output if last else "",
        exit_code=last.exit_code if last else None,
    )


def _health_probed(box: _Box) -> ev.HealthProbed:
    last = box.health.last
    return ev.HealthProbed(
        container=box.role.name,
        failing_streak=box.health.failing_streak,
        output=last.output if last else "",
        exit_code=last.exit_code if last else None,
    )
