"""Starts and ends the process of local AWS.

It is started at the first need and once per run. It cannot outlive pillion: it ends when its standard input
does, which the kernel sees to even after `kill -9`.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import json
import sys
from pathlib import Path
from typing import Final

START_TIMEOUT_S: Final = 60.0
"""Importing moto takes half a second; a long journal of kept state takes longer."""

_STOP_TIMEOUT_S: Final = 5.0


class LocalAwsError(Exception):
    """Local AWS cannot be started. The message says why, and what to do."""


class LocalAws:
    """The embedded AWS; `url` starts it.

    Args:
        state_folder: where its state is kept; None begins anew each time and keeps nothing.
    """

    def __init__(self, state_folder: Path | None = None) -> None:
        self._state_folder = state_folder
        self._process: asyncio.subprocess.Process | None = None
        self._url: str | None = None
        self._lock = asyncio.Lock()

    @property
    def is_running(self) -> bool:
        """Whether anybody has needed it so far."""
        return self._url is not None

    async def url(self) -> str:
        """Return where it listens, on loopback; start it if it does not run yet.

        Raises:
            LocalAwsError: moto is not installed, or the server does not start.
        """
        async with self._lock:
            if self._url is None:
                self._url = await self._start()
            return self._url

    async def close(self) -> None:
        """End it."""
        process, self._process, self._url = self._process, None, None
        if process is None or process.stdin is None:
            return
        process.stdin.close()
        try:
            await asyncio.wait_for(process.wait(), _STOP_TIMEOUT_S)
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()

    async def _start(self) -> str:
        if importlib.util.find_spec("moto") is None:
            raise LocalAwsError(
                "local AWS needs moto, which is not installed: pip install 'pillion[local]', "
                "or choose another AWS with --aws"
            )
        state = [] if self._state_folder is None else ["--state", str(self._state_folder)]
        try:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "pillion.aws.local.server",
                *state,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,
                start_new_session=True,  # Ctrl-C in the terminal is for pillion, which still needs it
            )
        except OSError as error:
            raise LocalAwsError(
                f"local AWS cannot be started: {error.filename or sys.executable}: {error.strerror}"
            ) from error
        answer = await self._first_line(self._process)
        if "port" not in answer:
            await self.close()
            raise LocalAwsError(answer.get("error", "local AWS ended before it could be used"))
        return f"http://127.0.0.1:{answer['port']}"

    async def _first_line(self, process: asyncio.subprocess.Process) -> dict[str, str]:
        if process.stdout is None:
            return {}
        try:
            line = await asyncio.wait_for(process.stdout.readline(), START_TIMEOUT_S)
        except TimeoutError:
            return {"error": f"local AWS did not start within {START_TIMEOUT_S:.0f} s"}
        try:
            answer: dict[str, str] = json.loads(line or b"{}")
        except ValueError:
            return {"error": f"local AWS did not start: {line.decode(errors='replace').strip()}"}
        return answer
