"""FireLens in a plan: the router and those it serves are changed, nobody else."""

from dataclasses import replace

import pytest

from pillion.core.plan.build import make_plan
from pillion.core.plan.model import Bind, NetworkMode, TaskPlan
from pillion.core.plan.network import CNI_PAUSE_NAME
from pillion.core.plan.options import RunOptions
from pillion.core.taskdef.enums import NetworkMode as DefinedMode
from pillion.core.taskdef.model import ContainerDefinition
from pillion.sidecars.firelens.amend import AwsNames, amend_for_firelens
from pillion.sidecars.firelens.plan import FirelensPlan, FirelensSettings, plan_firelens
from sidecars.firelens.definitions import CLOUDWATCH, DAEMON, IDENTITY, app, router, task

CERTIFICATE = Bind(host_path="/tls/ca.pem", container_path="/etc/ssl/certs/0.0", read_only=True)
NAMES = AwsNames(names=("logs.eu-west-1.amazonaws.com",), address="169.254.170.2", certificate=CERTIFICATE)
OTHER = ContainerDefinition(name="other")


def planned(mode: NetworkMode) -> tuple[TaskPlan, FirelensPlan]:
    definition = replace(
        task(router(DAEMON), app(**{"@type": "stdout"}), OTHER), network_mode=DefinedMode(mode.value)
    )
    firelens = plan_firelens(definition, IDENTITY, mode, FirelensSettings(folder="/state"))
    assert firelens is not None
    return make_plan(definition, IDENTITY, RunOptions()), firelens


def test_the_router_and_its_clients_are_changed() -> None:
    plan, firelens = planned(NetworkMode.AWSVPC)
    amended = amend_for_firelens(plan, firelens, None)
    assert amended.container("log_router").binds == firelens.binds
    assert amended.container("log_router").environment == {"FLUENT_UID": "0"}
    assert amended.container("app").log == firelens.routed["app"].log
    assert amended.container("app").environment == {"FLUENT_HOST": "127.0.0.1", "FLUENT_PORT": "24224"}
    for name in ("other", CNI_PAUSE_NAME):
        assert amended.container(name) == plan.container(name)
    assert amended.spec == plan.spec


@pytest.mark.parametrize(
    ("mode", "owner"), [(NetworkMode.AWSVPC, CNI_PAUSE_NAME), (NetworkMode.BRIDGE, "log_router")]
)
def test_awss_names_go_to_whoever_owns_the_routers_hosts_file(mode: NetworkMode, owner: str) -> None:
    plan, firelens = planned(mode)
    amended = amend_for_firelens(plan, firelens, NAMES)
    with_names = [item.name for item in amended.containers if NAMES.hosts[0] in item.namespaces.extra_hosts]
    with_ca = [item.name for item in amended.containers if CERTIFICATE in item.binds]
    assert (with_names, with_ca) == ([owner], ["log_router"])


def test_a_client_that_is_left_out_is_no_trouble() -> None:
    definition = task(router(), app(**CLOUDWATCH))
    firelens = plan_firelens(definition, IDENTITY, NetworkMode.BRIDGE, FirelensSettings(folder="/state"))
    assert firelens is not None
    plan = make_plan(definition, IDENTITY, RunOptions(mute=frozenset({"app"})))
    assert [item.name for item in amend_for_firelens(plan, firelens, None).containers] == ["log_router"]
