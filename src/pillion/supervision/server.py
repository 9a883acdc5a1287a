"""`pillion serve` as a whole: its store, its supervisor, its socket, its end; and what it prints.

Part of the composition root.
"""

from __future__ import annotations

import asyncio
import os
import select
import sys
import time
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from typing import Any, TextIO

from pillion.control.claims import Claim
from pillion.control.metrics import MetricsServer
from pillion.control.server import ControlServer
from pillion.core.describe import iso_time
from pillion.core.errors import unforeseen
from pillion.core.lifecycle.commands import Report, ReportStopping, ReportTask
from pillion.core.lifecycle.state import TaskState
from pillion.core.plan.facts import PortBinding
from pillion.core.plan.model import Notice
from pillion.core.plan.port_words import port_words
from pillion.runtime.clock import SystemClock
from pillion.runtime.observer import SilentObserver
from pillion.stores.sqlite import SqliteStore
from pillion.supervision.ending import Ending
from pillion.supervision.supervisor import LOOK_S, Supervisor


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
    asyncio.get_running_loop().set_exception_handler(_say_unforeseen)
    ending = Ending(say=say, busy_with=lambda: _held_up(supervisor.desk.tasks()))

    def not_answered(error: Exception) -> None:
        say(f"others cannot ask this server, which ends for that: {unforeseen(error)}")
        ending.begin()

    try:
        async with AsyncExitStack() as stack:
            control = ControlServer(supervisor.desk, claim.listener, failed=not_answered)
            await stack.enter_async_context(control)
            if metrics is not None:
                await stack.enter_async_context(MetricsServer(metrics, supervisor.desk.metrics))
                say(f"serves metrics at http://{metrics[0]}:{metrics[1]}/metrics")
            say(f"serves tasks of {folder} (process {os.getpid()})")
            try:
                supervisor.forget_local_aws()
                for task_id in supervisor.adopt_left():
                    say(f"task {task_id} was left by its process, and goes on here")
                ready()
                await _until_told_to_end(ending, supervisor, idle_s, _until_removed(store, claim, supervisor))
            finally:
                ending.begin()
                say(f"ends; {_go_on(left)}" if (left := await supervisor.leave()) else "ends")
    finally:
        store.close()


async def _until_told_to_end(
    ending: Ending, supervisor: Supervisor, idle_s: float | None, removed: Coroutine[Any, Any, None]
) -> None:
    """Return when the server has to end, for whatever reason."""
    others = asyncio.create_task(supervisor.look_after_others())
    waiting: list[asyncio.Task[None]] = [asyncio.create_task(ending.told()), asyncio.create_task(removed)]
    if idle_s is not None:
        waiting.append(asyncio.create_task(supervisor.wait_idle_for(idle_s)))
    done, _ = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    for job in (others, *waiting):
        job.cancel()
    for job in done:
        if not job.cancelled() and (error := job.exception()) is not None:
            say(f"ends, because it does not know any more when to: {unforeseen(error)}")


async def _until_removed(store: SqliteStore, claim: Claim, supervisor: Supervisor) -> None:
    """Return when nobody finds this server any more, because its files were removed or replaced.

    SQLite writes on into a file that nobody can open again. Without the journal no other server could take
    the tasks over, so they are stopped, as where it cannot be written.
    """
    while True:
        await asyncio.sleep(LOOK_S)
        if not (store.is_in_place and claim.is_in_place):
            break
    if store.is_in_place:
        say("its claim in the state folder was removed: it ends before another server takes its place")
        return
    what = f"The journal in {store.folder} was removed or replaced"
    say(f"{what}: the tasks are stopped, and then it ends")
    await supervisor.stop_all(what)


def _go_on(count: int) -> str:
    one = "1 task goes" if count == 1 else f"{count} tasks go"
    return f"{one} on without it, until the next pillion serve"


def _held_up(tasks: tuple[str, ...]) -> str:
    return f"not let go of were: {', '.join(tasks) or 'no tasks, but what stands beside them'}"


def _say_unforeseen(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Say what went wrong where nobody waited for it."""
    if os.environ.get("PILLION_DEBUG"):
        loop.default_exception_handler(context)
    error = context.get("exception")
    what = context.get("message", "something failed beside the tasks")
    say(what if error is None else f"{what}: {unforeseen(error)}")


def say(text: str) -> None:
    """Print a line with the time. A log that cannot be written costs no task, and holds up none.

    It may be on a full disk, in a closed terminal, or a pipe that nobody reads.
    """
    with suppress(OSError):
        if _takes_more(sys.stderr):
            line = f"{iso_time(time.time())} pillion: {text}"
            print(line, file=sys.stderr, flush=True)  # noqa: T201 - a command


def _takes_more(stream: TextIO) -> bool:
    """Whether a line can be written to a stream without waiting for somebody who reads it."""
    try:
        descriptor = stream.fileno()
    except OSError:
        return True  # it is kept in memory
    poll = select.poll()
    poll.register(descriptor, select.POLLOUT)
    return bool(poll.poll(0))


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
