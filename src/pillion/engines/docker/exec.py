"""Commands beside a container's process: Docker's exec, over one connection that carries all streams.

The connection begins as HTTP and goes on raw: what is sent is the input, closing that half ends the input,
and what comes is frames (stream, three zeros, length) or, for a terminal, the bare bytes.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from struct import Struct
from typing import Any

from pillion.engines.docker.client import DockerClient
from pillion.engines.docker.errors import ApiError, DeadlinePassedError, named
from pillion.engines.docker.transport.pipe import RawPipe
from pillion.ports.engine import EngineError
from pillion.ports.execution import ExecutionRequest, NotStartedError

NO_DETACHING = "ctrl-@,ctrl-_,ctrl-@"
"""Docker takes keys out of a terminal's input to detach from it, ctrl-p among them. Nobody types these."""

END_LOOKS_MAX = 50
END_PAUSE_S = 0.1
"""How long the engine may take to note the end of a command whose output has ended."""

RESIZE_TRIES_MAX = 5
RESIZE_PAUSE_S = 0.05
"""A terminal cannot be resized before its process runs, which nobody tells."""

PROCESS_LOOKS_MAX = 50
PROCESS_PAUSE_S = 0.02
"""A command may have written something before the engine has noted which process it is."""

NOT_FOUND_CODE = 127
NOT_STARTED_CODES = (126, NOT_FOUND_CODE)

_ENGINES_WORDS = (b"OCI runtime exec failed: ", b"unable to find user ")

_READ_BYTES = 1 << 16
_HEADER = Struct(">BxxxL")
_STREAMS = {2: "stderr"}


@asynccontextmanager
async def execute(
    client: DockerClient, runtime_id: str, request: ExecutionRequest
) -> AsyncIterator[DockerExecution]:
    """Run a command in a container; leaving lets go of its streams.

    Raises EngineError (CannotExecuteError): no such container, it does not run, or it is frozen.
    """
    try:
        made = await client.post(f"containers/{runtime_id}/exec", body=_body(request))
        start = {"Detach": False, "Tty": request.has_terminal}
        async with client.upgrade(f"exec/{made['Id']}/start", body=start) as pipe:
            execution = DockerExecution(client, made["Id"], pipe, request, container_id=runtime_id)
            if request.size is not None:  # again: an API before 1.42 passes over ConsoleSize
                await execution.resize(*request.size)
            yield execution
    except (ApiError, DeadlinePassedError) as error:
        if isinstance(error, ApiError) and error.message.encode().startswith(_ENGINES_WORDS):
            code = NOT_FOUND_CODE if "not found" in error.message else NOT_STARTED_CODES[0]
            raise NotStartedError(error.message, code) from error
        raise named(error, "CannotExecuteError", reaching="executed") from error


def _body(request: ExecutionRequest) -> dict[str, Any]:
    return {
        "AttachStdin": request.has_input,
        "AttachStdout": True,
        "AttachStderr": True,
        "Tty": request.has_terminal,
        "Cmd": list(request.command),
        "Env": [f"{name}={value}" for name, value in request.environment.items()],
        "User": request.user,
        "WorkingDir": request.working_directory,
        **({"DetachKeys": NO_DETACHING} if request.has_terminal else {}),
        **({"ConsoleSize": list(request.size)} if request.size is not None else {}),
    }


class DockerExecution:
    """Implements `ports.execution.Execution`."""

    def __init__(
        self,
        client: DockerClient,
        exec_id: str,
        pipe: RawPipe,
        request: ExecutionRequest,
        *,
        container_id: str,
    ) -> None:
        self._client = client
        self._exec_id = exec_id
        self._pipe = pipe
        self._has_terminal = request.has_terminal
        self._container_id = container_id

    async def output(self) -> AsyncIterator[tuple[str, bytes]]:
        """Yield what it writes, as it comes, with `stdout` or `stderr`, until it writes no more."""
        is_first = True
        async for stream, data in self._pieces():
            if is_first and data.startswith(_ENGINES_WORDS):
                # Older engines say in the output what newer ones answer: that nothing was started.
                text = data + b"".join([more async for _, more in self._pieces()])
                code = await self.exit_code()
                if code in NOT_STARTED_CODES:
                    raise NotStartedError(text.decode(errors="replace").strip(), code)
                data = text  # noqa: PLW2901 - what was read ahead
            is_first = False
            yield stream, data

    async def _pieces(self) -> AsyncIterator[tuple[str, bytes]]:
        if self._has_terminal:
            while data := await self._pipe.read(_READ_BYTES):
                yield "stdout", data
            return
        while header := await self._pipe.read_exactly(_HEADER.size):
            stream, left = _HEADER.unpack(header)
            while left and (data := await self._pipe.read(min(left, _READ_BYTES))):
                left -= len(data)
                yield _STREAMS.get(stream, "stdout"), data

    async def write(self, data: bytes) -> None:
        """Give it input. What it no longer reads is dropped."""
        await self._pipe.write(data)

    async def end_input(self) -> None:
        """Say that there is no more input."""
        self._pipe.end_input()

    async def resize(self, rows: int, columns: int) -> None:
        """Change the size of its terminal; one that has no process any more has no size."""
        size = {"h": str(rows), "w": str(columns)}
        for _ in range(RESIZE_TRIES_MAX):
            try:
                await self._client.post(f"exec/{self._exec_id}/resize", params=size)
            except (ApiError, DeadlinePassedError):
                await asyncio.sleep(RESIZE_PAUSE_S)
            else:
                return

    async def send_signal(self, number: int) -> None:
        """Send its process a signal; the engine has no call for that, so the process is looked for here."""
        process = Path("/proc") / str(await self._process())
        try:
            if sys.platform != "linux" or self._container_id not in (process / "cgroup").read_text():
                raise EngineError("CannotSignalError", "the command's process is not on this machine")
            os.kill(int(process.name), number)
        except OSError as error:
            raise EngineError("CannotSignalError", f"process {process.name}: {error.strerror}") from error

    async def exit_code(self) -> int:
        """Return how it ended; call this when the output is over."""
        for _ in range(END_LOOKS_MAX):
            found = await self._inspect()
            if not found.get("Running"):
                break
            await asyncio.sleep(END_PAUSE_S)
        code = found.get("ExitCode")
        if code is None:
            raise EngineError("CannotExecuteError", "the engine does not say how the command ended")
        return int(code)

    async def _process(self) -> int:
        """Return the number of the command's process, 0 for one that has ended."""
        for _ in range(PROCESS_LOOKS_MAX):
            found = await self._inspect()
            if found.get("Pid") or not found.get("Running"):
                break
            await asyncio.sleep(PROCESS_PAUSE_S)
        return int(found.get("Pid") or 0)

    async def _inspect(self) -> dict[str, Any]:
        try:
            found: dict[str, Any] = await self._client.get(f"exec/{self._exec_id}/json")
        except (ApiError, DeadlinePassedError) as error:
            raise named(error, "CannotExecuteError", reaching="inspecting") from error
        return found
