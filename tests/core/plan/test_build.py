"""From definition and options to plan."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from pillion.core.inputs.needs import REGISTRY_CREDENTIALS_RESOURCE
from pillion.core.lifecycle.spec import Dependency, RestartPolicy
from pillion.core.lifecycle.states import Condition, ContainerKind, ContainerStatus
from pillion.core.plan.build import make_plan
from pillion.core.plan.model import (
    HealthProbe,
    NetworkMode,
    Notice,
    PortRangeRequest,
    PortRequest,
    TaskIdentity,
    TaskPlan,
    VolumeKind,
    VolumePlan,
)
from pillion.core.plan.network import CNI_PAUSE_NAME, NAMESPACE_PAUSE_NAME
from pillion.core.plan.options import OptionError, RunOptions, parse_publish
from pillion.core.taskdef.enums import (
    ContainerCondition,
    FirelensConfigurationType,
    IpcMode,
    LogDriver,
    PidMode,
    Scope,
)
from pillion.core.taskdef.enums import NetworkMode as Mode
from pillion.core.taskdef.model import (
    ContainerDefinition,
    ContainerDependency,
    ContainerRestartPolicy,
    DockerVolumeConfiguration,
    EFSVolumeConfiguration,
    FirelensConfiguration,
    HealthCheck,
    HostVolumeProperties,
    LinuxParameters,
    LogConfiguration,
    MountPoint,
    PortMapping,
    RepositoryCredentials,
    SystemControl,
    TaskDefinition,
    Volume,
    VolumeFrom,
)

IDENTITY = TaskIdentity(
    task_id="0123456789abcdef0123456789abcdef",
    task_arn="arn:aws:ecs:us-east-1:123456789012:task/default/0123456789abcdef0123456789abcdef",
    cluster="default",
    cluster_arn="arn:aws:ecs:us-east-1:123456789012:cluster/default",
    family="web",
    revision=7,
    definition_arn="arn:aws:ecs:us-east-1:123456789012:task-definition/web:7",
    region="us-east-1",
    account="123456789012",
)

APP = ContainerDefinition(name="app", image="app:1")


def definition(*containers: ContainerDefinition, **members: object) -> TaskDefinition:
    made = TaskDefinition(family="web", container_definitions=containers or (APP,))
    return replace(made, **members)


def plan(made: TaskDefinition, **options: object) -> TaskPlan:
    return make_plan(made, IDENTITY, RunOptions(**options))  # type: ignore[arg-type]  # likewise


def test_an_awsvpc_task_gets_a_pause_container_that_has_the_ports() -> None:
    made = plan(
        definition(replace(APP, port_mappings=(PortMapping(container_port=8080),)), network_mode=Mode.AWSVPC)
    )
    pause, app = made.containers
    assert (pause.name, pause.kind, pause.namespaces.network) == (
        CNI_PAUSE_NAME,
        ContainerKind.CNI_PAUSE,
        "own",
    )
    assert pause.ports == (PortRequest(container_port=8080, host_port=8080),)
    assert app.ports == ()
    assert app.namespaces.network == f"container:{CNI_PAUSE_NAME}"
    assert made.spec.network_holder == CNI_PAUSE_NAME


def test_an_empty_network_mode_is_bridge_and_has_no_pause_container() -> None:
    made = plan(definition())
    assert made.network_mode is NetworkMode.BRIDGE
    assert [item.kind for item in made.containers] == [ContainerKind.NORMAL]


def test_a_shared_pid_namespace_needs_a_holder_of_its_own() -> None:
    made = plan(definition(pid_mode=PidMode.TASK, ipc_mode=IpcMode.TASK))
    holder, app = made.containers
    assert (holder.name, holder.namespaces.ipc) == (NAMESPACE_PAUSE_NAME, "shareable")
    assert (app.namespaces.pid, app.namespaces.ipc) == (
        f"container:{NAMESPACE_PAUSE_NAME}",
        f"container:{NAMESPACE_PAUSE_NAME}",
    )


def test_engine_names_follow_the_agent_and_lose_what_docker_would_refuse() -> None:
    made = plan(definition(replace(APP, name="my_app")))
    name = made.containers[0].engine_name
    assert name.startswith("ecs-web-7-myapp-")
    assert len(name.rsplit("-", 1)[1]) == 20


def test_a_family_that_aws_would_refuse_makes_no_engine_name_that_docker_refuses() -> None:
    value = definition(APP)
    made = make_plan(value, replace(IDENTITY, family="größe/x"), RunOptions())
    assert made.containers[0].engine_name.startswith("ecs-grex-7-app-")


def test_the_ecs_labels_win_over_the_users() -> None:
    made = plan(definition(replace(APP, docker_labels={"com.amazonaws.ecs.cluster": "mine", "team": "a"})))
    assert made.containers[0].labels == {
        "team": "a",
        "com.amazonaws.ecs.task-arn": IDENTITY.task_arn,
        "com.amazonaws.ecs.container-name": "app",
        "com.amazonaws.ecs.task-definition-family": "web",
        "com.amazonaws.ecs.task-definition-version": "7",
        "com.amazonaws.ecs.cluster": "default",
    }


def test_links_volumes_from_and_awsfirelens_become_dependencies() -> None:
    router = ContainerDefinition(
        name="router",
        image="router:1",
        firelens_configuration=FirelensConfiguration(type=FirelensConfigurationType.FLUENTBIT),
    )
    app = replace(
        APP,
        links=("db:database",),
        volumes_from=(VolumeFrom(source_container="db"),),
        log_configuration=LogConfiguration(log_driver=LogDriver.AWSFIRELENS),
    )
    made = plan(definition(app, ContainerDefinition(name="db", image="db:1"), router))
    assert made.spec.container("app").depends_on == (
        Dependency(container="db", condition=Condition.START, source="links"),
        Dependency(container="db", condition=Condition.CREATE, source="volumesFrom"),
        Dependency(container="router", condition=Condition.START, source="awsfirelens"),
    )


def test_a_router_with_dependencies_of_its_own_gets_no_implied_clients() -> None:
    router = ContainerDefinition(
        name="router",
        image="router:1",
        firelens_configuration=FirelensConfiguration(type=FirelensConfigurationType.FLUENTBIT),
        depends_on=(ContainerDependency(container_name="init", condition=ContainerCondition.SUCCESS),),
    )
    app = replace(APP, log_configuration=LogConfiguration(log_driver=LogDriver.AWSFIRELENS))
    init = ContainerDefinition(name="init", image="init:1", essential=False)
    made = plan(definition(app, init, router))
    assert made.spec.container("app").depends_on == ()


def test_a_muted_container_is_left_out_and_its_dependants_are_released() -> None:
    agent = ContainerDefinition(name="agent", image="agent:1")
    app = replace(
        APP, depends_on=(ContainerDependency(container_name="agent", condition=ContainerCondition.HEALTHY),)
    )
    made = plan(definition(agent, app), mute=frozenset({"agent"}))
    assert [item.name for item in made.containers] == ["app"]
    assert made.spec.container("app").depends_on == ()
    assert made.notices == (
        Notice(
            code="muted",
            container="agent",
            text="agent is muted and does not run; app no longer waits for it",
        ),
    )


@pytest.mark.parametrize(
    ("options", "asked"),
    [({}, True), ({"images": {"r/app:1": "mine:1"}}, False), ({"builds": {"r/app:1": "folder"}}, False)],
)
def test_nobody_logs_in_to_the_registry_of_an_image_that_another_takes_the_place_of(
    options: dict[str, Any], asked: bool
) -> None:
    credentials = RepositoryCredentials(credentials_parameter="registry")
    app = ContainerDefinition(name="app", image="r/app:1", repository_credentials=credentials)
    made = plan(definition(app), **options)
    needed = {need.resource for need in made.lifecycle_of("app").needs}
    assert (REGISTRY_CREDENTIALS_RESOURCE in needed) == asked
    assert (made.containers[0].image.repository_credentials == "registry") == asked


def test_a_stub_keeps_the_place_in_the_order_and_is_healthy() -> None:
    proxy = ContainerDefinition(
        name="proxy",
        image="proxy:1",
        command=("serve",),
        health_check=HealthCheck(command=("CMD", "check"), interval=30),
        port_mappings=(PortMapping(container_port=9901),),
        mount_points=(MountPoint(source_volume="gone", container_path="/x"),),
    )
    made = plan(definition(proxy), stub=frozenset({"proxy"}))
    stub = made.containers[0]
    assert stub.image.local
    assert (stub.entry_point, stub.command) == (("/holder",), ("stub", "9901/tcp"))
    assert stub.health == HealthProbe(command=("CMD", "/holder", "health"), interval_s=1.0)
    assert stub.mounts == ()
    assert [notice.code for notice in made.notices] == ["stubbed"]


@pytest.mark.parametrize("option", [{"mute": frozenset({"nobody"})}, {"stub": frozenset({"nobody"})}])
def test_an_option_for_a_container_that_is_not_there_is_refused(option: dict[str, object]) -> None:
    with pytest.raises(OptionError, match="there is no container 'nobody': the definition has app"):
        plan(definition(), **option)


def test_muting_every_essential_container_is_refused() -> None:
    with pytest.raises(OptionError, match="nothing that would keep the task alive"):
        plan(definition(), mute=frozenset({"app"}))


def test_publish_with_a_host_port_insists() -> None:
    app = replace(APP, port_mappings=(PortMapping(container_port=80, host_port=8080),))
    made = plan(definition(app), publish=(parse_publish("9000:80"),))
    assert made.containers[0].ports == (PortRequest(container_port=80, host_port=9000, exact=True),)


def test_publish_of_an_unmapped_port_goes_to_the_first_container_unless_it_names_one() -> None:
    other = ContainerDefinition(name="other", image="other:1")
    made = plan(definition(APP, other), publish=(parse_publish("7000"), parse_publish("other=7001")))
    assert [item.ports for item in made.containers] == [
        (PortRequest(container_port=7000),),
        (PortRequest(container_port=7001),),
    ]


def test_a_port_range_stays_a_range() -> None:
    app = replace(APP, port_mappings=(PortMapping(container_port_range="7000-7010"),))
    assert plan(definition(app)).containers[0].port_ranges == (PortRangeRequest(first=7000, last=7010),)


def test_volumes_by_their_kind() -> None:
    volumes = (
        Volume(name="empty"),
        Volume(name="folder", host=HostVolumeProperties(source_path="/srv")),
        Volume(
            name="shared",
            docker_volume_configuration=DockerVolumeConfiguration(scope=Scope.SHARED, autoprovision=True),
        ),
        Volume(name="efs", efs_volume_configuration=EFSVolumeConfiguration(file_system_id="fs-1")),
        Volume(name="chosen", efs_volume_configuration=EFSVolumeConfiguration(file_system_id="fs-2")),
    )
    made = plan(definition(volumes=volumes), volumes={"chosen": "/tmp/here"})
    own = made.volumes[0].engine_name.removeprefix("ecs-web-7-empty-")
    assert len(own) == 20
    assert made.volumes == (
        VolumePlan(name="empty", kind=VolumeKind.TASK, engine_name=f"ecs-web-7-empty-{own}"),
        VolumePlan(name="folder", kind=VolumeKind.BIND, engine_name="/srv", create_folder=True),
        VolumePlan(name="shared", kind=VolumeKind.SHARED, engine_name="shared", autoprovision=True),
        VolumePlan(name="efs", kind=VolumeKind.TASK, engine_name=f"ecs-web-7-efs-{own}"),
        VolumePlan(name="chosen", kind=VolumeKind.BIND, engine_name="/tmp/here"),
    )
    assert [notice.code for notice in made.notices] == ["volume-stands-empty"]


def test_a_container_is_not_pulled_before_its_volumes_and_the_task_cgroup_are_there() -> None:
    app = replace(APP, mount_points=(MountPoint(source_volume="data", container_path="/data"),))
    made = plan(definition(app, volumes=(Volume(name="data"),), cpu="512"))
    needs = {need.resource: need.before for need in made.spec.container("app").needs}
    assert needs == {
        "volume data": ContainerStatus.PULLED,
        "cgroup": ContainerStatus.PULLED,
        "network": ContainerStatus.CREATED,
    }


def test_limits_follow_the_agent() -> None:
    app = replace(
        APP,
        cpu=1,
        memory=2,
        memory_reservation=1,
        linux_parameters=LinuxParameters(max_swap=3, swappiness=10, shared_memory_size=64),
    )
    limits = plan(definition(app)).containers[0].limits
    mib = 1024 * 1024
    assert (limits.cpu_shares, limits.memory_bytes, limits.memory_reservation_bytes) == (2, 4 * mib, mib)
    assert (limits.memory_swap_bytes, limits.memory_swappiness, limits.shm_bytes) == (7 * mib, 10, 64 * mib)


def test_swappiness_without_max_swap_is_ignored_as_in_ecs() -> None:
    app = replace(APP, memory=64, linux_parameters=LinuxParameters(swappiness=10))
    limits = plan(definition(app)).containers[0].limits
    assert (limits.memory_swap_bytes, limits.memory_swappiness) == (None, None)


def test_the_task_cpu_is_a_hard_cap_and_without_it_the_shares_add_up() -> None:
    capped = plan(definition(cpu="512", memory="1GB")).limits
    assert capped is not None
    assert (capped.cpu_vcpu, capped.memory_bytes, capped.cpu_shares) == (0.5, 1024**3, None)
    shared = plan(definition(replace(APP, cpu=100), memory="512")).limits
    assert shared is not None
    assert (shared.cpu_vcpu, shared.cpu_shares) == (None, 100)
    assert plan(definition()).limits is None


def test_net_sysctls_of_an_awsvpc_task_go_to_the_shared_namespace_and_the_last_wins() -> None:
    def control(value: str) -> tuple[SystemControl, ...]:
        return (SystemControl(namespace="net.core.somaxconn", value=value),)

    first = replace(APP, system_controls=control("1"))
    second = ContainerDefinition(name="second", image="x:1", system_controls=control("2"))
    made = plan(definition(first, second, network_mode=Mode.AWSVPC))
    assert made.containers[0].security.sysctls == {"net.core.somaxconn": "2"}
    assert made.containers[1].security.sysctls == {}


def test_settings_that_awsvpc_does_not_have_are_said() -> None:
    app = replace(APP, links=("b",), hostname="web")
    notices = plan(definition(app, network_mode=Mode.AWSVPC)).notices
    assert [(item.code, item.text.split(" ")[0]) for item in notices] == [
        ("not-with-awsvpc", "links"),
        ("not-with-awsvpc", "hostname"),
    ]


def test_timeouts_health_and_restart_policy_reach_the_lifecycle() -> None:
    app = replace(
        APP,
        start_timeout=50,
        stop_timeout=0,
        health_check=HealthCheck(command=("CMD-SHELL", "true"), retries=5),
        restart_policy=ContainerRestartPolicy(
            enabled=True, ignored_exit_codes=(0,), restart_attempt_period=60
        ),
    )
    spec = plan(definition(app)).spec.container("app")
    assert (spec.start_timeout_s, spec.stop_timeout_s, spec.health_retries) == (50.0, 30.0, 5)
    assert spec.restart == RestartPolicy(ignored_exit_codes=frozenset({0}), attempt_period_s=60.0)


def test_a_disabled_restart_policy_is_none() -> None:
    app = replace(APP, restart_policy=ContainerRestartPolicy(enabled=False))
    assert plan(definition(app)).spec.container("app").restart is None


def test_an_image_can_be_replaced_and_a_wish_for_an_unknown_one_is_said() -> None:
    made = plan(definition(), images={"app:1": "app:local", "other:1": "x"})
    assert (made.containers[0].image.reference, made.containers[0].image.used) == ("app:1", "app:local")
    assert [item.code for item in made.notices] == ["image-unknown"]
