"""A run in the foreground as a whole, on the simulated engine."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from engines.docker.fake_engine import until
from pillion.app import run_task
from pillion.control.claims import find_claimant
from pillion.control.server import ControlServer
from pillion.core.plan.model import Notice
from pillion.ports.engine import Capabilities
from pillion.runtime.observer import Observer, SilentObserver
from supervision.test_supervisor import ENDS, Machine, prepared

pytestmark = pytest.mark.slow  # in real time, as the socket is


class Hears(SilentObserver):
    """Remembers the troubles."""

    def __init__(self) -> None:
        self.troubles: list[str] = []

    def trouble(self, text: str) -> None:
        self.troubles.append(text)


async def test_a_run_that_others_cannot_ask_any_more_says_so_and_ends_as_it_would(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(*_: object) -> None:
        raise ModuleNotFoundError("No module named 'aiohttp.web'")

    monkeypatch.setattr(ControlServer, "_make", gone)
    machine, heard = Machine(tmp_path, ENDS), Hears()
    runs = asyncio.Event()

    def observe(notices: tuple[Notice, ...], capabilities: Capabilities) -> Observer:
        runs.set()
        return heard

    task = prepared()
    run = asyncio.create_task(run_task(task, machine.settings(), engine=machine.engine, observe=observe))
    await runs.wait()
    found = find_claimant(tmp_path, task.plan.identity.task_id)
    assert found is not None
    _, writer = await asyncio.open_unix_connection(found.socket_path)
    await until(lambda: heard.troubles)
    outcome = await run
    writer.close()
    assert outcome.exit_code == 3
    (trouble,) = heard.troubles
    assert trouble.startswith("other commands cannot ask this run: ModuleNotFoundError: No module named")
