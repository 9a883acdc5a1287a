"""How fast the endpoints of a task answer, beside a bare aiohttp handler that sends the same bytes.

The server runs in a process of its own and the load comes from this one, over kept connections on the
loopback interface, with the agent's request limit lifted. As root, the way into a network namespace is
measured too: how long a task's start waits for its sockets.
"""

from __future__ import annotations

import asyncio
import itertools
import multiprocessing
import os
import socket
import statistics
import subprocess
import sys
import time
from multiprocessing.connection import Connection

from aiohttp import web

from pillion.core.inputs.secret import SecretValue
from pillion.core.lifecycle import events as ev
from pillion.core.lifecycle.machine import handle
from pillion.core.lifecycle.state import TaskState, initial_state
from pillion.core.plan.build import make_plan
from pillion.core.plan.endpoints import draw_endpoint_ids, with_endpoints
from pillion.core.plan.facts import ContainerFacts, NetworkAddress
from pillion.core.plan.model import TaskIdentity, TaskPlan
from pillion.core.plan.options import RunOptions
from pillion.core.taskdef.parse import parse_task_definition
from pillion.endpoints import EndpointServer, TaskDesk
from pillion.endpoints.throttle import Throttle
from pillion.ports.aws import RoleCredentials

CONNECTIONS = 8
SECONDS = 3.0
NAMESPACES = 20

ROLE = "arn:aws:iam::123456789012:role/bench"
DOCUMENT = {
    "family": "bench",
    "networkMode": "awsvpc",
    "taskRoleArn": ROLE,
    "containerDefinitions": [
        {
            "name": f"c{number}",
            "image": "bench:1",
            "memory": 64,
            "portMappings": [{"containerPort": 8000 + number}],
            "logConfiguration": {"logDriver": "awslogs", "options": {"awslogs-group": "/bench"}},
        }
        for number in range(5)
    ],
}


class Roles:
    """Credentials that are there already, as they are from the second request on."""

    async def credentials_of(self, role_arn: str, session_name: str) -> RoleCredentials:
        secret = SecretValue("s" * 40)
        return RoleCredentials(
            role_arn=role_arn,
            access_key_id="ASIA",
            secret_access_key=secret,
            session_token=secret,
            expires_at_s=2e9,
        )


def make_desk() -> TaskDesk:
    definition = parse_task_definition(DOCUMENT).definition
    assert definition is not None
    arn = "arn:aws:ecs:us-east-1:123456789012"
    identity = TaskIdentity(
        task_id="b" * 32,
        task_arn=f"{arn}:task/bench/{'b' * 32}",
        cluster="bench",
        cluster_arn=f"{arn}:cluster/bench",
        family="bench",
        revision=1,
        definition_arn=f"{arn}:task-definition/bench:1",
        region="us-east-1",
        account="123456789012",
    )
    plan = make_plan(definition, identity, RunOptions())
    numbers = itertools.count()
    ids = draw_endpoint_ids(plan, has_task_role=True, draw=lambda: f"id-{next(numbers)}")
    plan = with_endpoints(plan, ids)
    state = running(plan)
    address = NetworkAddress(
        network="bench",
        ipv4="172.19.0.5",
        mac="02:42:ac:13:00:05",
        gateway_ipv4="172.19.0.1",
        prefix_length=16,
    )
    facts = ContainerFacts(addresses=(address,))
    return TaskDesk(
        plan=plan,
        definition=definition,
        ids=ids,
        state=lambda: state,
        facts=lambda name: facts,
        roles=Roles(),
    )


def running(plan: TaskPlan) -> TaskState:
    """Return the state in which every container has started."""
    state, now_s = initial_state(plan.spec), 1e9
    life: list[ev.Event] = [ev.StartRequested()]
    life += [ev.ResourceReady(resource=name) for name in plan.spec.resources]
    for item in plan.spec.containers:
        life += [
            ev.ManifestResolved(container=item.name),
            ev.Pulled(container=item.name, pulled=False),
            ev.Created(container=item.name, runtime_id=item.name.ljust(64, "f")),
            ev.Started(container=item.name, at_s=now_s),
        ]
    for event in life:
        state = handle(state, event, now_s).state
    return state


