"""Harming containers of a Docker engine on purpose. Implements `ports.injector.Injector`.

Killing and filling go through the API and work on any engine; the rest acts on the container's processes,
cgroup and wires on this machine (`processes`, `hog`, `wires`).
"""

from __future__ import annotations

import asyncio
import io
import signal
import tarfile
from typing import Any

from pillion.engines.docker.client import DockerClient
from pillion.engines.docker.errors import ApiError, DeadlinePassedError
from pillion.engines.docker.hog import exhaust
from pillion.engines.docker.processes import end_with, main_process, signal_all
from pillion.engines.docker.wires import cut, mend
from pillion.ports.injector import InjectionUnavailableError

FILLER = "pillion-drill-filler"

_FULL = "no space left on device"
_FILL_DEADLINE_S = 60.0
_BLOCK_BYTES = 4096


class DockerInjector:
    """Harms containers of the engine that `docker` names by the same rules as `DockerEngine`."""

    def __init__(self, host: str | None = None) -> None:
        self._client = DockerClient(host)
        self._cut: dict[str, tuple[int, ...]] = {}

    async def kill(self, container: str) -> None:
        """Send SIGKILL to the main process."""
        try:
            await self._client.post(f"containers/{container}/kill", params={"signal": "KILL"})
        except (ApiError, DeadlinePassedError) as error:
            raise InjectionUnavailableError(_words(error)) from error

    async def end(self, container: str, exit_code: int) -> None:
        """Make the main process end with this code."""
        pid = await self._main_process(container)
        await asyncio.to_thread(end_with, pid, exit_code)

    async def freeze(self, container: str) -> None:
        """Stop every process. `docker pause` would not do: Docker probes no health of a paused container."""
        await self._signal_all(container, signal.SIGSTOP)

    async def thaw(self, container: str) -> None:
        """Let them go on."""
        try:
            await self._signal_all(container, signal.SIGCONT)
        except InjectionUnavailableError:
            return  # it has ended

    async def exhaust_memory(self, container: str) -> None:
        """Use up the container's memory until its main process is killed."""
        await exhaust(await self._main_process(container))

    async def fill(self, container: str, path: str, size_bytes: int) -> None:
        """Copy a file into the volume that does not fit; Docker writes as much as there is room for."""
        where = f"containers/{container}/archive"
        tar = {"Content-Type": "application/x-tar"}
        try:
            async with (
                asyncio.timeout(_FILL_DEADLINE_S),
                self._client.stream(
                    "PUT", where, params={"path": path}, body=_archive(size_bytes + _BLOCK_BYTES), headers=tar
                ),
            ):
                pass
        except TimeoutError:
            raise InjectionUnavailableError(f"the volume at {path} was not full in time") from None
        except ApiError as error:
            if _FULL in error.message:
                return
            raise InjectionUnavailableError(_words(error)) from error
        raise InjectionUnavailableError(f"the volume at {path} holds more than was planned for it")

    async def cut_network(self, container: str) -> None:
        """Cut the wires of the container's network namespace."""
        state, container_id = await self._inspect(container)
        self._cut[container] = await asyncio.to_thread(cut, int(state.get("Pid") or 0), container_id)

    async def mend_network(self, container: str) -> None:
        """Connect them again."""
        await asyncio.to_thread(mend, self._cut.pop(container, ()))

    async def close(self) -> None:
        """Let go of the engine."""
        await self._client.close()

    async def _signal_all(self, container: str, number: signal.Signals) -> None:
        pid = await self._main_process(container)
        try:
            await asyncio.to_thread(signal_all, pid, number)
        except OSError as error:
            raise InjectionUnavailableError(f"its processes: {error.strerror}") from error

    async def _main_process(self, container: str) -> int:
        state, container_id = await self._inspect(container)
        if not state.get("Running"):
            raise InjectionUnavailableError("it had ended before")
        return main_process(int(state["Pid"]), container_id)

    async def _inspect(self, container: str) -> tuple[dict[str, Any], str]:
        try:
            found = await self._client.get(f"containers/{container}/json")
        except (ApiError, DeadlinePassedError) as error:
            raise InjectionUnavailableError(_words(error)) from error
        return found["State"], found["Id"]


def _archive(size_bytes: int) -> bytes:
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w") as archive:
        about = tarfile.TarInfo(FILLER)
        about.size = size_bytes
        archive.addfile(about, io.BytesIO(bytes(size_bytes)))
    return target.getvalue()


def _words(error: ApiError | DeadlinePassedError) -> str:
    return error.as_docker_says if isinstance(error, ApiError) else str(error)
