"""The control socket from both ends: what is asked, what is answered, and what is refused."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from pillion.control.claims import Claim, Claimant, find_claimant
from pillion.control.client import ControlClient
from pillion.control.server import ControlServer
from pillion.core.plan.model import Notice
from pillion.ports.control import Accepted, ControlError, Ended, UnknownTaskError

pytestmark = pytest.mark.slow  # the first question imports a web server


class Desk:
    """A desk with one task, which notes what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[object, ...]] = []
        self.over = asyncio.Event()
        self.failures: list[Exception] = []

    def tasks(self) -> tuple[str, ...]:
        return ("abc",)

    async def submit(self, request: Mapping[str, Any]) -> Accepted:
        self.asked.append(("submit", request))
        if "definition" not in request:
            raise ControlError("there is no definition in it")
        return Accepted(task_id="new", notices=(Notice(code="a", text="b", container="web"),), engine="e 1")

    def adopt(self) -> tuple[str, ...]:
        self.asked.append(("adopt",))
        return ("old",)

    def stop(self, task_id: str, reason: str | None) -> None:
        if task_id != "abc":
            raise UnknownTaskError(f"no task {task_id}")
        self.asked.append(("stop", task_id, reason))

    def kill(self, task_id: str) -> None:
        self.asked.append(("kill", task_id))

    async def ended(self, task_id: str) -> Ended:
        self.asked.append(("ended", task_id))
        await self.over.wait()
        return Ended(exit_code=3, task={"lastStatus": "STOPPED", "createdAt": 1.5})

    def metrics(self) -> str:
        return "up 1\n"


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    made = Desk()
    with Claim(tmp_path, "serve") as claim:
        async with ControlServer(made, claim.listener, failed=made.failures.append):
            yield made


@pytest.fixture
def client(tmp_path: Path, desk: Desk) -> ControlClient:
    found = find_claimant(tmp_path, "serve")
    assert found is not None
    return ControlClient(found)


async def ask(question: Callable[[], Any]) -> Any:
    return await asyncio.to_thread(question)


async def test_it_says_what_it_supervises(client: ControlClient) -> None:
    assert (await ask(client.about))["tasks"] == ["abc"]


async def test_a_task_is_begun_and_its_notices_come_back(desk: Desk, client: ControlClient) -> None:
    answer = await ask(lambda: client.submit({"definition": {}}))
    assert answer == {
        "task_id": "new",
        "notices": [{"code": "a", "text": "b", "container": "web"}],
        "engine": "e 1",
    }
    assert desk.asked == [("submit", {"definition": {}})]


async def test_what_is_refused_is_refused_in_its_words(client: ControlClient) -> None:
    with pytest.raises(ControlError, match=r"^there is no definition in it$"):
        await ask(lambda: client.submit({}))


async def test_a_task_is_stopped_and_killed_and_others_are_taken_over(
    desk: Desk, client: ControlClient
) -> None:
    await ask(lambda: client.stop("abc", "enough"))
    await ask(lambda: client.kill("abc"))
    await ask(client.adopt)
    assert desk.asked == [("stop", "abc", "enough"), ("kill", "abc"), ("adopt",)]


async def test_a_task_that_is_not_there_is_told_apart(client: ControlClient) -> None:
    with pytest.raises(UnknownTaskError, match="no task xyz"):
        await ask(lambda: client.stop("xyz", None))


async def test_the_end_of_a_task_is_waited_for_while_others_are_answered(
    desk: Desk, client: ControlClient
) -> None:
    end = asyncio.create_task(ask(lambda: client.ended("abc")))
    await ask(client.about)
    assert not end.done()
    desk.over.set()
    assert await end == {
        "exitCode": 3,
        "task": {"lastStatus": "STOPPED", "createdAt": "1970-01-01T00:00:01.500Z"},
    }


async def test_a_process_that_is_gone_is_said_to_be(tmp_path: Path) -> None:
    gone = ControlClient(Claimant(process_id=17, socket_path=str(tmp_path / "no.sock")))
    with pytest.raises(ControlError, match="process 17 is gone; the tasks"):
        await ask(gone.about)
