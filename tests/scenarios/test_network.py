"""Network modes, names and published ports, on a real engine."""

from __future__ import annotations

import re
import socket
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from engines.docker.free_ports import free_port
from scenarios.running import TIME_LIMIT_S, Pillion, container, definition

pytestmark = [pytest.mark.docker, pytest.mark.slow]


@contextmanager
def taken_port() -> Iterator[int]:
    """Hold a port of this machine."""
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        yield int(holder.getsockname()[1])


def get(url: str) -> str:
    """Return what a server answers that has just begun to listen, or is about to."""
    deadline_s = time.monotonic() + TIME_LIMIT_S
    while True:
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:
                body: bytes = answer.read()
            return body.decode().strip()
        except OSError:
            if time.monotonic() > deadline_s:
                raise
        time.sleep(0.05)


def server(name: str, port: int, text: str = "hello", **members: object) -> dict[str, object]:
    """Return a container that serves a text over HTTP."""
    script = (
        f"mkdir -p /tmp/www; echo {text} > /tmp/www/index.html; trap 'exit 0' TERM; "
        f"httpd -f -p {port} -h /tmp/www & echo ready; wait"
    )
    return container(name, script, **members)


def ask(url: str) -> str:
    """Return a script that asks until there is an answer, prints it and ends."""
    return f"for i in $(seq 300); do wget -qO- {url} 2>/dev/null && exit 0; sleep 0.1; done; exit 1"


def test_containers_of_an_awsvpc_task_share_localhost(pillion: Pillion) -> None:
    run = pillion.run(
        definition(server("web", 8080), container("app", ask("http://127.0.0.1:8080/"))),
    )
    assert (run.exit_code, run.messages("app")) == (0, ["hello"])
    web, app = (run.container(name)["networkInterfaces"] for name in ("web", "app"))
    assert web == app
    assert re.fullmatch(r"\d+\.\d+\.\d+\.\d+", web[0]["privateIpv4Address"])


def test_linked_containers_reach_each_other_by_name_on_the_bridge(pillion: Pillion) -> None:
    app = container("app", ask("http://backend:8080/"), links=["web:backend"])
    run = pillion.run(definition(server("web", 8080), app, networkMode="bridge"))
    assert (run.exit_code, run.messages("app")) == (0, ["hello"])
    assert run.moment("web", "RUNNING") <= run.moment("app", "RUNNING")  # a link is a dependency


def test_a_bridge_container_is_published_and_its_bindings_reported(pillion: Pillion) -> None:
    port = free_port()
    mapping = {"containerPort": 8080, "hostPort": port}
    with pillion.session(
        definition(server("web", 8080, portMappings=[mapping]), networkMode="bridge")
    ) as session:
        session.until(type="log", message="ready")
        assert get(f"http://127.0.0.1:{port}/") == "hello"
        session.interrupt()
        run = session.finish()
    assert run.container("web")["networkBindings"] == [
        {"bindIP": "127.0.0.1", "containerPort": 8080, "hostPort": port, "protocol": "tcp"}
    ]


def test_a_dynamic_host_port_is_the_engines_choice_and_is_reported(pillion: Pillion) -> None:
    mapping = {"containerPort": 8080, "hostPort": 0}
    done = pillion.run_text(
        definition(server("web", 8080, portMappings=[mapping]), networkMode="bridge"), "--stop-after", "4s"
    )
    assert re.search(r"web : port 8080 is at 127\.0\.0\.1:\d+$", done.stderr, re.MULTILINE), done.stderr


def test_a_host_container_is_on_the_machines_own_network(pillion: Pillion) -> None:
    run = pillion.run(definition(container("app", "readlink /proc/self/ns/net"), networkMode="host"))
    assert run.messages("app") == [str(Path("/proc/self/ns/net").readlink())]


def test_a_container_without_a_network_has_its_loopback_only(pillion: Pillion) -> None:
    run = pillion.run(definition(container("app", "ls /sys/class/net"), networkMode="none"))
    assert run.messages("app") == ["lo"]


def test_tasks_find_each_other_by_family_and_by_container(pillion: Pillion) -> None:
    with pillion.session(definition(server("web", 8080), family="shop")) as session:
        session.until(type="log", message="ready")
        other = Pillion(pillion.folder, cluster=pillion.cluster)
        script = f"({ask('http://shop:8080/')}); {ask('http://web.shop:8080/')}"
        run = other.run(definition(container("app", script), family="client"))
        session.interrupt()
        session.finish()
    assert run.messages("app") == ["hello", "hello"]


def test_a_port_of_an_awsvpc_task_is_the_same_port_here(pillion: Pillion) -> None:
    port = free_port()
    with pillion.session(definition(server("web", port, portMappings=[{"containerPort": port}]))) as session:
        session.until(type="log", message="ready")
        assert get(f"http://127.0.0.1:{port}/") == "hello"
        session.interrupt()
        run = session.finish()
    assert run.errors == ""


def test_a_taken_port_gives_way_to_another_that_is_told(pillion: Pillion) -> None:
    with (
        taken_port() as port,
        pillion.session(definition(server("web", port, portMappings=[{"containerPort": port}]))) as session,
    ):
        session.until(type="log", message="ready")
        told = re.search(rf"note: port {port} is at 127\.0\.0\.1:(\d+), because", session.errors())
        assert told, session.errors()
        assert told[1] != str(port)
        assert get(f"http://127.0.0.1:{told[1]}/") == "hello"
        session.interrupt()
        session.finish()


def test_a_chosen_port_is_exactly_that_one(pillion: Pillion) -> None:
    port = free_port()
    with pillion.session(
        definition(server("web", 8080, portMappings=[{"containerPort": 8080}])), "--publish", f"{port}:8080"
    ) as session:
        session.until(type="log", message="ready")
        assert get(f"http://127.0.0.1:{port}/") == "hello"
        session.interrupt()
        session.finish()


def test_a_chosen_port_that_is_taken_keeps_the_task_from_starting(pillion: Pillion) -> None:
    with taken_port() as port:
        run = pillion.run(definition(server("web", 8080)), "--publish", f"web={port}:8080")
    assert run.exit_code == 125
    assert run.task["stopCode"] == "TaskFailedToStart"
    assert re.match(rf"CannotStartContainerError: .*127\.0\.0\.1:{port}", run.task["stoppedReason"])


def test_a_range_of_ports_stays_together(pillion: Pillion) -> None:
    first = free_port(3)
    mapping = {"containerPortRange": f"{first}-{first + 2}"}
    with pillion.session(definition(server("web", first + 2, portMappings=[mapping]))) as session:
        session.until(type="log", message="ready")
        assert get(f"http://127.0.0.1:{first + 2}/") == "hello"
        session.interrupt()
        run = session.finish()
    assert run.exit_code == 130


def test_hosts_names_and_dns_settings_reach_a_bridge_container(pillion: Pillion) -> None:
    app = container(
        "app",
        "hostname; grep example.internal /etc/hosts | tr '\\t' ' '; cat /etc/resolv.conf",
        hostname="cashier",
        extraHosts=[{"hostname": "example.internal", "ipAddress": "192.0.2.7"}],
        dnsSearchDomains=["shop.internal"],
    )
    run = pillion.run(definition(app, networkMode="bridge"))
    assert run.messages("app")[:2] == ["cashier", "192.0.2.7 example.internal"]
    assert any(line.startswith("search shop.internal") for line in run.messages("app"))
