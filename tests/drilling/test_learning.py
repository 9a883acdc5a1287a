from __future__ import annotations

from typing import Any

import pytest

from drilling.definitions import HEALTH_CHECK, SHOP, WELL, container, prepared, well
from pillion.drilling.learning import learned_behaviours, usual_ends
from pillion.engines.simulated.behaviour import Behaviour, Life


def learned(life: Life, **members: Any) -> Life:
    """What is learned of a container beside another that runs on."""
    task = prepared(container("web"), container("log", essential=False, stopTimeout=5, **members))
    behaviours = {"log": Behaviour(image_present=True, lives=(life,))}
    return learned_behaviours(task.plan, well(task.plan, behaviours))["log"].life(0)


def test_who_ends_by_itself_is_learned_with_when_and_what() -> None:
    found = learned(Life(exits_after_s=2.5, exit_code=3))
    assert found.exits_after_s == pytest.approx(2.5)
    assert found.exit_code == 3


def test_how_a_container_takes_the_stop_signal_is_learned() -> None:
    found = learned(Life(stops_after_s=1.5, stop_exit_code=0))
    assert found.stops_after_s == pytest.approx(1.5)
    assert found.stop_exit_code == 0


def test_one_that_ignores_the_stop_signal_is_known_to() -> None:
    assert learned(Life(stops_after_s=None)).stops_after_s is None


@pytest.mark.parametrize(("real_s", "least_s", "most_s"), [(0.0, 0.0, 0.0), (12.0, 10.0, 15.0)])
def test_when_a_health_check_passes_is_learned_as_exactly_as_its_probes_tell(
    real_s: float, least_s: float, most_s: float
) -> None:
    found = learned(Life(healthy_after_s=real_s), healthCheck={**HEALTH_CHECK, "retries": 10})
    assert found.healthy_after_s is not None
    assert least_s <= found.healthy_after_s <= most_s


def test_a_check_that_never_passes_is_known_to() -> None:
    assert learned(Life(healthy_after_s=None), healthCheck=HEALTH_CHECK).healthy_after_s is None


def test_what_was_learned_gives_the_same_run_again() -> None:
    first = well(SHOP.plan, WELL)
    again = well(SHOP.plan, dict(learned_behaviours(SHOP.plan, first)))
    ends = [state.exit_code for state in first.last.containers.values()]
    assert [state.exit_code for state in again.last.containers.values()] == ends
    assert usual_ends(again) == usual_ends(first) == {"loader": 0}


def test_images_are_there_by_then() -> None:
    assert all(item.image_present for item in learned_behaviours(SHOP.plan, well(SHOP.plan, WELL)).values())
