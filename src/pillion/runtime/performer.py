"""Commands to engine calls, answers back as events. No decisions are made here.

Every command that asks for something is answered by exactly one kind of event, also when it fails. A
connection that drops during a call is waited for a little while, because the engine may be restarting;
then `EngineUnreachableError` reaches the runner.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress

from pillion.core.errors import unforeseen
from pillion.core.lifecycle import commands as cmd
from pillion.core.lifecycle import events as ev
from pillion.core.lifecycle.states import ContainerKind
from pillion.core.plan.model import Notice
from pillion.ports.clock import Clock
from pillion.ports.companion import TaskCompanion
from pillion.ports.engine import EngineError, EngineTask, EngineUnreachableError, ProgressSink
from pillion.runtime.patience import patiently

OWN_NAMESPACES = frozenset({"bridge"})
"""Where a container has a network namespace to itself; in awsvpc mode its pause container has it."""

UNFORESEEN = "PillionError"
"""The name of a failure of ours, for which ECS has none."""

Submit = Callable[[ev.Event], None]


class Performer:
    """Performs the commands of one task on its engine and its companion; events go to `submit`."""

    def __init__(
        self,
        task: EngineTask,
        *,
        submit: Submit,
        clock: Clock,
        progress: ProgressSink,
        notice: Callable[[Notice], None],
        companion: TaskCompanion,
    ) -> None:
        self._task = task
        self._submit = submit
        self._clock = clock
        self._progress = progress
        self._notice = notice
        self._warned: set[str] = set()
        self._companion = companion
        self._runtime_ids: dict[str, str] = {}

    def adopt(self, runtime_ids: Mapping[str, str]) -> None:
        """Know the containers that another process made."""
        self._runtime_ids.update(runtime_ids)

    async def stand_beside(self, name: str, *, running: bool) -> None:
        """Serve a container that another process started, and deliver the rest of one that has ended.

        What cannot be served is the companion's to say.
        """
        with suppress(EngineError):
            await self._companion.adopt(name, self._runtime_ids.get(name, ""))
            if running and self._has_own_namespace(name):
                await self._companion.namespace_ready(name)

    async def prepare_again(self, resource: str) -> ev.NamedError | None:
        """Prepare a resource that another process had prepared; return what went wrong, if anything did."""
        try:
            await self._prepare_once(resource)
        except EngineError as failure:
            return failure.error
        return None

    def _has_own_namespace(self, name: str) -> bool:
        plan = self._task.plan.container(name)
        return plan.kind is ContainerKind.CNI_PAUSE or plan.namespaces.network in OWN_NAMESPACES

    async def perform(self, command: cmd.Command) -> None:
        """Perform one command that is not a report. Raises EngineUnreachableError.

        What nobody foresaw is a failure, too: the task would wait for ever for the answer of the command.
        """
        try:
            await self._perform(command)
        except EngineUnreachableError:
            raise
        except Exception as error:
            answer = _failure(command, ev.NamedError(name=UNFORESEEN, text=unforeseen(error)))
            if answer is None:
                raise
            text = f"what the task needs next cannot be done: {unforeseen(error)}"
            self._notice(Notice(code="unforeseen", text=text, container=getattr(command, "container", None)))
            self._submit(answer)

    async def _perform(self, command: cmd.Command) -> None:
        match command:
            case cmd.PrepareResource(resource=resource):
                await self._prepare(resource)
            case cmd.ResolveManifest(container=name):
                await self._resolve(name)
            case cmd.PullImage(container=name):
                await self._pull(name)
            case cmd.CreateContainer(container=name):
                await self._create(name)
            case cmd.StartContainer(container=name, restart=restart):
                await self._start(name, restart=restart)
            case cmd.ProvisionNamespace(container=name):
                await self._provision(name)
            case cmd.StopContainer(container=name, timeout_s=timeout_s):
                await self._end(name, lambda: self._task.stop(name, timeout_s))
            case cmd.KillContainer(container=name):
                await self._end(name, lambda: self._task.kill(name))
            case cmd.SetStartTimeout(container=name, at_s=at_s):
                event = ev.StartTimeoutElapsed(container=name)
                left_s = at_s - self._clock.now_s()
                whole_s = self._task.plan.spec.container(name).start_timeout_s or left_s
                # Where the wall clock went back since the start, nobody waits for longer than was promised.
                self._clock.call_later(min(left_s, whole_s), lambda: self._submit(event))
            case _:
                raise TypeError(f"{type(command).__name__} is a report, not something to perform")

    async def _prepare(self, resource: str) -> None:
        try:
            await self._prepare_once(resource)
        except EngineError as failure:
            self._submit(ev.ResourceFailed(resource=resource, error=failure.error))
        else:
            self._submit(ev.ResourceReady(resource=resource))

    async def _prepare_once(self, resource: str) -> None:
        if self._companion.handles(resource):
            await self._companion.prepare(resource)
        else:
            await patiently(lambda: self._task.prepare(resource))

    async def _resolve(self, name: str) -> None:
        try:
            answer = await patiently(lambda: self._task.resolve_manifest(name))
        except EngineError as failure:
            self._submit(ev.ManifestFailed(container=name, error=failure.error, cached=failure.cached))
        else:
            self._submit(ev.ManifestResolved(container=name, digest=answer.digest))

    async def _pull(self, name: str) -> None:
        def started() -> None:
            self._submit(ev.PullStarted(container=name))

        try:
            answer = await patiently(lambda: self._task.pull(name, started, self._progress))
        except EngineError as failure:
            self._submit(ev.PullFailed(container=name, error=failure.error, cached=failure.cached))
        else:
            self._submit(ev.Pulled(container=name, pulled=answer.pulled, digest=answer.digest))

    async def _create(self, name: str) -> None:
        try:
            extras = await self._companion.extras(name)
            answer = await patiently(
                lambda: self._task.create(name, extras.environment, log_options=extras.log_options)
            )
        except EngineError as failure:
            self._submit(ev.CreateFailed(container=name, error=failure.error))
        else:
            self._runtime_ids[name] = answer.runtime_id
            self._warn(name, answer.warnings)
            self._submit(ev.Created(container=name, runtime_id=answer.runtime_id, image_id=answer.image_id))

    async def make_ahead(self, name: str) -> None:
        """Have a container made before the machine asks for it, if the engine likes; nothing comes of it."""
        with suppress(Exception):
            extras = await self._companion.extras(name)
            await self._task.make_ahead(name, extras.environment, log_options=extras.log_options)

    def _warn(self, name: str, warnings: tuple[str, ...]) -> None:
        """Pass on what the engine warns of; it says the same of every container that it is true of."""
        for text in warnings:
            if text not in self._warned:
                self._warned.add(text)
                self._notice(Notice(code="engine-warning", text=f"the engine warns: {text}", container=name))

    async def _start(self, name: str, *, restart: bool) -> None:
        try:
            await self._companion.before_start(name, self._runtime_ids.get(name, ""))
            at_s = await patiently(lambda: self._task.start(name, restart=restart))
            if self._task.plan.container(name).namespaces.network in OWN_NAMESPACES:
                await self._companion.namespace_ready(name)
        except EngineError as failure:
            self._submit(ev.StartFailed(container=name, error=failure.error, may_run=failure.may_run))
            return
        self._submit(ev.Started(container=name, at_s=at_s))
        if restart:
            # An exit right after a restart can be told before the start is answered, and is then taken
            # for the exit that was restarted: one look settles it.
            for event in await patiently(lambda: self._task.look(name)):
                self._submit(event)

    async def _provision(self, name: str) -> None:
        try:
            await patiently(lambda: self._task.provision(name))
            await self._companion.namespace_ready(name)
        except EngineError as failure:
            self._submit(ev.ProvisionFailed(container=name, error=failure.error))
        else:
            self._submit(ev.Provisioned(container=name))

    async def _end(self, name: str, call: Callable[[], Awaitable[None]]) -> None:
        try:
            await patiently(call)
        except EngineError as failure:
            self._submit(ev.StopFailed(container=name, error=failure.error))


def _failure(command: cmd.Command, error: ev.NamedError) -> ev.Event | None:
    """Return how the failure of a command is told; None for one that has no such answer."""
    match command:
        case cmd.PrepareResource(resource=resource):
            return ev.ResourceFailed(resource=resource, error=error)
        case cmd.ResolveManifest(container=name):
            return ev.ManifestFailed(container=name, error=error, cached=False)
        case cmd.PullImage(container=name):
            return ev.PullFailed(container=name, error=error, cached=False)
        case cmd.CreateContainer(container=name):
            return ev.CreateFailed(container=name, error=error)
        case cmd.StartContainer(container=name):
            return ev.StartFailed(container=name, error=error, may_run=True)
        case cmd.ProvisionNamespace(container=name):
            return ev.ProvisionFailed(container=name, error=error)
        case cmd.StopContainer(container=name) | cmd.KillContainer(container=name):
            return ev.StopFailed(container=name, error=error)
        case _:
            return None
