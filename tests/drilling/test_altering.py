from __future__ import annotations

from drilling.definitions import SHOP, container, prepared
from pillion.core.lifecycle.spec import ResourceNeed
from pillion.core.lifecycle.states import ContainerStatus
from pillion.core.plan.model import Bind, HealthProbe, Mount, PortRequest, VolumeKind, VolumePlan
from pillion.core.plan.network import CNI_PAUSE_NAME
from pillion.drilling.altering import altered, without_ports
from pillion.drilling.faults import Case, Fault

PLAN = SHOP.plan


def alter(name: str | None, fault: Fault, *volumes: str) -> object:
    return altered(PLAN, Case(container=name, fault=fault, volumes=volumes), gate_folder="/tmp/gate")


def test_most_faults_need_no_other_plan() -> None:
    plain = set(Fault) - {Fault.NEVER_HEALTHY, Fault.UNHEALTHY, Fault.VOLUME}
    assert all(alter("cache", fault) is PLAN for fault in plain)


def test_a_check_that_never_passes_has_a_program_that_is_in_no_image_and_the_timing_of_the_definition() -> (
    None
):
    plan = altered(PLAN, Case(container="cache", fault=Fault.NEVER_HEALTHY), gate_folder="/tmp/gate")
    assert plan.container("cache").health == HealthProbe(
        command=("CMD", "/.pillion-drill-has-no-such-program"), interval_s=5.0, timeout_s=2.0, retries=2
    )
    assert plan.container("web") == PLAN.container("web")


def test_a_check_that_is_made_to_fail_asks_a_file_first_and_then_what_the_definition_asks() -> None:
    plan = altered(PLAN, Case(container="cache", fault=Fault.UNHEALTHY), gate_folder="/tmp/gate")
    item = plan.container("cache")
    assert item.health is not None
    assert item.health.command == (
        "CMD-SHELL",
        "if [ -e /.pillion-drill/ill ]; then echo 'pillion drill: unhealthy'; exit 1; fi\ncheck",
    )
    assert item.binds == (Bind(host_path="/tmp/gate", container_path="/.pillion-drill", read_only=True),)


def test_a_volume_to_be_filled_is_small_lies_in_memory_and_is_held_by_the_pause_container() -> None:
    case = Case(container="loader", fault=Fault.VOLUME, volumes=("config",))
    plan = altered(PLAN, case, gate_folder="/tmp/gate")
    assert plan.volumes == (
        VolumePlan(
            name="config",
            kind=VolumeKind.TASK,
            engine_name=f"pillion-drill-{PLAN.identity.task_id[:12]}-config",
            driver="local",
            driver_options={"type": "tmpfs", "device": "tmpfs", "o": "size=33554432"},
        ),
    )
    assert plan.container(CNI_PAUSE_NAME).mounts == (
        Mount(volume="config", container_path="/.pillion-drill-config"),
    )
    need = ResourceNeed(resource="volume config", before=ContainerStatus.PULLED)
    assert need in plan.spec.container(CNI_PAUSE_NAME).needs
    assert plan.container("web") == PLAN.container("web")


def test_outside_awsvpc_mode_nobody_holds_it() -> None:
    point = [{"sourceVolume": "data", "containerPath": "/data"}]
    bridged = prepared(container("web", mountPoints=point), networkMode="bridge", volumes=[{"name": "data"}])
    case = Case(container="web", fault=Fault.VOLUME, volumes=("data",))
    plan = altered(bridged.plan, case, gate_folder="/tmp/gate")
    assert plan.volumes[0].driver == "local"
    assert (plan.containers, plan.spec) == (bridged.plan.containers, bridged.plan.spec)


def test_no_port_is_published_but_the_one_that_is_asked_for_and_that_on_any_free_port() -> None:
    assert [item.ports for item in without_ports(PLAN, None).containers] == [(), (), (), ()]
    kept = without_ports(PLAN, 8080).container(CNI_PAUSE_NAME).ports
    assert kept == (PortRequest(container_port=8080),)
