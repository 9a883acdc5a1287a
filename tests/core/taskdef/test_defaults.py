"""What ECS fills in."""

import pytest
from hypothesis import given

from pillion.core.taskdef.defaults import with_defaults
from pillion.core.taskdef.enums import LogDriver, NetworkMode, TransportProtocol
from pillion.core.taskdef.model import (
    ContainerDefinition,
    EFSVolumeConfiguration,
    HealthCheck,
    LogConfiguration,
    PortMapping,
    TaskDefinition,
    Volume,
)
from pillion.core.taskdef.parse import read_task_definition
from pillion.core.taskdef.render import render_task_definition
from pillion.testing.strategies import task_definitions


def defaulted(container: ContainerDefinition, network_mode: NetworkMode | None = None) -> ContainerDefinition:
    definition = TaskDefinition(family="web", network_mode=network_mode, container_definitions=(container,))
    (filled,) = with_defaults(definition).container_definitions
    return filled


def test_the_smallest_definition_comes_back_as_describe_task_definition_shows_it() -> None:
    definition = read_task_definition(
        {"family": "web", "containerDefinitions": [{"name": "app", "image": "app:1", "memory": 64}]}
    )

    assert render_task_definition(with_defaults(definition)) == {
        "family": "web",
        "containerDefinitions": [
            {
                "name": "app",
                "image": "app:1",
                "memory": 64,
                "cpu": 0,
                "essential": True,
                "environment": [],
                "mountPoints": [],
                "volumesFrom": [],
                "portMappings": [],
                "systemControls": [],
            }
        ],
        "volumes": [],
        "placementConstraints": [],
    }


def test_what_is_given_stays_as_it_is_also_when_it_is_false_zero_or_empty() -> None:
    container = ContainerDefinition(
        cpu=10,
        essential=False,
        command=(),
        environment=(),
        health_check=HealthCheck(command=("CMD", "true"), interval=10, timeout=2, retries=1, start_period=0),
        port_mappings=(PortMapping(container_port=80, host_port=0, protocol=TransportProtocol.UDP),),
    )

    filled = defaulted(container, NetworkMode.AWSVPC)

    assert (filled.cpu, filled.essential, filled.command) == (10, False, ())
    assert (filled.health_check, filled.port_mappings) == (container.health_check, container.port_mappings)


@pytest.mark.parametrize(
    ("network_mode", "host_port"),
    [
        (NetworkMode.AWSVPC, 80),
        (NetworkMode.HOST, 80),
        (NetworkMode.BRIDGE, 0),
        (None, 0),
        (NetworkMode.NONE, None),
    ],
)
def test_the_host_port_follows_from_the_network_mode(
    network_mode: NetworkMode | None, host_port: int | None
) -> None:
    filled = defaulted(ContainerDefinition(port_mappings=(PortMapping(container_port=80),)), network_mode)

    assert filled.port_mappings == (
        PortMapping(container_port=80, host_port=host_port, protocol=TransportProtocol.TCP),
    )


def test_a_range_of_ports_gets_a_protocol_and_no_host_port() -> None:
    filled = defaulted(ContainerDefinition(port_mappings=(PortMapping(container_port_range="80-90"),)))

    (mapping,) = filled.port_mappings or ()
    assert mapping == PortMapping(container_port_range="80-90", protocol=TransportProtocol.TCP)


def test_a_health_check_gets_its_numbers_but_no_start_period() -> None:
    filled = defaulted(ContainerDefinition(health_check=HealthCheck(command=("CMD", "true"))))

    assert filled.health_check == HealthCheck(command=("CMD", "true"), interval=30, timeout=5, retries=3)


def test_a_log_configuration_gets_an_empty_list_of_secret_options() -> None:
    filled = defaulted(ContainerDefinition(log_configuration=LogConfiguration(log_driver=LogDriver.SYSLOG)))

    assert filled.log_configuration == LogConfiguration(log_driver=LogDriver.SYSLOG, secret_options=())


def test_an_efs_volume_starts_at_its_root() -> None:
    volume = Volume(name="data", efs_volume_configuration=EFSVolumeConfiguration(file_system_id="fs-1"))
    definition = TaskDefinition(family="web", container_definitions=(), volumes=(Volume(name="a"), volume))

    assert with_defaults(definition).volumes == (
        Volume(name="a"),
        Volume(
            name="data",
            efs_volume_configuration=EFSVolumeConfiguration(file_system_id="fs-1", root_directory="/"),
        ),
    )


def test_sizes_become_whole_numbers_and_what_ecs_cannot_read_stays() -> None:
    def sizes(cpu: str | None, memory: str | None) -> tuple[str | None, str | None]:
        filled = with_defaults(TaskDefinition(family="web", container_definitions=(), cpu=cpu, memory=memory))
        return filled.cpu, filled.memory

    assert sizes(".5 vCPU", "1 GB") == ("512", "1024")
    assert sizes("256", "512") == ("256", "512")
    assert sizes("a lot", "enough") == ("a lot", "enough")
    assert sizes(None, None) == (None, None)


@pytest.mark.slow
@given(task_definitions())
def test_filling_in_twice_changes_nothing_more(definition: TaskDefinition) -> None:
    once = with_defaults(definition)

    assert with_defaults(once) == once
