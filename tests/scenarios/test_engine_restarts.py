"""The engine is restarted under a running task: with its containers and without, quickly and slowly."""

from __future__ import annotations

import signal
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from scenarios.detached import Detached
from scenarios.own_engine import OwnEngine, missing
from scenarios.running import Pillion, container, definition
from scenarios.test_detached import TICKS

pytestmark = [
    pytest.mark.docker,
    pytest.mark.slow,
    pytest.mark.skipif(missing() is not None, reason=missing() or ""),
]

Make = Callable[..., tuple[Detached, OwnEngine]]


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    """Return a pillion on an engine of its own; afterwards both are gone."""
    with ExitStack() as stack:

        def made(*, live_restore: bool) -> tuple[Detached, OwnEngine]:
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="pillion-engine-"))
            engine = OwnEngine(Path(folder) / "d", live_restore=live_restore)
            stack.callback(engine.remove)
            engine.start()
            engine.load()
            pillion = Pillion(tmp_path)
            pillion.environment["DOCKER_HOST"] = engine.host
            detached = Detached(pillion)
            stack.callback(detached.end)
            return detached, engine

        yield made


def alone(*containers: object) -> dict[str, object]:
    return definition(*containers, networkMode="none")  # type: ignore[arg-type] # they come from `container`


def test_a_task_goes_on_when_its_engine_comes_back_with_the_containers(make: Make) -> None:
    detached, engine = make(live_restore=True)
    task = detached.run(alone(container("app", TICKS)))
    detached.until_said(task, "3")
    engine.end()
    engine.start()
    last = detached.output(task, "app")[-1]
    detached.until_said(task, str(int(last) + 5))
    assert detached.task(task)["lastStatus"] == "RUNNING"
    detached("stop", task)
    *ticks, bye = detached.output(task, "app")
    assert ticks == [str(number + 1) for number in range(len(ticks))]
    assert bye == "bye"
    assert engine.docker("ps", "-aq").stdout == ""


def test_a_task_whose_containers_the_engine_took_along_has_ended(make: Make) -> None:
    detached, engine = make(live_restore=False)
    task = detached.run(alone(container("app", TICKS), container("side", TICKS, essential=False)))
    detached.until_said(task, "3")
    engine.end()
    engine.start()
    assert detached.pillion.command("wait", task).returncode == 0, detached.log()
    shape = detached.task(task)
    assert (shape["stopCode"], shape["lastStatus"]) == ("EssentialContainerExited", "STOPPED")
    assert engine.docker("ps", "-aq").stdout == ""


def test_an_engine_that_was_killed_and_stays_away_is_waited_for(make: Make) -> None:
    detached, engine = make(live_restore=True)
    task = detached.run(alone(container("app", TICKS)))
    detached.until_said(task, "3")
    engine.end(signal.SIGKILL)
    detached.until_logged("waits for its engine")
    engine.start()
    last = detached.output(task, "app")[-1]
    detached.until_said(task, str(int(last) + 5))
    detached("stop", task)
    *ticks, bye = detached.output(task, "app")
    assert ticks == [str(number + 1) for number in range(len(ticks))]
    assert bye == "bye"