def serve(listener: socket.socket, bare: socket.socket, ready: Connection) -> None:
    """Serve until killed: the endpoints on one socket, a bare handler on the other."""

    async def run() -> None:
        desk = make_desk()
        server = EndpointServer(desk, throttle=Throttle(rate_per_s=1e9, burst=10**9))
        await server.start([listener])
        body = b"x" * 700

        async def send(request: web.BaseRequest) -> web.Response:
            return web.Response(body=body, headers={"Content-Type": "application/json"})

        runner = web.ServerRunner(web.Server(send, access_log=None))
        await runner.setup()
        await web.SockSite(runner, bare).start()
        ready.send(None)
        await asyncio.Event().wait()

    asyncio.run(run())


async def ask(port: int, path: str, deadline_s: float) -> list[float]:
    """Ask again and again over one connection; return how long each answer took, in seconds."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    request = f"GET {path} HTTP/1.1\r\nHost: 169.254.170.2\r\n\r\n".encode()
    times = []
    while (begin := time.perf_counter()) < deadline_s:
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200"), head
        length = int(head.lower().split(b"content-length:", 1)[1].split(b"\r\n", 1)[0])
        await reader.readexactly(length)
        times.append(time.perf_counter() - begin)
    writer.close()
    return times


async def measure(port: int, path: str) -> tuple[float, float, float]:
    """Return requests a second, median and p99 in milliseconds."""
    deadline_s = time.perf_counter() + SECONDS
    runs = await asyncio.gather(*(ask(port, path, deadline_s) for _ in range(CONNECTIONS)))
    times = sorted(itertools.chain.from_iterable(runs))
    return (
        len(times) / SECONDS,
        statistics.median(times) * 1e3,
        times[int(len(times) * 0.99)] * 1e3,
    )


def measure_namespaces() -> None:
    """Measure the way into a task's network namespace."""
    from pillion.engines.docker.namespace import open_listeners

    times, tasks = [], []
    for _ in range(NAMESPACES):
        task = subprocess.Popen(["unshare", "--net", "sh", "-c", "echo; exec cat"], stdin=-1, stdout=-1)
        assert task.stdout is not None
        task.stdout.readline()
        tasks.append(task)
        begin = time.perf_counter()
        (listener,) = open_listeners(task.pid, [("169.254.170.2", 80)])
        times.append((time.perf_counter() - begin) * 1e3)
        listener.close()
    for task in tasks:
        task.kill()
        task.communicate()
    print(f"into a network namespace: median {statistics.median(times):.1f} ms, worst {max(times):.1f} ms")


def main() -> None:
    listener, bare = (socket.create_server(("127.0.0.1", 0)) for _ in range(2))
    here, there = multiprocessing.Pipe()
    server = multiprocessing.get_context("fork").Process(
        target=serve, args=(listener, bare, there), daemon=True
    )
    server.start()
    here.recv()
    print(f"{CONNECTIONS} connections, {SECONDS:g} s each; the client takes the other core")
    bare_per_s, *_ = report("bare aiohttp handler", bare.getsockname()[1], "/")
    for name, path in (
        ("container", "/v4/id-0"),
        ("task of five", "/v4/id-0/task"),
        ("credentials", "/v2/credentials/id-5"),
    ):
        per_s, *_ = report(name, listener.getsockname()[1], path)
        print(f"    {per_s / bare_per_s:.0%} of the bare handler")
    server.kill()
    server.join()
    if sys.platform == "linux" and os.geteuid() == 0:
        measure_namespaces()
    else:
        print("into a network namespace: not measured, that needs Linux and root")


def report(name: str, port: int, path: str) -> tuple[float, float, float]:
    found = asyncio.run(measure(port, path))
    print(f"{name}: {found[0]:,.0f} requests/s, median {found[1]:.2f} ms, p99 {found[2]:.2f} ms")
    return found


if __name__ == "__main__":
    main()
