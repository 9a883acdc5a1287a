"""A program that uses up the memory of a container from the outside, until the kernel kills its main process.

It enters the container's memory cgroup and takes pages there, so the limit, the kernel's choice and Docker's
OOMKilled are the real ones, while the image needs no program for it. The limit is lowered first to a little
more than is in use: the case is as quick with a limit of 8 GiB, and the machine is in no danger.

`HOG` runs in a Python of its own. It makes the main process the kernel's first choice, takes memory bit by
bit and ends as soon as that process is gone. It writes to a file in memory, which is charged to the cgroup
but not to the process, so that the kernel does not find it the bigger one of the two.
"""

from __future__ import annotations

import asyncio
import signal
import sys
from pathlib import Path

from pillion.engines.docker.processes import cgroup_folder
from pillion.ports.injector import InjectionUnavailableError

ROOM_BYTES = 16 * 1024 * 1024
"""How much more than is in use may be used before the limit is met."""

DEADLINE_S = 20.0

_LOOKS, _BETWEEN_LOOKS_S = 200, 0.01

HOG = """
import os, sys, time
folder, pid, most = sys.argv[1], sys.argv[2], int(sys.argv[3])
def write(path, text):
    with open(path, "w") as file:
        file.write(text)
try:
    write("/proc/self/oom_score_adj", "-1000")
except PermissionError:
    pass
write(f"/proc/{pid}/oom_score_adj", "1000")
write(f"{folder}/cgroup.procs", str(os.getpid()))
def alive():
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False
store, taken, piece = os.memfd_create("hog"), 0, bytes(64 * 1024)
while alive():
    if taken < most:
        taken += os.write(store, piece)
    else:
        time.sleep(0.01)
"""


async def exhaust(pid: int) -> None:
    """Use up the memory of the container whose main process this is; returns when that process is gone.

    Where ours may not be spared, the kernel may kill it as well, while the main process is still about to
    end. If that one goes on nevertheless, memory is taken again, for as long as there is time.

    Raises InjectionUnavailableError.
    """
    try:
        folder = cgroup_folder(pid, "memory")
        room = await asyncio.to_thread(lower_limit, folder)
    except OSError as error:
        raise InjectionUnavailableError(f"its memory cgroup: {error.strerror}") from error
    try:
        async with asyncio.timeout(DEADLINE_S):
            while True:
                exit_code, complaint = await _take_memory(folder, pid, room)
                if await _is_gone_soon(pid):
                    return
                if exit_code not in {0, -signal.SIGKILL}:
                    raise InjectionUnavailableError(f"its memory could not be used up: {complaint}")
    except TimeoutError:
        raise InjectionUnavailableError("the kernel did not kill its main process") from None


async def _take_memory(folder: Path, pid: int, room: int) -> tuple[int | None, str]:
    """Take memory until the main process is gone or ours is killed; return our exit code and last line."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-I", "-S", "-c", HOG, str(folder), str(pid), str(room)),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        _, complaint = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return process.returncode, complaint.decode(errors="replace").strip().rpartition("\n")[2]


async def _is_gone_soon(pid: int) -> bool:
    """Give a process that the kernel has killed the time to end; say whether it has."""
    for _ in range(_LOOKS):
        if not is_alive(pid):
            return True
        await asyncio.sleep(_BETWEEN_LOOKS_S)
    return False


def is_alive(pid: int) -> bool:
    """Say whether a process of this machine has not ended."""
    try:
        about = (Path("/proc") / str(pid) / "stat").read_text()
    except OSError:
        return False
    return about.rpartition(")")[2].split()[0] not in "ZX"


def lower_limit(folder: Path) -> int:
    """Lower the memory limit of a cgroup, and that of its swap; return how much is more than enough."""
    version_1 = folder / "memory.limit_in_bytes"
    limit, usage, swap = (
        (version_1, folder / "memory.usage_in_bytes", folder / "memory.memsw.limit_in_bytes")
        if version_1.exists()
        else (folder / "memory.max", folder / "memory.current", folder / "memory.swap.max")
    )
    now = limit.read_text().strip()
    wanted = int(usage.read_text()) + ROOM_BYTES
    if now == "max" or int(now) > wanted:
        limit.write_text(str(wanted))
    if swap.exists():
        swap.write_text(limit.read_text() if version_1.exists() else "0")
    return ROOM_BYTES * 2
