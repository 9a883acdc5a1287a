"""The holder, run for real: the committed programs and, where there is a compiler, freshly built ones."""

from __future__ import annotations

import hashlib
import os
import signal
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import pillion.engines.docker.holder as holder_package

FOLDER = Path(holder_package.__file__).parent
SIZE_MAX = 8 * 1024
PATIENCE_S = 10.0

Run = Callable[..., "subprocess.Popen[bytes]"]
Connect = Callable[[int], socket.socket]
Eventually = Callable[[Callable[[], bool]], None]

OK = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 13\r\nConnection: close\r\n\r\n"
    b"pillion stub\n"
)
USAGE = "holder: usage: holder pause | stub [PORT[/udp]]... | health | relay IP:PORT IP:PORT|unix:PATH ...\n"


def read_all(connection: socket.socket) -> bytes:
    return b"".join(iter(lambda: connection.recv(65536), b""))


def takes_signals(process: subprocess.Popen[bytes]) -> bool:
    """Say whether the program has come so far that it takes signals."""
    descriptors = Path(f"/proc/{process.pid}/fd").iterdir()
    try:
        return any(str(descriptor.readlink()) == "anon_inode:[signalfd]" for descriptor in descriptors)
    except FileNotFoundError:  # one was closed between the listing and the look: by the launch, or by the end
        return False


