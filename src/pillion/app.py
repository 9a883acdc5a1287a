"""The composition root: the only place that chooses engine, store and clock and wires them together."""

from __future__ import annotations

from contextlib import AsyncExitStack

from pillion.connecting import docker_engine
from pillion.control.claims import Claim
from pillion.control.server import ControlServer
from pillion.core.errors import unforeseen
from pillion.core.plan.model import Notice
from pillion.ports.engine import Capabilities, Engine
from pillion.ports.injector import Injector
from pillion.preparing import PreparedTask
from pillion.run_settings import RunSettings
from pillion.runtime.clock import SystemClock
from pillion.runtime.monitor import Monitor
from pillion.runtime.observer import Observer
from pillion.stores.sqlite import SqliteStore
from pillion.supervision.desk import Desk
from pillion.supervision.supervising import Observe, RunOutcome, Undertaking, supervise
from pillion.supervision.task_control import TaskControl

__all__ = ["Observe", "RunOutcome", "TaskControl", "docker_engine", "docker_injector", "run_task"]


def docker_injector(host: str | None = None) -> Injector:
    """Return what harms containers of the engine at `host` on purpose, for a drill; None is the usual one."""
    from pillion.engines.docker.injecting import DockerInjector

    return DockerInjector(host)


async def run_task(
    prepared: PreparedTask,
    settings: RunSettings,
    *,
    engine: Engine,
    observe: Observe,
    control: TaskControl | None = None,
    source: str | None = None,
) -> RunOutcome:
    """Run a task in the foreground, from nothing to nothing left behind.

    Args:
        prepared: the task.
        settings: how it is run.
        engine: where it runs; closed at the end.
        observe: called once with all notices when the engine answered; returns who is told what happens.
        control: lets somebody stop the task.
        source: the whole path of the file that the definition came from, if it is one.

    Raises:
        EngineUnreachableError: there is no engine. One that goes away later ends the run as it then is.
        StoreError: the state folder cannot be used.
        ClaimError: neither can the folder for other commands.
        FirelensError: ECS would not start the task's log router.
        EndpointsSettingError: the setting `endpoints` means nothing.
    """
    undertaking = Undertaking(
        definition=prepared.definition,
        running=prepared.running,
        plan=prepared.plan,
        overrides=prepared.overrides,
        settings=settings,
        source=source,
    )
    task_id = undertaking.task_id
    told: list[Observer] = []

    def observe_and_know(notices: tuple[Notice, ...], capabilities: Capabilities) -> Observer:
        told.append(observe(notices, capabilities))
        return told[0]

    def not_answered(error: Exception) -> None:
        for observer in told:
            observer.trouble(f"other commands cannot ask this run: {unforeseen(error)}")

    clock = SystemClock()
    async with AsyncExitStack() as stack:
        stack.push_async_callback(engine.close)
        store = SqliteStore(settings.state_folder)
        stack.callback(store.close)
        claim = stack.enter_context(Claim(settings.state_folder, task_id))
        monitor = Monitor(now_s=clock.now_s)
        desk = Desk(metrics=monitor.prometheus)
        asked = desk.add(task_id, control)
        async with ControlServer(desk, claim.listener, failed=not_answered):
            outcome = await supervise(
                undertaking,
                engine=engine,
                store=store,
                owner=claim.name,
                clock=clock,
                observe=observe_and_know,
                control=asked,
                monitor=monitor,
            )
            desk.end(task_id, outcome)
            return outcome
