"""When `pillion run` first speaks with the engine."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ASKS = """
import sys
import pillion.connecting

def ahead(plan, host):
    print(plan.identity.family, *({"asyncio", "h11"} & set(sys.modules)))
    raise SystemExit(0)

pillion.connecting.docker_ahead = ahead
from pillion.cli.main import run_cli
sys.argv[0] = "pillion"
run_cli()
"""


TASK = {"family": "shop", "networkMode": "awsvpc"}
WEB = {"name": "web", "image": "web:1", "memory": 64}


def run(folder: Path, definition: object) -> subprocess.CompletedProcess[str]:
    file = folder / "task.json"
    file.write_text(json.dumps(definition))
    command = [sys.executable, "-c", ASKS, "run", str(file)]
    environment = {"PATH": "/usr/bin:/bin", "PILLION_STATE_DIR": str(folder / "state"), "HOME": str(folder)}
    return subprocess.run(command, capture_output=True, text=True, env=environment, check=False)


@pytest.mark.slow
def test_the_engine_is_asked_before_asyncio_is_there(tmp_path: Path) -> None:
    done = run(tmp_path, {**TASK, "containerDefinitions": [WEB]})
    assert (done.stdout, done.stderr) == ("shop\n", "")


@pytest.mark.slow
def test_a_bad_definition_asks_no_engine(tmp_path: Path) -> None:
    done = run(tmp_path, {**TASK, "containerDefinitions": []})
    assert (done.returncode, done.stdout) == (2, "")
    assert "containerDefinitions" in done.stderr


@pytest.mark.slow
def test_a_state_folder_that_cannot_be_used_asks_no_engine(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("a file")
    done = run(tmp_path, {**TASK, "containerDefinitions": [WEB]})
    assert (done.returncode, done.stdout) == (125, "")
    assert "state" in done.stderr
