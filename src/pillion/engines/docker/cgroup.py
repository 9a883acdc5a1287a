"""The task's own cgroup, parent of all its containers' cgroups: the hard limits of the task as a whole.

Docker puts a container below the `CgroupParent` it is given, but sets no limits on the parent: that is done
here, by writing the files of the cgroup, or through systemd where systemd keeps the cgroups. Both need an
engine on this machine and root; where that is missing a notice says so. What has to be written is computed
by pure functions, so both cgroup versions are tested on any machine.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from pathlib import Path

from msgspec import Struct

from pillion.core.plan.model import Notice, TaskLimits, TaskPlan
from pillion.ports.engine import Capabilities, EngineError

CGROUP_ROOT = Path("/sys/fs/cgroup")
FOLDER = "pillion"

PERIOD_US = 100_000
"""The period of the CPU quota: the ECS agent's ECS_CGROUP_CPU_PERIOD."""

SHARES_MIN = 2
SHARES_MAX = 262_144
WEIGHT_MAX = 10_000

REMOVE_TRIES = 25
REMOVE_PAUSE_S = 0.02
"""The kernel lets go of a container's cgroup a moment after the engine says that the container is gone."""

FAILED = "CgroupError: Agent could not create task's platform resources"

_CONTROLLERS = "+cpu +memory +pids"
_SYSTEMD_DEADLINE_S = 10.0

RunCommand = Callable[[tuple[str, ...]], Awaitable[None]]


class Write(Struct, frozen=True):
    """One value for one file; `path` is relative to the cgroup root. `optional`: a kernel may not have it."""

    path: str
    value: str
    optional: bool = False


class CgroupFiles(Struct, frozen=True, kw_only=True):
    """A cgroup made by hand: `parent` is what Docker is given, the rest is done in order."""

    parent: str
    folders: tuple[str, ...]
    writes: tuple[Write, ...]


def files_v1(task_id: str, limits: TaskLimits) -> CgroupFiles:
    """Return how the limits are set in cgroup v1, where each controller has its own tree."""
    cpu, memory = f"cpu/{FOLDER}/{task_id}", f"memory/{FOLDER}/{task_id}"
    writes = []
    if limits.cpu_vcpu is not None:
        writes += [
            Write(f"{cpu}/cpu.cfs_period_us", str(PERIOD_US)),
            Write(f"{cpu}/cpu.cfs_quota_us", str(_quota_us(limits.cpu_vcpu))),
        ]
    elif limits.cpu_shares is not None:
        writes.append(Write(f"{cpu}/cpu.shares", str(_shares(limits.cpu_shares))))
    if limits.memory_bytes is not None:
        writes += [
            # Kernels before 5.11 count a child's memory for its parent only when told to.
            Write(f"memory/{FOLDER}/memory.use_hierarchy", "1", optional=True),
            Write(f"{memory}/memory.limit_in_bytes", str(limits.memory_bytes)),
        ]
    return CgroupFiles(parent=f"/{FOLDER}/{task_id}", folders=(cpu, memory), writes=tuple(writes))


def files_v2(task_id: str, limits: TaskLimits) -> CgroupFiles:
    """Return how the limits are set in cgroup v2, where a parent has to hand its controllers down."""
    own = f"{FOLDER}/{task_id}"
    writes = [
        Write("cgroup.subtree_control", _CONTROLLERS),
        Write(f"{FOLDER}/cgroup.subtree_control", _CONTROLLERS),
    ]
    if limits.cpu_vcpu is not None:
        writes.append(Write(f"{own}/cpu.max", f"{_quota_us(limits.cpu_vcpu)} {PERIOD_US}"))
    elif limits.cpu_shares is not None:
        writes.append(Write(f"{own}/cpu.weight", str(_weight(limits.cpu_shares))))
    if limits.memory_bytes is not None:
        writes.append(Write(f"{own}/memory.max", str(limits.memory_bytes)))
    return CgroupFiles(parent=f"/{own}", folders=(own,), writes=tuple(writes))


def slice_name(task_id: str) -> str:
    """Return the task's systemd slice; the dash puts it below `pillion.slice`."""
    return f"{FOLDER}-{task_id}.slice"


def slice_commands(task_id: str, limits: TaskLimits) -> tuple[tuple[str, ...], ...]:
    """Return the commands that make a slice with the limits, where systemd keeps the cgroups."""
    properties = []
    if limits.cpu_vcpu is not None:
        properties.append(f"CPUQuota={limits.cpu_vcpu * 100:g}%")
    elif limits.cpu_shares is not None:
        properties.append(f"CPUWeight={_weight(limits.cpu_shares)}")
    if limits.memory_bytes is not None:
        properties.append(f"MemoryMax={limits.memory_bytes}")
    name = slice_name(task_id)
    return (("systemctl", "start", name), ("systemctl", "set-property", "--runtime", name, *properties))


