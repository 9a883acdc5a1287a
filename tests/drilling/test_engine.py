from __future__ import annotations

from typing import Any, cast

from drilling.definitions import SHOP
from pillion.drilling.engine import attended
from pillion.ports.engine import Engine


class Inner:
    """An engine, and a task on it, that notes what it is asked for."""

    def __init__(self, noted: list[str]) -> None:
        self.noted = noted

    def open(self, _: object) -> Inner:
        return self

    async def start(self, container: str, *, restart: bool) -> float:
        self.noted.append(f"{'restart' if restart else 'start'} {container}")
        return 7.0

    def facts(self, container: str) -> str:
        return f"facts of {container}"

    async def close(self) -> None:
        self.noted.append("close")


async def test_a_drill_is_there_around_the_first_start_of_a_container_and_nowhere_else() -> None:
    noted: list[str] = []

    async def before(container: str) -> None:
        noted.append(f"before {container}")

    async def after(container: str, at_s: float) -> None:
        noted.append(f"after {container} at {at_s:g}")

    engine = attended(cast("Engine", Inner(noted)), before, after)
    task: Any = engine.open(SHOP.plan)
    assert await task.start("web", restart=False) == 7.0
    assert await task.start("web", restart=True) == 7.0
    assert task.facts("web") == "facts of web"
    await engine.close()
    assert noted == ["before web", "start web", "after web at 7", "restart web", "close"]
