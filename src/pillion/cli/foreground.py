"""A run in the foreground: what is said while it lasts, and its exit code.

Whoever imports this has asked the engine for what it can be asked for without asyncio.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING

from msgspec import Struct

from pillion.cli.exits import INTERRUPTED, NOT_RUN, UserError
from pillion.cli.guarded import GuardedOutput
from pillion.connecting import docker_engine
from pillion.ports.engine import EngineUnreachableError

if TYPE_CHECKING:
    from pillion.app import Observe, RunOutcome
    from pillion.cli.interrupts import Interrupts
    from pillion.cli.json_lines import JsonLines
    from pillion.cli.text_lines import TextLines
    from pillion.connecting import Connect
    from pillion.core.plan.model import Notice
    from pillion.ports.engine import Capabilities, Engine
    from pillion.preparing import PreparedTask
    from pillion.run_settings import RunSettings
    from pillion.supervision.task_control import TaskControl

_SWITCH_S = 0.0005
"""How long the loop waits for its turn beside a thread that computes, in seconds; Python's own is 5 ms."""


class Style(Struct, frozen=True, kw_only=True):
    """How a run is told: JSON lines, or text with these options of the command."""

    is_json: bool
    timestamps: bool
    verbose: bool
    quiet: bool


class Foreground(Struct, frozen=True, kw_only=True):
    """A run in the foreground.

    Attributes:
        prepared: the task.
        settings: how it is run.
        source: the whole path of the file that the definition came from, if it is one.
        notices: what there is to say of the definition; takes a while.
        style: how it is told.
        connect: makes the connection to the engine, which was asked for something already.
    """

    prepared: PreparedTask
    settings: RunSettings
    source: str | None
    notices: Callable[[], tuple[Notice, ...]]
    style: Style
    connect: Connect


def run_in_foreground(run: Foreground, control: TaskControl, interrupts: Interrupts) -> int:
    """Run a task to its end; return the exit code of the command.

    Raises UserError where it cannot begin, and OSError where what it says cannot be written.
    """

    def stop(error: OSError) -> None:
        control.stop(f"What the run prints cannot be written: {error.strerror}")

    with GuardedOutput(stop) as guarded:
        output = _output(run)
        try:
            outcome, interruptions = asyncio.run(_run(run, output, control, interrupts))
        finally:
            output.close()
        exit_code = INTERRUPTED if interruptions else outcome.exit_code
        output.end(exit_code, outcome.task, explainable=run.settings.keep_history_s > 0)
    if guarded.error is not None:
        raise guarded.error
    return exit_code


def _output(run: Foreground) -> JsonLines | TextLines:
    if run.style.is_json:
        from pillion.cli.json_lines import JsonLines

        return JsonLines(run.prepared.plan)
    from pillion.cli.text_lines import TextLines

    return TextLines(
        run.prepared.plan, timestamps=run.style.timestamps, verbose=run.style.verbose, quiet=run.style.quiet
    )


async def _run(
    run: Foreground, output: JsonLines | TextLines, control: TaskControl, interrupts: Interrupts
) -> tuple[RunOutcome, int]:
    """Return how the task ended, and how often the user asked for that."""
    identity = run.prepared.plan.identity
    with interrupts.within(asyncio.get_running_loop()):
        engine, of_definition = await _engine(run)

        def observe(notices: tuple[Notice, ...], capabilities: Capabilities) -> JsonLines | TextLines:
            where = (
                f"task {identity.task_id[:8]} of {identity.family}:{identity.revision} "
                f"in cluster {identity.cluster}, on {capabilities.name} {capabilities.version}"
            )
            output.begin((*of_definition, *notices), where)
            return output

        outcome = await _run_on(engine, run, observe, control)
        return outcome, interrupts.count


async def _engine(run: Foreground) -> tuple[Engine, tuple[Notice, ...]]:
    """Connect; return the engine, and what there is to say of the definition."""
    first = run.connect()

    def load() -> tuple[Engine, tuple[Notice, ...]]:
        import_module("pillion.app")
        return docker_engine(run.settings.state_folder, first=first), run.notices()

    usual_s = sys.getswitchinterval()
    try:
        await first.begin(run.prepared.plan)
        sys.setswitchinterval(_SWITCH_S)
        return await asyncio.to_thread(load)  # while Docker is at work
    except BaseException as error:
        await first.close()
        if isinstance(error, EngineUnreachableError):
            raise UserError(str(error), exit_code=NOT_RUN) from error
        raise
    finally:
        sys.setswitchinterval(usual_s)


async def _run_on(engine: Engine, run: Foreground, observe: Observe, control: TaskControl) -> RunOutcome:
    """Run a task on an engine; what may go wrong before it begins is a UserError."""
    from pillion.app import run_task
    from pillion.around.serving import EndpointsSettingError
    from pillion.control.claims import ClaimError
    from pillion.ports.store import StoreError
    from pillion.sidecars.firelens.errors import FirelensError

    try:
        return await run_task(
            run.prepared, run.settings, engine=engine, observe=observe, control=control, source=run.source
        )
    except (
        EngineUnreachableError,
        StoreError,
        ClaimError,
        FirelensError,
        EndpointsSettingError,
    ) as error:
        raise UserError(str(error), exit_code=NOT_RUN) from error
