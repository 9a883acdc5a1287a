"""The processes of a container as this machine's kernel has them: stopped, let go on, ended with a code.

Docker's API knows signals for the main process only, and no way to end a program with a code of our choice.
Both are done here on the processes themselves, which takes root on the engine's own machine. A program is
ended by tracing it to its next system call and turning that into `exit_group`: for the kernel, the engine
and ECS it has then called exit by itself, whatever handlers or shell it has or lacks.
"""

from __future__ import annotations

import ctypes
import os
import platform
import signal
import sys
import time
from pathlib import Path

from pillion.ports.injector import InjectionUnavailableError

CGROUP_ROOT = Path("/sys/fs/cgroup")

TRACE_DEADLINE_S = 5.0
"""How long a program may compute without any system call before it is given up."""

_TRACE_PAUSE_S = 0.002
_GET_REGISTERS, _SET_REGISTERS, _ATTACH, _DETACH, _TO_SYSTEM_CALL, _SET_OPTIONS = 12, 13, 16, 17, 24, 0x4200
_MARK_SYSTEM_CALLS = 1
_SYSTEM_CALL_STOP = signal.SIGTRAP | 0x80
_ANY_THREAD = 0x40000000
_EXIT_GROUP = 231
_REGISTERS, _FIRST_ARGUMENT, _CALL_NUMBER = 27, 14, 15  # of user_regs_struct in sys/user.h, x86-64


def main_process(pid: int, container_id: str) -> int:
    """Return the main process of a container as this machine counts it, made sure of.

    Raises InjectionUnavailableError where the engine is elsewhere, or we are not root.
    """
    if sys.platform != "linux" or os.geteuid() != 0:
        raise InjectionUnavailableError("that takes root on the engine's own machine")
    try:
        groups = (Path("/proc") / str(pid) / "cgroup").read_text()
    except OSError:
        raise InjectionUnavailableError("its main process is not on this machine, or has ended") from None
    if container_id not in groups:
        raise InjectionUnavailableError("the engine runs elsewhere, or counts its processes in another way")
    return pid


def cgroup_folder(pid: int, controller: str) -> Path:
    """Return the folder of a process's cgroup: that of a controller in cgroup v1, the only one in v2.

    Raises InjectionUnavailableError: there is none, or the process is about to end.
    """
    return folder_in((Path("/proc") / str(pid) / "cgroup").read_text(), controller)


def folder_in(membership: str, controller: str) -> Path:
    """Return the folder that a text like /proc/PID/cgroup names for a controller.

    Raises InjectionUnavailableError: there is none, or it is the root. A process that is about to end is
    there already, and so are all those of the machine: what is done to it would be done to them.
    """
    unified = None
    for line in membership.splitlines():
        _, controllers, path = line.split(":", 2)
        if controller in controllers.split(","):
            return _below(CGROUP_ROOT / controller, path)
        if not controllers:
            unified = path
    if unified is None or not (CGROUP_ROOT / unified.lstrip("/")).is_dir():
        raise InjectionUnavailableError(f"this machine has no {controller} cgroups")
    return _below(CGROUP_ROOT, unified)


def _below(root: Path, path: str) -> Path:
    if path == "/":
        raise InjectionUnavailableError("its main process is about to end")
    return root / path.lstrip("/")


def signal_all(pid: int, number: signal.Signals) -> None:
    """Send a signal to every process of the container whose main process this is."""
    for member in (cgroup_folder(pid, "pids") / "cgroup.procs").read_text().split():
        try:
            os.kill(int(member), number)
        except ProcessLookupError:
            continue  # it ended in between


def end_with(pid: int, exit_code: int) -> None:
    """Make a process exit with a code. Blocks for as long as it takes, in one thread from end to end.

    Raises InjectionUnavailableError: another processor, tracing is forbidden, or no system call comes.
    """
    if platform.machine() != "x86_64":
        raise InjectionUnavailableError(f"programs are made to exit on x86_64 only, not {platform.machine()}")
    try:
        _trace(_ATTACH, pid)
    except OSError as error:
        raise InjectionUnavailableError(f"tracing its main process: {error.strerror}") from error
    try:
        _wait(pid)
        _trace(_SET_OPTIONS, pid, 0, _MARK_SYSTEM_CALLS)
        _run_to_system_call(pid)
        registers = (ctypes.c_ulonglong * _REGISTERS)()
        _trace(_GET_REGISTERS, pid, 0, ctypes.addressof(registers))
        registers[_CALL_NUMBER], registers[_FIRST_ARGUMENT] = _EXIT_GROUP, exit_code
        _trace(_SET_REGISTERS, pid, 0, ctypes.addressof(registers))
    finally:
        _let_go(pid)


def _run_to_system_call(pid: int) -> None:
    """Let the process run until it enters a system call; signals on the way are passed on."""
    passed_on = 0
    while True:
        _trace(_TO_SYSTEM_CALL, pid, 0, passed_on)
        stopped_by = _wait(pid)
        if stopped_by == _SYSTEM_CALL_STOP:
            return
        passed_on = stopped_by


def _wait(pid: int) -> int:
    """Wait for a traced process to stop; return the signal that stopped it."""
    deadline = time.monotonic() + TRACE_DEADLINE_S
    while time.monotonic() < deadline:
        found, status = os.waitpid(pid, os.WNOHANG | _ANY_THREAD)
        if found and os.WIFSTOPPED(status):
            return os.WSTOPSIG(status)
        if found:
            raise InjectionUnavailableError("its main process ended before it could be made to")
        time.sleep(_TRACE_PAUSE_S)  # the kernel tells a tracer by SIGCHLD only, which is the event loop's
    raise InjectionUnavailableError("its main process makes no system call that could be turned into exit")


def _let_go(pid: int) -> None:
    try:
        _trace(_DETACH, pid)
    except OSError:
        # It has ended, or still runs: then it has to be stopped once more before it can be let go.
        try:
            os.kill(pid, signal.SIGSTOP)
            _wait(pid)
            _trace(_DETACH, pid)
        except (OSError, InjectionUnavailableError):
            return


def _trace(request: int, pid: int, address: int = 0, data: int = 0) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
    libc.ptrace.restype = ctypes.c_long
    if libc.ptrace(request, pid, address, data) < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
