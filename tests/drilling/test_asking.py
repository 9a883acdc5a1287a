from __future__ import annotations

import asyncio

import pytest
from aiohttp import web

from drilling.definitions import SHOP, container, prepared
from pillion.drilling.asking import Question, QuestionError, ask, read_question
from pillion.drilling.recording import Answer


def test_a_url_leads_to_a_port_of_the_task_wherever_that_is_published() -> None:
    question = read_question("http://localhost:8080/health?deep=1", SHOP.plan)
    assert question == Question(url="http://localhost:8080/health?deep=1", port=8080)
    assert question.at(32768) == "http://127.0.0.1:32768/health?deep=1"


@pytest.mark.parametrize(
    ("url", "complaint"),
    [
        ("localhost:8080", "is no URL to ask"),
        ("ftp://localhost/", "is no URL to ask"),
        ("http://localhost:99999/", "is no URL to ask"),
        ("http://example.com:8080/", "on this machine only"),
        ("http://localhost/", "no container maps port 80; ports of the task: 8080, 9090"),
    ],
)
def test_any_other_is_refused_with_what_would_do(url: str, complaint: str) -> None:
    with pytest.raises(QuestionError, match=complaint):
        read_question(url, SHOP.plan)


def test_a_task_that_maps_no_port_says_so() -> None:
    with pytest.raises(QuestionError, match="ports of the task: none"):
        read_question("http://localhost:8080/", prepared(container("web")).plan)


async def test_an_application_is_asked_again_and_again_and_every_answer_is_told() -> None:
    statuses = iter([200, 503, 404])

    async def answer(_: web.Request) -> web.Response:
        return web.Response(status=next(statuses, 200))

    app = web.Application()
    app.router.add_get("/", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    told: list[Answer] = []
    enough = asyncio.Event()

    def hear(look: Answer) -> None:
        told.append(look)
        if len(told) == 3:
            enough.set()

    asking = asyncio.create_task(ask(f"http://127.0.0.1:{port}/", hear))
    await asyncio.wait_for(enough.wait(), 10)
    asking.cancel()
    await runner.cleanup()
    assert [(look.status, look.is_good) for look in told] == [(200, True), (503, False), (404, True)]


async def test_nobody_who_listens_is_told_as_an_error() -> None:
    told: asyncio.Queue[Answer] = asyncio.Queue()
    asking = asyncio.create_task(ask("http://127.0.0.1:9/", told.put_nowait))
    look = await asyncio.wait_for(told.get(), 10)
    asking.cancel()
    assert (look.status, look.is_good) == (None, False)
    assert "refused" in look.error.lower()
