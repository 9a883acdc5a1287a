"""`pillion serve` as a whole: its store, its supervisor, its socket, its end; and what it prints.

Part of the composition root.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from collections.abc import Callable
from contextlib import AsyncExitStack, suppress
from pathlib import Path

from pillion.control.claims import Claim
from pillion.control.metrics import MetricsServer
from pillion.control.server import ControlServer
from pillion.core.describe import iso_time
from pillion.core.lifecycle.commands import Report, ReportStopping, ReportTask
from pillion.core.lifecycle.state import TaskState
from pillion.core.plan.facts import PortBinding
from pillion.core.plan.model import Notice
from pillion.core.plan.port_words import port_words
from pillion.runtime.clock import SystemClock
from pillion.runtime.observer import SilentObserver
from pillion.stores.sqlite import SqliteStore
from pillion.supervisor import Supervisor


async def serve(
    folder: Path,
    claim: Claim,
    *,
    idle_s: float | None,
    ready: Callable[[], None],
    metrics: tuple[str, int] | None = None,
) -> None:
    """Supervise tasks until SIGINT, SIGTERM or SIGHUP, or until there was none for a while.

    Args:
        folder: the state folder.
        claim: of the server in it.
        idle_s: end when there was no task for so many seconds; None never does.
        ready: called when others may ask.
        metrics: the address where Prometheus may ask, beside the unix socket.

    Raises:
        MetricsAddressError: metrics cannot be served there.
        StoreError: the state folder cannot be used.
    """
    store = SqliteStore(folder)
    supervisor = Supervisor(
        state_folder=folder,
        store=store,
        owner=claim.name,
        clock=SystemClock(),
        observer=ServerLog,
        say=say,
    )
    try:
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(ControlServer(supervisor.desk, claim.listener))
            if metrics is not None:
                await stack.enter_async_context(MetricsServer(metrics, supervisor.desk.metrics))
                say(f"serves metrics at http://{metrics[0]}:{metrics[1]}/metrics")
            say(f"serves tasks of {folder} (process {os.getpid()})")
            supervisor.forget_local_aws()
            for task_id in supervisor.adopt_left():
                say(f"task {task_id} was left by its process, and goes on here")
            ready()
            others = asyncio.create_task(supervisor.look_after_others())
            await _until_told_to_end(supervisor, idle_s)
            others.cancel()
            left = len(supervisor.desk.tasks())
            await supervisor.leave()
            if left:
                one = "1 task goes" if left == 1 else f"{left} tasks go"
                say(f"ends; {one} on without it, until the next pillion serve")
            else:
                say("ends")
    finally:
        store.close()


async def _until_told_to_end(supervisor: Supervisor, idle_s: float | None) -> None:
    told = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, told.set)
    waiting: list[asyncio.Task[object]] = [asyncio.create_task(told.wait())]
    if idle_s is not None:
        waiting.append(asyncio.create_task(supervisor.wait_idle_for(idle_s)))
    await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    for job in waiting:
        job.cancel()


def say(text: str) -> None:
    """Print a line with the time. A log that cannot be written (full disk, closed terminal) costs no task."""
    with suppress(OSError):
        print(f"{iso_time(time.time())} pillion: {text}", file=sys.stderr, flush=True)  # noqa: T201 - a command


class ServerLog(SilentObserver):
    """Says when a task starts, runs and stops and why, and what goes wrong beside it."""

    def __init__(self, task_id: str, family: str) -> None:
        self._subject = f"task {task_id[:8]} of {family}"

    def reported(self, report: Report, state: TaskState, at_s: float) -> None:
        """Say what became of the task as a whole."""
        match report:
            case ReportTask(last_status=status, cause=cause):
                say(f"{self._subject} is {status}: {cause}")
            case ReportStopping(cause=cause):
                say(f"{self._subject} is being stopped: {cause}")
            case _:
                pass

    def notice(self, notice: Notice) -> None:
        """Say what became known while the task runs."""
        subject = f" ({notice.container})" if notice.container else ""
        say(f"{self._subject}{subject}: {notice.text}")

    def published(self, container: str, bindings: tuple[PortBinding, ...]) -> None:
        """Say which ports are not where they were wanted."""
        for binding in bindings:
            if binding.moved:
                say(f"{self._subject} ({container}): {port_words(binding)}")

    def trouble(self, text: str) -> None:
        """Say what went wrong beside the task."""
        say(f"{self._subject}: {text}")
