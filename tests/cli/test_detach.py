"""The server that a detached task is handed to: where it is started, and for which state folder."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from pillion.control.claims import SERVER, find_claimant
from scenarios.detached import end_process

pytestmark = pytest.mark.slow  # a process of its own

START = """
from pillion.cli.detach import start_server
from pillion.stores.sqlite import state_folder
print(start_server(state_folder()).process_id)
"""


def test_a_state_folder_that_is_named_from_here_is_that_of_the_server_elsewhere(tmp_path: Path) -> None:
    started = subprocess.run(
        [sys.executable, "-c", START],
        cwd=tmp_path,
        env={**os.environ, "PILLION_STATE_DIR": "pillion-of-a-test"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert started.returncode == 0, started.stderr
    process_id = int(started.stdout)
    try:
        found = find_claimant(tmp_path / "pillion-of-a-test", SERVER)
        assert found is not None
        assert found.process_id == process_id
    finally:
        end_process(process_id, signal.SIGTERM)
