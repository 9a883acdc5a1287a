from __future__ import annotations

from pathlib import Path

import pytest

from drilling.definitions import SHOP
from pillion.core.plan.network import CNI_PAUSE_NAME
from pillion.drilling.faults import Case, Fault
from pillion.drilling.striking import Striker
from pillion.ports.injector import InjectionUnavailableError


class Notebook:
    """An injector that harms nobody and notes what it was asked for."""

    def __init__(self, *, able: bool = True) -> None:
        self.asked: list[tuple[object, ...]] = []
        self._able = able

    def _note(self, *asked: object) -> None:
        self.asked.append(asked)
        if not self._able:
            raise InjectionUnavailableError("not here")

    async def kill(self, container: str) -> None:
        self._note("kill", container)

    async def end(self, container: str, exit_code: int) -> None:
        self._note("end", container, exit_code)

    async def freeze(self, container: str) -> None:
        self._note("freeze", container)

    async def thaw(self, container: str) -> None:
        self._note("thaw", container)

    async def exhaust_memory(self, container: str) -> None:
        self._note("exhaust", container)

    async def fill(self, container: str, path: str, size_bytes: int) -> None:
        self._note("fill", container, path, size_bytes)

    async def cut_network(self, container: str) -> None:
        self._note("cut", container)

    async def mend_network(self, container: str) -> None:
        self._note("mend", container)

    async def close(self) -> None:
        self._note("close")


def name_of(container: str) -> str:
    return SHOP.plan.container(container).engine_name


async def strike(case: Case, folder: Path, *, able: bool = True) -> list[tuple[object, ...]]:
    """Make a fault, take it back twice, and return what was asked of the engine."""
    notebook = Notebook(able=able)
    striker = Striker(case, SHOP.plan, injector=notebook, gate_folder=folder)
    try:
        await striker.make()
    except InjectionUnavailableError:
        assert not able
    await striker.lift()
    await striker.lift()
    assert not striker.holds
    return notebook.asked


@pytest.mark.parametrize(
    ("fault", "asked"),
    [
        (Fault.KILL, [("kill", name_of("web"))]),
        (Fault.EXIT_0, [("end", name_of("web"), 0)]),
        (Fault.EXIT_1, [("end", name_of("web"), 1)]),
        (Fault.MEMORY, [("exhaust", name_of("web"))]),
        (Fault.FREEZE, [("freeze", name_of("web")), ("thaw", name_of("web"))]),
        (Fault.NEVER_HEALTHY, []),
        (Fault.DELAY, []),
    ],
)
async def test_each_fault_asks_for_what_it_needs_and_is_taken_back_once(
    tmp_path: Path, fault: Fault, asked: list[tuple[object, ...]]
) -> None:
    assert await strike(Case(container="web", fault=fault), tmp_path) == asked


async def test_the_network_of_a_task_is_that_of_its_pause_container(tmp_path: Path) -> None:
    pause = name_of(CNI_PAUSE_NAME)
    asked = await strike(Case(container=None, fault=Fault.NETWORK), tmp_path)
    assert asked == [("cut", pause), ("mend", pause)]


async def test_every_place_at_which_a_chosen_volume_can_be_written_is_filled(tmp_path: Path) -> None:
    case = Case(container="loader", fault=Fault.VOLUME, volumes=("config",))
    assert await strike(case, tmp_path) == [("fill", name_of("loader"), "/config", 32 * 1024 * 1024)]


async def test_a_health_check_fails_as_long_as_a_file_is_there(tmp_path: Path) -> None:
    case = Case(container="cache", fault=Fault.UNHEALTHY)
    striker = Striker(case, SHOP.plan, injector=Notebook(), gate_folder=tmp_path)
    await striker.make()
    assert striker.holds
    assert (tmp_path / "ill").exists()
    await striker.lift()
    assert not (tmp_path / "ill").exists()


async def test_what_failed_half_way_is_taken_back_too(tmp_path: Path) -> None:
    asked = await strike(Case(container="web", fault=Fault.FREEZE), tmp_path, able=False)
    assert [what for what, _ in asked] == ["freeze", "thaw"]
