"""A command in a container, joined to this process: its streams, its terminal, its signals."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading
from collections.abc import Coroutine, Iterator
from concurrent import futures
from contextlib import contextmanager, suppress

from pillion.cli.exits import NOT_RUN, UserError
from pillion.cli.terminal import RawTerminal, terminal_size
from pillion.connecting import docker_engine
from pillion.ports.engine import EngineError, EngineUnreachableError
from pillion.ports.execution import Execution, ExecutionRequest, NotStartedError
from pillion.stores.sqlite import state_folder

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)

_READ_BYTES = 1 << 16
_DESCRIPTORS = {"stdout": 1, "stderr": 2}


async def run_in_container(
    runtime_id: str, container: str, request: ExecutionRequest, *, engine_host: str | None
) -> int:
    """Run a command in a container, joined to this process; return its exit code.

    Args:
        runtime_id: the engine's id of the container.
        container: its name, for messages.
        request: what is run.
        engine_host: the engine that runs the task; None is the usual one.

    Raises:
        UserError: it could not be run.
    """
    engine = docker_engine(state_folder(), engine_host)
    raw = 0 if request.has_terminal and request.has_input and sys.stdin.isatty() else None
    try:
        async with engine.execute(runtime_id, request) as execution:
            session = _Session(execution, request)
            with session.signals(), RawTerminal(raw):  # no signal ends us before the terminal is given back
                return await session.run()
    except NotStartedError as error:
        raise UserError(f"{container}: {error}", exit_code=error.exit_code) from error
    except EngineError as error:
        raise UserError(f"{container}: {error.error.text}", exit_code=NOT_RUN) from error
    except EngineUnreachableError as error:
        raise UserError(str(error), exit_code=NOT_RUN) from error
    finally:
        await engine.close()


class _Session:
    """Carries bytes and signals both ways until the command has ended, or the person wants no more."""

    def __init__(self, execution: Execution, request: ExecutionRequest) -> None:
        self._execution = execution
        self._request = request
        self._loop = asyncio.get_running_loop()
        self._jobs: set[asyncio.Task[None]] = set()
        self._asked: set[int] = set()
        self._left: asyncio.Future[int] = self._loop.create_future()

    async def run(self) -> int:
        """Stay until the command has ended; return its exit code, or that of who left it."""
        if self._request.has_input:
            # A thread, because a file cannot be waited for; it dies with the process, whatever it waits for.
            threading.Thread(target=self._read_input, daemon=True).start()
        ending = asyncio.create_task(self._show())
        await asyncio.wait({ending, self._left}, return_when=asyncio.FIRST_COMPLETED)
        for job in (*self._jobs, *(() if ending.done() else (ending,))):
            job.cancel()
        return self._left.result() if self._left.done() and not ending.done() else await ending

    async def _show(self) -> int:
        try:
            async for stream, data in self._execution.output():
                _write_all(_DESCRIPTORS[stream], data)
        except BrokenPipeError:
            # Who read the output is gone: the command shall know, as it would without a container between.
            with suppress(EngineError):
                await self._execution.send_signal(signal.SIGPIPE)
            raise
        return await self._execution.exit_code()

    def _read_input(self) -> None:
        while data := os.read(0, _READ_BYTES):
            if self._loop.is_closed():
                return
            sent = asyncio.run_coroutine_threadsafe(self._execution.write(data), self._loop)
            try:
                sent.result()  # as fast as it is taken, and no faster
            except (futures.CancelledError, EngineUnreachableError):
                return  # the command has ended
        with suppress(RuntimeError):  # the loop is closed: so has it
            self._loop.call_soon_threadsafe(self._begin_end_of_input)

    def _begin_end_of_input(self) -> None:
        self._begin(self._execution.end_input())

    @contextmanager
    def signals(self) -> Iterator[None]:
        """Take signals: the first of a kind is for the command, the second for us."""
        numbers = [*_SIGNALS, *([signal.SIGWINCH] if self._request.has_terminal else [])]
        for number in numbers:
            self._loop.add_signal_handler(number, self._take, number)
        try:
            yield
        finally:
            for number in numbers:
                self._loop.remove_signal_handler(number)

    def _take(self, number: signal.Signals) -> None:
        if number is signal.SIGWINCH:
            size = terminal_size()
            if size is not None:
                self._begin(self._execution.resize(*size))
        elif number in self._asked:
            self._leave(128 + number)
        else:
            self._asked.add(number)
            self._begin(self._pass_on(number))

    async def _pass_on(self, number: signal.Signals) -> None:
        try:
            await self._execution.send_signal(number)
        except EngineError as error:
            text = f"the command gets no {number.name} and may go on: {error.error.text}"
            _write_all(2, f"pillion: {text}\n".encode())
            self._leave(128 + number)

    def _leave(self, exit_code: int) -> None:
        if not self._left.done():
            self._left.set_result(exit_code)

    def _begin(self, work: Coroutine[object, object, None]) -> None:
        job = asyncio.create_task(work)
        self._jobs.add(job)
        job.add_done_callback(self._jobs.discard)


def _write_all(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]