def why_not(engine: Capabilities, *, is_root: bool) -> str | None:
    """Say why a parent cgroup cannot be made here; None where it can."""
    if not engine.local:
        return "the engine is on another machine"
    if engine.rootless:
        return "the engine is rootless"
    if not is_root:
        return "that needs root"
    return None


class TaskCgroup:
    """The parent cgroup of one task. `parent` is what Docker is to be given, None while there is none."""

    def __init__(
        self,
        task: TaskPlan,
        *,
        root: Path = CGROUP_ROOT,
        run: RunCommand | None = None,
        is_root: bool | None = None,
    ) -> None:
        self._task_id = task.identity.task_id
        self._limits = task.limits
        self._root = root
        self._run = run or run_command
        self._is_root = os.geteuid() == 0 if is_root is None else is_root
        self._is_slice = False
        self.parent: str | None = None

    def notices(self, engine: Capabilities) -> tuple[Notice, ...]:
        """Say that the task's limits are not enforced, where that is so."""
        reason = None if self._limits is None else self._why_not(engine)
        if reason is None:
            return ()
        text = f"the task's own cpu and memory are not enforced, only those of its containers: {reason}"
        return (Notice(code="task-limits-not-enforced", text=text),)

    async def prepare(self, engine: Capabilities) -> None:
        """Make the cgroup and set its limits, where that is possible. Raises EngineError (CgroupError)."""
        if self._limits is None or self._why_not(engine) is not None:
            return
        try:
            if engine.details.get("cgroup_driver") == "systemd":
                await self._prepare_slice(self._limits)
            else:
                await asyncio.to_thread(self._prepare_files, engine.cgroup_version or 1, self._limits)
        except OSError as error:
            await self.remove()
            text = f"{FAILED} ({error.filename or 'systemctl'}: {error.strerror or error})"
            raise EngineError("CgroupError", text) from error

    async def remove(self) -> None:
        """Remove the cgroup; again does no harm. One that the kernel will not let go of stays, empty."""
        self.parent = None
        if self._limits is None:
            return
        if self._is_slice:
            try:
                await self._run(("systemctl", "stop", slice_name(self._task_id)))
            except OSError:
                return
            return
        for _ in range(REMOVE_TRIES):
            if await asyncio.to_thread(self._remove_files):
                return
            await asyncio.sleep(REMOVE_PAUSE_S)

    def _why_not(self, engine: Capabilities) -> str | None:
        reason = why_not(engine, is_root=self._is_root)
        return reason or (None if self._root.is_dir() else "this machine has no cgroups")

    async def _prepare_slice(self, limits: TaskLimits) -> None:
        self._is_slice = True
        for command in slice_commands(self._task_id, limits):
            await self._run(command)
        self.parent = slice_name(self._task_id)

    def _prepare_files(self, version: int, limits: TaskLimits) -> None:
        files = files_v1(self._task_id, limits) if version == 1 else files_v2(self._task_id, limits)
        for folder in files.folders:
            (self._root / folder).mkdir(parents=True, exist_ok=True)
        for write in files.writes:
            try:
                (self._root / write.path).write_text(write.value, encoding="ascii")
            except OSError:
                if not write.optional:
                    raise
        self.parent = files.parent

    def _remove_files(self) -> bool:
        """Remove the task's folder in every tree; in v1 the engine makes it in those we do not write to."""
        all_gone = True
        for tree in (self._root, *self._root.glob("*/")):
            own = tree / FOLDER / self._task_id
            for left in own.glob("*/"):
                _rmdir(left)  # Podman leaves the cgroup of its monitors there
            all_gone &= _rmdir(own)
            if own.parent.is_dir() and not own.exists():
                _rmdir(own.parent)  # succeeds when this was the last task
        return all_gone


async def run_command(command: tuple[str, ...]) -> None:
    """Run a command; raises OSError with its complaint when it fails."""
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE
    )
    async with asyncio.timeout(_SYSTEMD_DEADLINE_S):
        _, complaint = await process.communicate()
    if process.returncode:
        raise OSError(process.returncode, complaint.decode(errors="replace").strip(), " ".join(command))


def _rmdir(path: Path) -> bool:
    """Remove a cgroup's folder; say whether it is gone. It stays while a process is in it."""
    try:
        path.rmdir()
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return True


def _quota_us(vcpu: float) -> int:
    return max(round(vcpu * PERIOD_US), 1000)  # the kernel takes no less than a millisecond


def _shares(shares: int) -> int:
    return min(max(shares, SHARES_MIN), SHARES_MAX)


def _weight(shares: int) -> int:
    """Convert shares (2-262144) to a weight (1-10000) as container runtimes do."""
    return 1 + (_shares(shares) - SHARES_MIN) * (WEIGHT_MAX - 1) // (SHARES_MAX - SHARES_MIN)
