"""Statistics over time, in virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest

from pillion.endpoints.sampling import IDLE_S, INTERVAL_S, StatsSampler, follow_sample
from pillion.engines.simulated.virtual_time import run_in_virtual_time
from pillion.ports.engine import EngineError, EngineUnreachableError
from pillion.ports.queries import ContainerStats, NetworkRates


def sample(second: int, rx: int, tx: int = 0, **changes: Any) -> dict[str, Any]:
    document = {
        "id": "a",
        "read": f"2026-01-02T03:04:{second:02d}.123456789Z",
        "cpu_stats": {"at": second},
        "precpu_stats": {},
        "networks": {"eth0": {"rx_bytes": rx, "tx_bytes": tx}, "eth1": {"rx_bytes": 0, "tx_bytes": 1}},
    }
    return document | changes


def test_the_first_sample_is_the_engines_own() -> None:
    assert follow_sample(None, sample(1, 0)) == ContainerStats(document=sample(1, 0))


def test_a_later_sample_shows_the_one_before_it_and_the_rates() -> None:
    found = follow_sample(sample(10, rx=1000, tx=5), sample(14, rx=3000, tx=7))
    assert found == ContainerStats(
        document=sample(14, rx=3000, tx=7, preread="2026-01-02T03:04:10.123456789Z", precpu_stats={"at": 10}),
        rates=NetworkRates(rx_bytes_per_s=500.0, tx_bytes_per_s=0.5),
    )


def test_another_container_of_the_same_name_begins_anew() -> None:
    new = sample(2, 5, id="b")
    assert follow_sample(sample(1, 0), new) == ContainerStats(document=new)


@pytest.mark.parametrize(
    ("previous", "current", "rates"),
    [
        (sample(1, 500), sample(2, 100), NetworkRates(rx_bytes_per_s=0.0, tx_bytes_per_s=0.0)),
        (sample(1, 500), sample(1, 600), None),
        ({"id": "a", "read": "yesterday", "networks": {}}, {"id": "a", "networks": {}}, None),
        ({"id": "a"}, {"id": "a", "read": "2026-01-02T03:04:05Z"}, None),
    ],
)
def test_rates_never_fall_below_zero_and_need_time_and_a_network(
    previous: Mapping[str, Any], current: Mapping[str, Any], rates: NetworkRates | None
) -> None:
    assert follow_sample(previous, current).rates == rates


class Engine:
    """An engine whose samples are numbered."""

    def __init__(self) -> None:
        self.taken: list[str] = []
        self.error: Exception | None = None

    async def read(self, container: str) -> Mapping[str, Any] | None:
        await asyncio.sleep(0.01)
        if self.error is not None:
            raise self.error
        self.taken.append(container)
        return {"id": container, "number": len(self.taken)}


def test_sampling_goes_on_while_somebody_asks_and_ends_after() -> None:
    async def scene() -> tuple[list[int], int, int]:
        engine = Engine()
        sampler = StatsSampler(engine.read)
        numbers = []
        for _ in range(3):
            found = await sampler.latest("app")
            assert found is not None
            numbers.append(found.document["number"])
            await asyncio.sleep(10 * INTERVAL_S)
        await asyncio.sleep(2 * IDLE_S)
        after = len(engine.taken)
        await asyncio.sleep(2 * IDLE_S)
        return numbers, after, len(engine.taken)

    numbers, after, much_later = run_in_virtual_time(scene())
    assert numbers[0] == 1
    assert numbers == sorted(set(numbers))
    assert after == much_later


def test_many_who_ask_at_once_wait_for_one_sample() -> None:
    async def scene() -> tuple[list[ContainerStats | None], list[str]]:
        engine = Engine()
        sampler = StatsSampler(engine.read)
        found = await asyncio.gather(*(sampler.latest("app") for _ in range(5)))
        await sampler.close()
        return list(found), engine.taken

    found, taken = run_in_virtual_time(scene())
    assert (found, taken) == ([ContainerStats(document={"id": "app", "number": 1})] * 5, ["app"])


@pytest.mark.parametrize(
    "error", [EngineError("CannotStatContainerError", "no"), EngineUnreachableError("gone")]
)
def test_an_engine_that_fails_means_no_statistics_for_now(error: Exception) -> None:
    async def scene() -> list[ContainerStats | None]:
        engine = Engine()
        engine.error = error
        sampler = StatsSampler(engine.read)
        before = await sampler.latest("app")
        engine.error = None
        await asyncio.sleep(2 * INTERVAL_S)
        after = await sampler.latest("app")
        await sampler.close()
        return [before, after]

    before, after = run_in_virtual_time(scene())
    assert before is None
    assert after is not None


def test_asking_again_after_the_end_begins_anew() -> None:
    async def scene() -> tuple[ContainerStats | None, int]:
        engine = Engine()
        sampler = StatsSampler(engine.read)
        await sampler.latest("app")
        await asyncio.sleep(3 * IDLE_S)
        taken = len(engine.taken)
        found = await sampler.latest("app")
        await sampler.close()
        return found, taken

    found, taken = run_in_virtual_time(scene())
    assert found == ContainerStats(document={"id": "app", "number": taken + 1})
