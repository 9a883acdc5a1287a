"""Sockets inside a task's network namespace, in real namespaces: a child process plays the task."""

from __future__ import annotations

import asyncio
import ctypes
import errno
import json
import os
import platform
import shutil
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from pillion.engines.docker import namespace
from pillion.engines.docker.holder import holder_image_tar, holder_reference
from pillion.engines.docker.namespace import INTERFACE, NamespaceUnavailableError, open_listeners

METADATA = ("169.254.170.2", 80)
PATIENCE_S = 10.0
BUSYBOX = "pillion-local/busybox:1"

# Leaves the network it was born in, then does what it is told, line by line.
TASK = """
import ctypes, errno, json, socket, sys
libc = ctypes.CDLL(None, use_errno=True)
if libc.unshare(0x40000000) < 0:
    print(json.dumps(ctypes.get_errno()), flush=True)
    sys.exit()
kept = []
def fetch(host, port):
    with socket.create_connection((host, port), timeout=5) as connection:
        return connection.recv(99).decode()
def connect(host, port):
    with socket.create_connection((host, port), timeout=5) as connection:
        return connection.getsockname()[0]
def listen(host, port):
    server = socket.socket()
    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    server.bind((host, port))
    server.listen()
    kept.append(server)
def refusal(host, port):
    try:
        connect(host, port)
    except OSError as error:
        return errno.errorcode[error.errno]
def interfaces():
    return sorted(name for _, name in socket.if_nameindex())
print(json.dumps(0), flush=True)
for line in sys.stdin:
    name, *arguments = json.loads(line)
    try:
        print(json.dumps(globals()[name](*arguments)), flush=True)
    except OSError as error:
        print(json.dumps(type(error).__name__), flush=True)
"""


