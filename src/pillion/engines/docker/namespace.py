"""Serving inside a task: sockets at link-local addresses that only one network namespace reaches.

On an ECS instance a task of awsvpc mode has an interface `ecs-eth0` beside its own, and reaches the agent
at 169.254.170.2 through it. The same is made here:

    the task's namespace                        a namespace of our own
    ecs-eth0  169.254.172.2   <-- one wire -->  task  169.254.170.2:80  <- the socket returned

The socket belongs to a namespace that nothing but the socket keeps alive. pillion's event loop serves it
like any other socket; its closing, or the end of the process however hard, takes namespace, wire and
interface away. Whatever arrives at a socket comes from its task, and no other task gets there.

While nobody serves, the addresses are refused: without a route of their own, what is meant for us would go
where all else goes, out of this machine, where somebody else may answer.

The address is not simply added to the task's loopback interface: an application that listens on
0.0.0.0:80, as most web servers do, would find the port taken.

A thread can change its network namespace for itself alone. So a fresh thread does the work and ends; it
never goes back to a pool. What is not here: what the sockets serve (`pillion.endpoints`), and the relay
that is used where this cannot be done.
"""

from __future__ import annotations

import ctypes
import errno
import os
import socket
import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from ipaddress import IPv4Address
from pathlib import Path
from typing import TypeVar

from pillion.engines.docker.netlink import Netlink

INTERFACE = "ecs-eth0"
"""The task's interface towards the agent, named as on an ECS instance."""

TASK_ADDRESS = IPv4Address("169.254.172.2")
"""The task's own address on that interface: the first that ECS hands out of its 169.254.172.0/22."""

_OUR_END = "task"
_LISTEN_BACKLOG = 512  # containers of a task that ask all at once while we are busy
_CLONE_NEWNET = 0x40000000

_T = TypeVar("_T")


class NamespaceUnavailableError(Exception):
    """A task's network namespace cannot be served from here; `reason` says why in one sentence."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def open_listeners(
    pid: int, addresses: Sequence[tuple[str, int]], *, container_id: str | None = None
) -> tuple[socket.socket, ...]:
    """Return listening TCP sockets that only the network namespace of a process reaches.

    Takes about a millisecond of the caller's time. Calling it again for the same namespace, as after a
    restart of pillion, replaces what was there. Close the sockets to take everything away; the addresses
    are refused from then on.

    Args:
        pid: a process in the namespace, as this machine counts processes.
        addresses: link-local IPv4 address and port of each socket.
        container_id: the container whose process it should be. Where the engine counts processes otherwise
            than this machine (it runs in a virtual machine, or pillion in a container), the number means
            another process here, and this tells.

    Raises:
        NamespaceUnavailableError: not Linux, no right to do it, the process is gone, or the namespace is
            the machine's own.
    """
    if sys.platform != "linux":
        raise NamespaceUnavailableError("network namespaces exist on Linux only")
    with ExitStack() as stack:
        namespace = _open_namespace(pid, container_id)
        stack.callback(os.close, namespace)
        return _in_thread(lambda: _serve_beside(namespace, addresses))


def in_namespace_of(pid: int, container_id: str, work: Callable[[], _T]) -> _T:
    """Do `work` in the network namespace of a container's process, in a thread that ends with it.

    Raises NamespaceUnavailableError, as `open_listeners` does; also for an OSError of the work.
    """
    if sys.platform != "linux":
        raise NamespaceUnavailableError("network namespaces exist on Linux only")
    with ExitStack() as stack:
        namespace = _open_namespace(pid, container_id)
        stack.callback(os.close, namespace)

        def entered() -> _T:
            _check(_libc().setns(namespace, _CLONE_NEWNET))
            return work()

        return _in_thread(entered)


def _open_namespace(pid: int, container_id: str | None) -> int:
    process = Path("/proc") / str(pid)
    try:
        namespace = os.open(process / "ns/net", os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        raise NamespaceUnavailableError(f"process {pid} is not running on this machine") from None
    except PermissionError:
        raise NamespaceUnavailableError(
            f"looking into process {pid} is not permitted; run pillion as root to serve inside the task"
        ) from None
    try:
        if os.path.samestat(os.fstat(namespace), Path("/proc/self/ns/net").stat()):
            raise NamespaceUnavailableError("the task uses this machine's own network (network mode host)")
        # Looked at after opening: the descriptor keeps the namespace, while the number may be given again.
        if container_id is not None and container_id not in _control_groups(process):
            raise NamespaceUnavailableError(
                f"process {pid} of this machine is not the container {container_id[:12]}: the engine runs "
                "elsewhere, or counts its processes in another way"
            )
    except BaseException:
        os.close(namespace)
        raise
    return namespace


def _control_groups(process: Path) -> str:
    try:
        return (process / "cgroup").read_text()
    except OSError:
        return ""


def _serve_beside(task: int, addresses: Sequence[tuple[str, int]]) -> tuple[socket.socket, ...]:
    """Make the namespace, the wire and the sockets. The thread that runs this can do nothing else after."""
    hosts = dict.fromkeys(IPv4Address(host) for host, _ in addresses)
    _check(_libc().setns(task, _CLONE_NEWNET))
    with Netlink() as there:
        _remove_former(there)
        _check(_libc().unshare(_CLONE_NEWNET))
        with Netlink() as here:
            here.add_pair(_OUR_END, INTERFACE, peer_namespace=task)
            there.set_up(INTERFACE)
            for host in hosts:
                there.refuse(host)
                here.add_address(_OUR_END, host, peer=TASK_ADDRESS)
                there.add_address(INTERFACE, TASK_ADDRESS, peer=host)
    return _listen_at(addresses)


def _remove_former(there: Netlink) -> None:
    try:
        there.remove_link(INTERFACE)
    except OSError as error:
        if error.errno != errno.ENODEV:
            raise


def _listen_at(addresses: Sequence[tuple[str, int]]) -> tuple[socket.socket, ...]:
    with ExitStack() as unless_all_listen:
        listeners = []
        for address in addresses:
            listener = socket.socket()
            unless_all_listen.callback(listener.close)
            listener.bind(address)
            listener.listen(_LISTEN_BACKLOG)
            listener.setblocking(False)
            listeners.append(listener)
        unless_all_listen.pop_all()
    return tuple(listeners)


def _in_thread(work: Callable[[], _T]) -> _T:
    """Run `work` in a thread of its own and return what it returns, or raise what it raises."""
    results: list[_T] = []
    errors: list[OSError] = []

    def run() -> None:
        try:
            results.append(work())
        except OSError as error:
            errors.append(error)

    thread = threading.Thread(target=run, name="task-namespace", daemon=True)
    thread.start()
    thread.join()
    if errors:
        raise NamespaceUnavailableError(_explain(errors[0])) from errors[0]
    return results[0]


def _explain(error: OSError) -> str:
    if error.errno in (errno.EPERM, errno.EACCES):
        return (
            "entering the task's network namespace is not permitted; run pillion as root to serve inside it"
        )
    if error.errno == errno.EOPNOTSUPP:
        return "this machine's kernel cannot make virtual interfaces (veth)"
    return f"the kernel refused to connect the task's network namespace: {error.strerror or error}"


def _check(result: int) -> None:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def _libc() -> ctypes.CDLL:
    # os.setns and os.unshare exist from Python 3.12 on only.
    return ctypes.CDLL(None, use_errno=True)
