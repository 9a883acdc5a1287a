from __future__ import annotations

from endpoints.making import PAUSE, awsvpc_task, bridge_task
from pillion.endpoints.metadata import Version
from pillion.endpoints.stats import container_stats, network_owner, task_stats
from pillion.ports.queries import ContainerStats, NetworkRates

ETH0 = {"eth0": {"rx_bytes": 84, "tx_bytes": 0}}
APP = ContainerStats(document={"id": "a", "cpu_stats": {"online_cpus": 2}})
HOLDER = ContainerStats(
    document={"id": "p", "networks": ETH0}, rates=NetworkRates(rx_bytes_per_s=4.5, tx_bytes_per_s=0.0)
)
RATES = {"rx_bytes_per_sec": 4.5, "tx_bytes_per_sec": 0.0}


def test_containers_of_an_awsvpc_task_show_the_network_of_the_task() -> None:
    assert container_stats(APP, HOLDER, Version.V4) == {
        "id": "a", "cpu_stats": {"online_cpus": 2}, "networks": ETH0, "network_rate_stats": RATES,
    }  # fmt: skip


def test_rates_belong_to_version_4() -> None:
    expected = {"id": "a", "cpu_stats": {"online_cpus": 2}, "networks": ETH0}
    assert [container_stats(APP, HOLDER, version) for version in (Version.V2, Version.V3)] == [expected] * 2


def test_missing_statistics_are_null_before_version_4_and_empty_in_it() -> None:
    assert [container_stats(None, None, version) for version in Version] == [None, None, {}]


def test_the_network_is_the_holders_in_awsvpc_mode_and_a_containers_own_otherwise() -> None:
    assert (network_owner(awsvpc_task(), "app"), network_owner(bridge_task(), "app")) == (PAUSE, "app")


def test_statistics_of_a_task_are_keyed_by_the_engines_ids() -> None:
    task = awsvpc_task()
    ids = {name: state.runtime_id for name, state in task.state.containers.items()}
    assert task_stats(task, {"app": APP, PAUSE: HOLDER}, Version.V4) == {
        ids[PAUSE]: {"id": "p", "networks": ETH0, "network_rate_stats": RATES},
        ids["app"]: {
            "id": "a", "cpu_stats": {"online_cpus": 2}, "networks": ETH0, "network_rate_stats": RATES,
        },
        ids["agent"]: {},
    }  # fmt: skip