class Task:
    """A process in a network namespace of its own that does what it is told there."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-S", "-c", TASK], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.pid = self.process.pid
        number = self._answer()
        if number:
            pytest.skip(f"making a network namespace is not permitted here: {os.strerror(number)}")

    def tell(self, *order: object) -> Any:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(order) + "\n")
        self.process.stdin.flush()
        return self._answer()

    def _answer(self) -> Any:
        assert self.process.stdout is not None
        return json.loads(self.process.stdout.readline())

    def end(self) -> None:
        self.process.kill()
        self.process.communicate()


@pytest.fixture
def make_task() -> Iterator[Callable[[], Task]]:
    with ExitStack() as stack:

        def make() -> Task:
            task = Task()
            stack.callback(task.end)
            return task

        yield make


@pytest.fixture
def task(make_task: Callable[[], Task]) -> Task:
    return make_task()


@pytest.fixture
def serve() -> Iterator[Callable[[Task, str], list[str]]]:
    """Serve a text at the metadata address of a task, until the end; gives who asked."""
    with ExitStack() as stack:

        def start(task: Task, text: str) -> list[str]:
            asked: list[str] = []
            (listener,) = open_listeners(task.pid, [METADATA])
            stack.callback(listener.close)
            listener.setblocking(True)

            def answer() -> None:
                connection, (host, _) = listener.accept()
                asked.append(host)
                connection.sendall(text.encode())
                connection.close()

            threading.Thread(target=answer, daemon=True).start()
            return asked

        yield start


Serve = Callable[[Task, str], list[str]]


def eventually(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not is_so():
        assert time.monotonic() < deadline, "this never came about"
        time.sleep(0.001)  # the kernel takes interfaces away when it finds the time, and tells nobody


def test_a_request_from_inside_reaches_our_socket(task: Task, serve: Serve) -> None:
    asked = serve(task, "hello")
    assert (task.tell("fetch", *METADATA), asked) == ("hello", ["169.254.172.2"])


def test_each_task_reaches_its_own_socket_only(make_task: Callable[[], Task], serve: Serve) -> None:
    first, second, third = make_task(), make_task(), make_task()
    serve(first, "first")
    serve(second, "second")
    assert second.tell("fetch", *METADATA) == "second"
    assert first.tell("fetch", *METADATA) == "first"
    assert third.tell("fetch", *METADATA) == "OSError"  # there is not even a route


@pytest.mark.parametrize("earlier", [True, False])
def test_an_application_keeps_port_80_for_itself(task: Task, serve: Serve, earlier: bool) -> None:
    if earlier:
        assert task.tell("listen", "0.0.0.0", 80) is None
    serve(task, "metadata")
    if not earlier:
        assert task.tell("listen", "0.0.0.0", 80) is None
    assert task.tell("fetch", *METADATA) == "metadata"


def test_several_addresses_are_reached(task: Task) -> None:
    wanted = [("169.254.170.2", 80), ("169.254.170.2", 8080), ("169.254.170.3", 443)]
    listeners = open_listeners(task.pid, wanted)
    assert [listener.getsockname() for listener in listeners] == wanted
    connected = [task.tell("connect", *address) for address in wanted]
    for listener in listeners:
        listener.close()
    assert connected == ["169.254.172.2"] * 3


def test_nothing_of_ours_changes(task: Task) -> None:
    before = (Path("/proc/self/ns/net").stat().st_ino, threading.active_count())
    (listener,) = open_listeners(task.pid, [METADATA])
    with listener:
        assert (Path("/proc/self/ns/net").stat().st_ino, threading.active_count()) == before
        assert "169.254.170.2" not in Path("/proc/net/fib_trie").read_text()
        assert INTERFACE not in Path("/proc/net/dev").read_text()


def test_closing_the_socket_takes_the_interface_away(task: Task) -> None:
    (listener,) = open_listeners(task.pid, [METADATA])
    assert task.tell("interfaces") == [INTERFACE, "lo"]
    listener.close()
    eventually(lambda: task.tell("interfaces") == ["lo"])


def test_while_nobody_serves_the_address_is_refused_instead_of_asked_for_outside(
    task: Task, serve: Serve
) -> None:
    before = task.tell("refusal", *METADATA)
    (listener,) = open_listeners(task.pid, [METADATA])
    listener.close()
    eventually(lambda: task.tell("interfaces") == ["lo"])
    assert (before, task.tell("refusal", *METADATA)) == ("ENETUNREACH", "EHOSTUNREACH")
    serve(task, "again")
    assert task.tell("fetch", *METADATA) == "again"


def test_opening_again_replaces_what_was_there(task: Task, serve: Serve) -> None:
    (former,) = open_listeners(task.pid, [METADATA])
    with former:
        serve(task, "after a restart")
        assert task.tell("fetch", *METADATA) == "after a restart"


def test_no_descriptor_is_left_open(task: Task) -> None:
    before = set(Path("/proc/self/fd").iterdir())
    for listener in open_listeners(task.pid, [METADATA, ("169.254.170.3", 443)]):
        listener.close()
    with pytest.raises(NamespaceUnavailableError):
        open_listeners(task.pid, [METADATA, METADATA])
    assert set(Path("/proc/self/fd").iterdir()) == before


def test_a_process_that_is_gone_is_named(task: Task) -> None:
    task.end()
    with pytest.raises(
        NamespaceUnavailableError, match=f"^process {task.pid} is not running on this machine$"
    ):
        open_listeners(task.pid, [METADATA])


def test_our_own_network_is_never_touched() -> None:
    with pytest.raises(NamespaceUnavailableError, match="network mode host"):
        open_listeners(os.getpid(), [METADATA])


def test_a_process_of_another_container_is_refused(task: Task) -> None:
    with pytest.raises(
        NamespaceUnavailableError, match=r"is not the container 0123456789ab: the engine runs"
    ):
        open_listeners(task.pid, [METADATA], container_id="0123456789abcdef")
    assert task.tell("interfaces") == ["lo"]


def test_other_systems_than_linux_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    with pytest.raises(NamespaceUnavailableError, match=r"^network namespaces exist on Linux only$"):
        open_listeners(1, [METADATA])


@pytest.mark.parametrize(
    ("number", "reason"),
    [
        (
            errno.EPERM,
            "entering the task's network namespace is not permitted; run pillion as root to serve inside it",
        ),
        (errno.EOPNOTSUPP, "this machine's kernel cannot make virtual interfaces (veth)"),
        (errno.ENOMEM, "the kernel refused to connect the task's network namespace: Cannot allocate memory"),
    ],
)
def test_a_refusal_of_the_kernel_is_explained(
    task: Task, monkeypatch: pytest.MonkeyPatch, number: int, reason: str
) -> None:
    class RefusingLibc:
        def setns(self, descriptor: int, kind: int) -> int:
            ctypes.set_errno(number)
            return -1

    monkeypatch.setattr(namespace, "_libc", RefusingLibc)
    with pytest.raises(NamespaceUnavailableError) as caught:
        open_listeners(task.pid, [METADATA])
    assert caught.value.reason == reason


def docker(*arguments: str, given: bytes | None = None) -> str:
    done = subprocess.run(["docker", *arguments], input=given, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode().strip()


@pytest.fixture
def pause_containers() -> Iterator[tuple[str, str]]:
    """Two pause containers, as two tasks have them."""
    if (
        shutil.which("docker") is None
        or subprocess.run(["docker", "version"], capture_output=True, check=False).returncode
    ):
        pytest.skip("no Docker engine answers")
    if os.geteuid() != 0:
        pytest.skip("entering a container's network namespace needs root")
    docker("load", given=holder_image_tar(platform.machine()))
    names = [f"pillion-test-{uuid.uuid4().hex[:12]}" for _ in range(2)]
    try:
        for name in names:
            docker("run", "--detach", "--name", name, holder_reference(platform.machine()))
        yield names[0], names[1]
    finally:
        for name in names:
            docker("rm", "--force", name)


@pytest.mark.docker
@pytest.mark.slow
async def test_containers_reach_our_server_and_it_knows_which_task_asks(
    pause_containers: tuple[str, str],
) -> None:
    async def run_server(name: str) -> web.AppRunner:
        async def answer(request: web.Request) -> web.Response:
            return web.Response(text=f"{request.path} asked by {name}")

        app = web.Application()
        app.router.add_get("/{path:.*}", answer)
        runner = web.AppRunner(app)
        await runner.setup()
        found = json.loads(docker("inspect", name))[0]
        (listener,) = open_listeners(found["State"]["Pid"], [METADATA], container_id=found["Id"])
        await web.SockSite(runner, listener).start()
        return runner

    async def ask(name: str) -> str:
        return await asyncio.to_thread(
            docker, "run", "--rm", "--network", f"container:{name}", BUSYBOX,
            "wget", "-q", "-O", "-", "http://169.254.170.2/v4/id",
        )  # fmt: skip

    runners = [await run_server(name) for name in pause_containers]
    try:
        answers = [await ask(name) for name in pause_containers]
    finally:
        for runner in runners:
            await runner.cleanup()
    assert answers == [f"/v4/id asked by {name}" for name in pause_containers]


@pytest.mark.docker
@pytest.mark.slow
def test_what_is_meant_for_us_does_not_leave_the_machine_while_nobody_serves(
    pause_containers: tuple[str, str],
) -> None:
    name, _ = pause_containers
    found = json.loads(docker("inspect", name))[0]
    (listener,) = open_listeners(found["State"]["Pid"], [METADATA], container_id=found["Id"])
    listener.close()
    inside = ("docker", "run", "--rm", "--network", f"container:{name}", BUSYBOX)
    eventually(lambda: INTERFACE not in docker(*inside[1:], "cat", "/proc/net/dev"))
    asked = subprocess.run(
        [*inside, "timeout", "5", "wget", "-O", "-", "http://169.254.170.2/"],
        capture_output=True,
        check=False,
    )
    assert b"No route to host" in asked.stderr
