"""Looks at what many containers use, at the least cost.

Where the engine's processes are this machine's, the kernel's own files say it: a fifth of a millisecond of
CPU for a container, in one thread for all of them. Docker's statistics cost the daemon many times that, and
are asked only where the files are out of reach: an engine on another machine or in a virtual machine, or
pillion in a container of its own.

Surprising: a process number may be given again after a container ended. So each look begins with the control
groups of the process, which name the container.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from msgspec import Struct

from pillion.core.monitoring.sample import Sample
from pillion.engines.docker.client import DockerClient
from pillion.engines.docker.counters import groups_of, sample_of_stats, sample_v1, sample_v2, traffic_of
from pillion.engines.docker.errors import ApiError, DeadlinePassedError
from pillion.ports.engine import Capabilities

PROC_ROOT = Path("/proc")
CGROUP_ROOT = Path("/sys/fs/cgroup")

CALLS_AT_ONCE = 32
"""How many questions the daemon gets at once. Docker 20.10 takes a second to answer some, doing nothing."""

_HOST = "host"


class _Seat(Struct, frozen=True, kw_only=True):
    """Where a running container is found on this machine."""

    process_id: int
    shares_host_network: bool


class Sampler:
    """Takes samples of containers of one engine.

    Args:
        client: the connection to the engine.
        capabilities: asks what the engine is.
        proc: where the kernel tells of processes.
        cgroups: where it tells of control groups.
    """

    def __init__(
        self,
        client: DockerClient,
        capabilities: Callable[[], Awaitable[Capabilities]],
        *,
        proc: Path = PROC_ROOT,
        cgroups: Path = CGROUP_ROOT,
    ) -> None:
        self._client = client
        self._capabilities = capabilities
        self._proc = proc
        self._cgroups = cgroups
        self._seats: dict[str, _Seat] = {}
        self._out_of_reach: set[str] = set()
        self._calls = asyncio.Semaphore(CALLS_AT_ONCE)

    async def sample(self, runtime_ids: Sequence[str]) -> Mapping[str, Sample]:
        """Return a sample of each container that runs, by its id. Raises EngineUnreachableError."""
        if sys.platform != "linux" or not (await self._capabilities()).local:
            return await self._ask(runtime_ids)
        self._forget_others(runtime_ids)
        near = [item for item in runtime_ids if item not in self._out_of_reach]
        found = await self._look([item for item in near if item in self._seats])
        # Not seen: not looked for yet, started anew, or ended. The engine knows which.
        missing = [item for item in near if item not in found]
        await asyncio.gather(*(self._find(item) for item in missing))
        seated = [item for item in missing if item in self._seats]
        found |= await self._look(seated)
        self._out_of_reach |= {item for item in seated if item not in found}
        asked = await self._ask([item for item in runtime_ids if item in self._out_of_reach])
        self._out_of_reach &= set(asked)  # one that has just ended was not out of reach
        return found | asked

    def _forget_others(self, runtime_ids: Sequence[str]) -> None:
        """Keep nothing of containers that nobody asks about any more."""
        self._seats = {item: seat for item, seat in self._seats.items() if item in set(runtime_ids)}
        self._out_of_reach &= set(runtime_ids)

    async def _find(self, runtime_id: str) -> None:
        self._seats.pop(runtime_id, None)
        try:
            async with self._calls:
                inspection = await self._client.get(f"containers/{runtime_id}/json")
        except (ApiError, DeadlinePassedError):
            return
        process_id = inspection["State"].get("Pid")
        if inspection["State"].get("Running") and process_id:
            network = (inspection.get("HostConfig") or {}).get("NetworkMode")
            self._seats[runtime_id] = _Seat(process_id=process_id, shares_host_network=network == _HOST)

    async def _look(self, runtime_ids: Sequence[str]) -> dict[str, Sample]:
        if not runtime_ids:
            return {}
        return await asyncio.to_thread(self._look_at_all, runtime_ids)

    def _look_at_all(self, runtime_ids: Sequence[str]) -> dict[str, Sample]:
        found = {}
        for runtime_id in runtime_ids:
            sample = self._look_at(runtime_id, self._seats[runtime_id])
            if sample is not None:
                found[runtime_id] = sample
        return found

    def _look_at(self, runtime_id: str, seat: _Seat) -> Sample | None:
        """Read the kernel's files; None where they are not there, or not those of this container."""
        process = f"{self._proc}/{seat.process_id}"
        try:
            text = _text(f"{process}/cgroup")
            if runtime_id not in text:
                return None
            traffic = None if seat.shares_host_network else traffic_of(_text(f"{process}/net/dev"))
            groups = groups_of(text)
            take = sample_v1 if "memory" in groups else sample_v2
            return take(partial(_read, f"{self._cgroups}", groups), traffic, time.time())
        except (OSError, ValueError, KeyError):
            return None  # gone between two files, or a kernel that counts in another way

    async def _ask(self, runtime_ids: Sequence[str]) -> dict[str, Sample]:
        answers = await asyncio.gather(*(self._statistics(item) for item in runtime_ids))
        samples = {
            item: sample_of_stats(answer, time.time())
            for item, answer in zip(runtime_ids, answers, strict=True)
            if answer is not None
        }
        return {item: sample for item, sample in samples.items() if sample is not None}

    async def _statistics(self, runtime_id: str) -> Mapping[str, Any] | None:
        parameters = {"stream": "false", "one-shot": "true"}
        try:
            async with self._calls:
                found: Mapping[str, Any] = await self._client.get(
                    f"containers/{runtime_id}/stats", params=parameters
                )
        except (ApiError, DeadlinePassedError):
            return None
        return found


def _read(root: str, groups: Mapping[str, str], name: str) -> str:
    """Read a file of a container's control group: `CONTROLLER/FILE` in version 1, `FILE` in version 2."""
    controller, _, file = name.partition("/")
    if controller in groups:
        return _text(f"{root}/{controller}{groups[controller]}/{file}")
    return _text(f"{root}{groups['']}/{name}")


def _text(path: str) -> str:
    # Without pathlib: a look at a hundred containers opens nine hundred files.
    with open(path, "rb", buffering=0) as file:  # noqa: PTH123
        return file.read().decode("ascii", "replace")
