"""The set-up scripts do nothing where nothing is to do, and say what is wrong where they cannot help."""

import os
import re
import socket
import subprocess
import threading
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]


def _setup_engine(host: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [REPOSITORY / "scripts/setup-engine"],
        env={**os.environ, "DOCKER_HOST": host},
        capture_output=True,
        text=True,
        check=False,
    )


def test_an_engine_that_docker_host_names_is_never_replaced_by_another(tmp_path: Path) -> None:
    host = f"unix://{tmp_path}/none.sock"
    done = _setup_engine(host)
    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        f"setup-engine: no container engine answers at {host} (DOCKER_HOST): No such file or directory.",
        "setup-engine: Start that engine, or unset DOCKER_HOST to use one on this machine.",
    ]


def test_an_engine_that_answers_is_left_alone(tmp_path: Path) -> None:
    def answer_once() -> None:
        connection, _ = listener.accept()
        with connection:
            connection.recv(1024)
            connection.sendall(b"HTTP/1.0 200 OK\r\n\r\nOK")

    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "engine.sock"))
        listener.listen()
        engine = threading.Thread(target=answer_once)
        engine.start()
        done = _setup_engine(f"unix://{tmp_path}/engine.sock")
        engine.join()
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_make_lists_every_target_with_what_it_does() -> None:
    makefile = (REPOSITORY / "Makefile").read_text()
    phony = re.search(r"^\.PHONY: (.+)$", makefile, re.MULTILINE)
    assert phony is not None
    listed = subprocess.run(
        ["make", "--no-print-directory", "-C", REPOSITORY], capture_output=True, text=True, check=True
    ).stdout
    assert [line.split()[1] for line in listed.splitlines()] == phony.group(1).split()


def test_continuous_integration_runs_what_a_contributor_runs() -> None:
    assert "make --no-print-directory test" in (REPOSITORY / ".ci/run").read_text()
    assert os.access(REPOSITORY / ".ci/run", os.X_OK)