@pytest.fixture
def echo_port() -> Iterator[int]:
    """A server that sends back what it gets, until the end of what it gets."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                while data := connection.recv(65536):
                    connection.sendall(data)

        threading.Thread(target=serve, daemon=True).start()
        yield server.getsockname()[1]


def test_committed_programs_are_made_of_the_committed_sources() -> None:
    lines = (FOLDER / "holder.sha256").read_text().splitlines()
    recorded = {name: digest for digest, name in map(str.split, lines)}
    files = [FOLDER / "build.sh", *(FOLDER / "source").iterdir(), *FOLDER.glob("holder-*")]
    assert recorded == {
        str(file.relative_to(FOLDER)): hashlib.sha256(file.read_bytes()).hexdigest() for file in files
    }


@pytest.mark.parametrize("architecture", ["x86_64", "aarch64"])
def test_program_is_small(architecture: str) -> None:
    assert (FOLDER / f"holder-{architecture}").stat().st_size <= SIZE_MAX


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_pause_ends_with_0_when_asked_to_stop(
    run: Run, eventually: Eventually, number: signal.Signals
) -> None:
    process = run("pause")
    eventually(lambda: takes_signals(process))
    process.send_signal(number)
    assert process.wait(PATIENCE_S) == 0


def test_pause_reaps_children_that_it_did_not_start(run: Run, eventually: Eventually, tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    run("pause", before=f"true & echo $! > {pids}; sh -c 'exit 3' & echo $! >> {pids};")
    eventually(lambda: pids.exists() and len(pids.read_text().split()) == 2)
    children = pids.read_text().split()
    eventually(lambda: not any(Path(f"/proc/{child}").exists() for child in children))


def test_health_passes(run: Run) -> None:
    assert run("health").wait(PATIENCE_S) == 0


def test_stub_answers_a_request_and_closes(run: Run, connect: Connect, free_port: int) -> None:
    run("stub", str(free_port))
    connection = connect(free_port)
    connection.sendall(b"GET /health HTTP/1.1\r\nHost: web\r\n\r\n")
    assert read_all(connection) == OK


def test_stub_answers_a_request_that_comes_in_pieces(run: Run, connect: Connect, free_port: int) -> None:
    run("stub", f"{free_port}/tcp")
    connection = connect(free_port)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for byte in b"POST /a/long/enough/path HTTP/1.0\r\nContent-Length: 5\r\n\r\nhello":
        connection.send(bytes([byte]))
    assert read_all(connection) == OK


def test_stub_answers_head_without_a_body(run: Run, connect: Connect, free_port: int) -> None:
    run("stub", str(free_port))
    connection = connect(free_port)
    connection.sendall(b"HEAD / HTTP/1.1\r\n\r\n")
    assert read_all(connection) == OK.removesuffix(b"pillion stub\n")


def test_stub_reads_and_discards_what_is_not_a_request(run: Run, connect: Connect, free_port: int) -> None:
    run("stub", str(free_port))
    connection = connect(free_port)
    connection.sendall(b"GET / of a kind\r\n\r\n" + b"line\n" * 200_000)
    connection.shutdown(socket.SHUT_WR)
    assert read_all(connection) == b""


def test_stub_serves_many_connections_at_once(run: Run, connect: Connect, free_port: int) -> None:
    run("stub", str(free_port))
    connections = [connect(free_port) for _ in range(300)]
    for connection in connections:
        connection.sendall(b"GET / HTTP/1.1\r\n\r\n")
    assert [read_all(connection) for connection in connections] == [OK] * 300


def test_stub_accepts_again_after_its_connections_are_used_up(
    run: Run, connect: Connect, free_port: int
) -> None:
    run("stub", str(free_port), before="ulimit -n 20;")
    idle = [connect(free_port) for _ in range(40)]
    for connection in idle:
        connection.close()
    late = connect(free_port)
    late.sendall(b"GET / HTTP/1.1\r\n\r\n")
    assert read_all(late) == OK


def test_stub_listens_on_ipv6(run: Run, connect: Connect, free_port: int) -> None:
    run("stub", str(free_port))
    connect(free_port)
    try:
        connection = socket.create_connection(("::1", free_port), timeout=PATIENCE_S)
    except OSError as error:
        pytest.skip(f"this machine has no IPv6 loopback: {error}")
    with connection:
        connection.sendall(b"GET / HTTP/1.1\r\n\r\n")
        assert read_all(connection) == OK


def test_stub_takes_datagrams_and_goes_on(run: Run, connect: Connect, free_port: int) -> None:
    process = run("stub", f"{free_port}/udp", str(free_port))  # opened in this order
    connect(free_port).close()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.connect(("127.0.0.1", free_port))
        for _ in range(10):  # a port that nobody listens on would refuse the second
            sender.send(b"metric:1|c")
    connection = connect(free_port)
    connection.sendall(b"GET / HTTP/1.1\r\n\r\n")
    assert (read_all(connection), process.poll()) == (OK, None)


def test_stub_without_ports_waits_and_ends_with_0(run: Run, eventually: Eventually) -> None:
    process = run("stub")
    eventually(lambda: takes_signals(process))
    process.send_signal(signal.SIGTERM)
    assert process.wait(PATIENCE_S) == 0


def test_stub_with_connections_ends_with_0(run: Run, connect: Connect, free_port: int) -> None:
    process = run("stub", str(free_port))
    connect(free_port)
    process.send_signal(signal.SIGTERM)
    assert process.wait(PATIENCE_S) == 0


def test_stub_says_which_port_is_taken(run: Run) -> None:
    with socket.create_server(("0.0.0.0", 0)) as taken:
        port = taken.getsockname()[1]
        process = run("stub", str(port))
        _, message = process.communicate(timeout=PATIENCE_S)
    expected = f"holder: cannot listen on port {port}: the port is already in use in this network namespace\n"
    assert (process.returncode, message.decode()) == (1, expected)


def test_relay_carries_both_ways_and_passes_on_the_end(
    run: Run, connect: Connect, free_port: int, echo_port: int
) -> None:
    run("relay", f"127.0.0.1:{free_port}", f"127.0.0.1:{echo_port}")
    connection = connect(free_port)
    sent = os.urandom(2_000_000)

    def send() -> None:
        connection.sendall(sent)
        connection.shutdown(socket.SHUT_WR)

    sender = threading.Thread(target=send)
    sender.start()
    received = read_all(connection)
    sender.join()
    assert received == sent


def test_relay_says_when_it_listens(run: Run, free_port: int, echo_port: int) -> None:
    process = run("relay", f"127.0.0.1:{free_port}", f"127.0.0.1:{echo_port}")
    assert process.stdout is not None
    assert process.stdout.readline() == b"holder: ready\n"
    with socket.create_connection(("127.0.0.1", free_port), timeout=PATIENCE_S) as connection:
        connection.sendall(b"ping")
        connection.shutdown(socket.SHUT_WR)
        assert read_all(connection) == b"ping"


def test_relay_reaches_a_unix_socket(run: Run, connect: Connect, free_port: int, tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "s"))
        server.listen()
        run("relay", f"127.0.0.1:{free_port}", f"unix:{tmp_path / 's'}")
        connection = connect(free_port)
        connection.sendall(b"ping")
        peer, _ = server.accept()
        with peer:
            heard = peer.recv(99)
            peer.sendall(b"pong")
    assert (heard, read_all(connection)) == (b"ping", b"pong")


def test_relay_closes_when_nobody_answers_and_goes_on(run: Run, connect: Connect, free_port: int) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))  # bound and not listening: connections are refused
        process = run("relay", f"127.0.0.1:{free_port}", f"127.0.0.1:{closed.getsockname()[1]}")
        answers = [read_all(connect(free_port)) for _ in range(3)]
    assert (answers, process.poll()) == ([b"", b"", b""], None)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), USAGE),
        (("sleep",), USAGE),
        (("pause", "now"), USAGE),
        (("relay", "127.0.0.1:80"), USAGE),
        (("stub", "0"), "holder: not a port (1 to 65535, then /tcp or /udp or nothing): 0\n"),
        (("stub", "65536"), "holder: not a port (1 to 65535, then /tcp or /udp or nothing): 65536\n"),
        (("stub", "80/sctp"), "holder: not a port (1 to 65535, then /tcp or /udp or nothing): 80/sctp\n"),
        (("stub", "/udp"), "holder: not a port (1 to 65535, then /tcp or /udp or nothing): /udp\n"),
        (
            ("relay", "1.2.3:4", "1.2.3.4:5"),
            "holder: not an IPv4 address and port to listen on: 1.2.3:4\n",
        ),
        (
            ("relay", "1.2.3.256:4", "1.2.3.4:5"),
            "holder: not an IPv4 address and port to listen on: 1.2.3.256:4\n",
        ),
        (
            ("relay", "127.0.0.1:4", "name:5"),
            "holder: not IPV4:PORT or unix:PATH to forward to: name:5\n",
        ),
        (("relay", "127.0.0.1:4", "unix:"), "holder: not IPV4:PORT or unix:PATH to forward to: unix:\n"),
    ],
)
def test_wrong_arguments_are_said_and_end_with_2(run: Run, arguments: tuple[str, ...], message: str) -> None:
    process = run(*arguments)
    _, said = process.communicate(timeout=PATIENCE_S)
    assert (process.returncode, said.decode()) == (2, message)
