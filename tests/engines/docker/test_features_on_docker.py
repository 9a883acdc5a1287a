"""Networks, ports, volumes, limits and settings of a plan, as the containers themselves see them."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from msgspec.structs import replace

from engines.docker.conftest import PATIENCE_S, Run, Running
from engines.docker.free_ports import free_port
from engines.docker.making import CLUSTER, PAUSE, container, joined, pause, plain, task
from pillion.core.lifecycle.events import Exited
from pillion.core.plan.model import (
    Bind,
    DeviceMapping,
    LimitsPlan,
    Mount,
    NamespacePlan,
    PortRangeRequest,
    PortRequest,
    SecurityPlan,
    TaskLimits,
    TmpfsMount,
    UlimitPlan,
    VolumeKind,
    VolumePlan,
    VolumesFrom,
)
from pillion.engines.docker import labels
from pillion.engines.docker.client import DockerClient
from pillion.engines.docker.engine import DockerEngine
from pillion.engines.docker.errors import ApiError
from pillion.engines.docker.first_calls import FirstCalls
from pillion.ports.engine import EngineError, RelayRoute

pytestmark = [pytest.mark.docker, pytest.mark.slow]

MIB = 1024 * 1024
BRIDGE = NamespacePlan(network="bridge")
SERVE = "mkdir -p /www; echo here > /www/x; httpd -f -p 8080 -h /www"


async def fetch(port: int) -> str:
    """Get a page of a server that may need a moment to listen."""
    async with aiohttp.ClientSession() as session, asyncio.timeout(PATIENCE_S):
        while True:
            try:
                async with session.get(f"http://127.0.0.1:{port}/x") as answer:
                    return await answer.text()
            except aiohttp.ClientError:
                await asyncio.sleep(0.05)


async def said(run: Run, script: str, **changes: Any) -> list[str]:
    """Return what a script prints in a container with these settings."""
    running = await run(task(plain("web", script, **changes)))
    await running.start("web")
    return await running.output("web")


# Networks


async def test_containers_that_share_a_namespace_reach_each_other_on_localhost(run: Run) -> None:
    port = free_port()
    ports = (PortRequest(container_port=8080, host_port=port),)
    running = await run(
        task(
            pause(ports=ports),
            joined("web", SERVE),
            joined("app", "until wget -q -O- http://localhost:8080/x; do sleep 0.05; done"),
        )
    )
    await running.start(PAUSE)
    await running.task.provision(PAUSE)
    await running.start("web", "app")
    await running.wait("app", Exited)
    assert await running.output("app") == ["here"]
    assert await fetch(port) == "here\n"
    facts = running.task.facts(PAUSE)
    assert [(b.host_ip, b.host_port, b.container_port, b.moved) for b in facts.bindings] == [
        ("127.0.0.1", port, 8080, False)
    ]
    assert facts.namespace_pid is not None
    assert [address.network for address in facts.addresses] == [f"pillion-{CLUSTER}"]
    assert running.task.facts("web").addresses == facts.addresses


async def test_ports_of_containers_that_join_are_published_by_the_holder(run: Run) -> None:
    ports = (PortRequest(container_port=8080, host_port=None),)
    running = await run(task(pause(), joined("web", SERVE, ports=ports)))
    await running.start(PAUSE)
    await running.task.provision(PAUSE)
    await running.start("web")
    (binding,) = running.task.facts("web").bindings
    assert await fetch(binding.host_port) == "here\n"
    assert running.task.facts(PAUSE).bindings == ()


async def test_tasks_reach_each_other_by_name(run: Run) -> None:
    server = await run(task(pause(), joined("web", SERVE), dns_aliases=("shop", "web.shop")))
    for name in (PAUSE, "web"):
        await server.start(name)
    ask = "for host in shop web.shop; do until wget -q -O- http://$host:8080/x; do sleep 0.05; done; done"
    asker = await run(task(pause(), joined("app", ask)))
    await asker.start(PAUSE, "app")
    await asker.wait("app", Exited)
    assert await asker.output("app") == ["here", "here"]


async def test_tasks_on_the_bridge_are_found_by_name_too(run: Run) -> None:
    named = replace(BRIDGE, aliases=("store", "web.store"))
    server = await run(task(container("web", SERVE, namespaces=named)))
    await server.start("web")
    asker = await run(
        task(pause(), joined("app", "until wget -q -O- http://web.store:8080/x; do sleep 0.05; done"))
    )
    await asker.start(PAUSE, "app")
    await asker.wait("app", Exited)
    assert await asker.output("app") == ["here"]
    assert [address.network for address in server.task.facts("web").addresses] == [
        "bridge",
        f"pillion-{CLUSTER}",
    ]


async def test_a_task_that_is_gone_before_it_had_its_name_leaves_no_network(run: Run) -> None:
    named = replace(BRIDGE, aliases=("store",))
    running = await run(task(plain("web", "true", namespaces=named)))
    await running.start("web")
    await running.task.clean_up(keep=False)  # what is left is found when the test ends


async def test_a_network_that_another_process_removed_is_made_again(run: Run, client: DockerClient) -> None:
    running = await run(task(pause()))
    await running.create(PAUSE)
    await client.delete(f"networks/pillion-{CLUSTER}")
    await running.task.start(PAUSE, restart=False)
    await running.task.provision(PAUSE)


async def test_a_task_finds_the_network_of_the_first_calls(client: DockerClient) -> None:
    plan = task(pause())
    first = FirstCalls()
    await first.begin(plan)
    engine = DockerEngine(first=first)
    assert await engine.capabilities() is await first.capabilities()
    running = Running(engine.open(plan))
    await running.task.prepare("network")
    await running.start(PAUSE)
    networks = await client.get("networks", params={"filters": labels.filters(name=f"pillion-{CLUSTER}")})
    assert len(networks) == 1
    await running.close()
    await engine.close()


async def test_first_calls_for_a_task_that_never_came_leave_no_network(client: DockerClient) -> None:
    first = FirstCalls()
    await first.begin(task(pause()))
    await DockerEngine(first=first).close()
    found = await client.get("networks", params={"filters": labels.filters(name=f"pillion-{CLUSTER}")})
    assert found == []


async def test_many_tasks_that_begin_together_share_one_network(run: Run, client: DockerClient) -> None:
    tasks = await asyncio.gather(*(run(task(pause())) for _ in range(5)))
    await asyncio.gather(*(running.start(PAUSE) for running in tasks))
    networks = await client.get("networks", params={"filters": labels.filters(name=f"pillion-{CLUSTER}")})
    assert len(networks) == 1


async def test_of_two_networks_that_two_processes_made_at_once_the_older_stays(
    run: Run, client: DockerClient
) -> None:
    name = f"pillion-{CLUSTER}"
    running = await run(task(pause()))
    await running.create(PAUSE)
    older = (await client.get(f"networks/{name}"))["Id"]
    await client.post("networks/create", body={"Name": name})
    await running.task.start(PAUSE, restart=False)  # ambiguous at first
    found = await client.get("networks", params={"filters": labels.filters(name=name)})
    assert [network["Id"] for network in found] == [older]


async def test_links_give_a_name_on_the_bridge(run: Run) -> None:
    linked = replace(BRIDGE, links=(("db", "database"),))
    ask = "until wget -q -O- http://database:8080/x; do sleep 0.05; done"
    running = await run(
        task(container("db", SERVE, namespaces=BRIDGE), container("app", ask, namespaces=linked))
    )
    await running.start("db", "app")
    await running.wait("app", Exited)
    assert await running.output("app") == ["here"]


async def test_a_bridge_container_knows_its_address_and_ports(run: Run) -> None:
    port = free_port()
    ports = (PortRequest(container_port=8080, host_port=port), PortRequest(container_port=53, protocol="udp"))
    running = await run(task(container("web", SERVE, namespaces=BRIDGE, ports=ports)))
    await running.start("web")
    assert await fetch(port) == "here\n"
    facts = running.task.facts("web")
    assert (facts.bindings[0].host_port, facts.bindings[0].protocol) == (port, "tcp")
    assert facts.bindings[1].host_port > 0
    assert facts.addresses[0].ipv4


async def test_host_and_none_are_dockers_own(run: Run) -> None:
    interfaces = "ls /sys/class/net | grep -v -e ^veth -e ^br- | sort | tr '\\n' ' '"  # others come and go
    assert await said(run, interfaces, namespaces=NamespacePlan(network="none")) == ["lo "]
    host = await said(run, interfaces, namespaces=NamespacePlan(network="host"))
    names = sorted(name for _, name in socket.if_nameindex() if not name.startswith(("veth", "br-")))
    assert host == [" ".join(names) + " "]


async def test_names_and_hosts_of_a_bridge_container(run: Run) -> None:
    names = replace(
        BRIDGE,
        hostname="shop-host",
        extra_hosts=(("api.test", "10.9.8.7"),),
        dns_servers=("10.0.0.2",),
        dns_search=("corp.test",),
    )
    output = await said(run, "hostname; grep api.test /etc/hosts; cat /etc/resolv.conf", namespaces=names)
    assert output[0] == "shop-host"
    assert output[1].split() == ["10.9.8.7", "api.test"]
    assert {"nameserver 10.0.0.2", "search corp.test"} <= set(output)


# Ports


async def test_a_taken_port_moves_and_says_so(run: Run) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        wanted = other.getsockname()[1]
        ports = (PortRequest(container_port=8080, host_port=wanted),)
        running = await run(task(container("web", SERVE, namespaces=BRIDGE, ports=ports)))
        await running.start("web")
    (binding,) = running.task.facts("web").bindings
    assert binding.moved
    assert binding.host_port != wanted
    assert await fetch(binding.host_port) == "here\n"


async def test_a_port_that_has_to_be_exact_fails_the_start_when_it_is_taken(run: Run) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        ports = (PortRequest(container_port=8080, host_port=other.getsockname()[1], exact=True),)
        running = await run(task(container("web", SERVE, namespaces=BRIDGE, ports=ports)))
        await running.create("web")
        with pytest.raises(
            EngineError, match=r"^CannotStartContainerError: Error response from daemon: "
        ) as failure:
            await running.task.start("web", restart=False)
    assert "address already in use" in failure.value.error.text


async def test_a_port_that_is_taken_between_create_and_start_moves_too(run: Run) -> None:
    port = free_port()
    ports = (PortRequest(container_port=8080, host_port=port),)
    running = await run(task(container("web", SERVE, namespaces=BRIDGE, ports=ports)))
    await running.create("web")
    with socket.socket() as other:
        other.bind(("127.0.0.1", port))
        other.listen()
        await running.task.start("web", restart=False)
    (binding,) = running.task.facts("web").bindings
    assert binding.moved
    assert await fetch(binding.host_port) == "here\n"


async def test_a_range_is_published_as_a_whole(run: Run) -> None:
    spans = (PortRangeRequest(first=41000, last=41004),)
    running = await run(
        task(container("web", "httpd -f -p 41003 -h /etc", namespaces=BRIDGE, port_ranges=spans))
    )
    await running.start("web")
    (binding,) = running.task.facts("web").bindings
    assert (binding.container_port, binding.count) == (41000, 5)
    async with aiohttp.ClientSession() as session, asyncio.timeout(PATIENCE_S):
        while True:
            try:
                async with session.get(f"http://127.0.0.1:{binding.host_port + 3}/passwd") as answer:
                    assert answer.status == 200
                    break
            except aiohttp.ClientError:
                await asyncio.sleep(0.05)


# Volumes


def volume(name: str, kind: VolumeKind = VolumeKind.TASK, **changes: Any) -> VolumePlan:
    """Return a volume that no other test process has under this name."""
    return VolumePlan(name=name, kind=kind, **{"engine_name": f"{CLUSTER}-{name}"} | changes)


async def test_containers_share_a_task_volume_at_different_paths(run: Run) -> None:
    writer = plain("writer", "echo hello > /out/x", mounts=(Mount(volume="data", container_path="/out"),))
    mount = Mount(volume="data", container_path="/in", read_only=True)
    reader = plain("reader", "cat /in/x; touch /in/y 2>&1", mounts=(mount,))
    running = await run(task(writer, reader, volumes=(volume("data"),)))
    await running.start("writer")
    await running.wait("writer", Exited)
    await running.start("reader")
    assert await running.output("reader") == ["hello", "touch: /in/y: Read-only file system"]


async def test_a_folder_of_the_host_and_single_files_are_mounted(run: Run, tmp_path: Path) -> None:
    source = tmp_path / "made/here"
    folder = volume("etc", VolumeKind.BIND, engine_name=str(source), create_folder=True)
    generated = tmp_path / "config"
    generated.write_text("generated\n")
    writer = plain(
        "web",
        "echo hello > /data/x; cat /etc/config",
        mounts=(Mount(volume="etc", container_path="/data"),),
        binds=(Bind(host_path=str(generated), container_path="/etc/config", read_only=True),),
    )
    running = await run(task(writer, volumes=(folder,)))
    await running.start("web")
    assert await running.output("web") == ["generated"]
    assert (source / "x").read_text() == "hello\n"


async def test_volumes_from_another_container(run: Run) -> None:
    owner = plain("owner", "echo hello > /data/x", mounts=(Mount(volume="data", container_path="/data"),))
    user = plain("user", "cat /data/x", volumes_from=(VolumesFrom(container="owner", read_only=True),))
    running = await run(task(owner, user, volumes=(volume("data"),)))
    await running.start("owner")
    await running.wait("owner", Exited)
    await running.start("user")
    assert await running.output("user") == ["hello"]


async def test_a_shared_volume_outlives_its_tasks(run: Run, client: DockerClient) -> None:
    shared = volume("shared", VolumeKind.SHARED, autoprovision=True, labels={"team": "blue"})
    for _ in range(2):
        running = await run(task(container("web"), volumes=(shared,)))
        await running.task.clean_up(keep=False)
    found = await client.get(f"volumes/{shared.engine_name}")
    await client.delete(f"volumes/{shared.engine_name}")
    assert found["Labels"] == {"team": "blue"}


async def test_a_shared_volume_that_has_to_exist_has_the_agents_text(run: Run) -> None:
    with pytest.raises(EngineError) as failure:
        await run(task(container("web"), volumes=(volume("ghost", VolumeKind.SHARED),)))
    assert failure.value.error.text.endswith(
        f"volume '{CLUSTER}-ghost' does not exist and autoprovision is set to false"
    )


async def test_a_volume_driver_that_is_not_there_fails_by_its_name(run: Run) -> None:
    with pytest.raises(EngineError, match=r'CannotCreateVolumeError: .*plugin "nope" not found'):
        await run(task(container("web"), volumes=(volume("odd", driver="nope"),)))


# Limits


async def test_the_tasks_memory_is_a_limit_for_all_its_containers(run: Run) -> None:
    eater = plain("web", "x=a; while :; do x=$x$x; done")
    running = await run(task(eater, limits=TaskLimits(memory_bytes=16 * MIB)))
    if await running.task.notices():
        pytest.skip("this engine's task limits cannot be set here")
    await running.start("web")
    exited = await running.wait("web", Exited)
    assert isinstance(exited, Exited)
    assert exited.exit_code == 137


async def test_the_tasks_cpu_is_a_hard_cap(run: Run) -> None:
    now = "$(cut -d. -f1 /proc/uptime)"
    burn = f"end=$(({now} + 2)); while [ {now} -lt $end ]; do :; done; times"
    running = await run(task(plain("web", burn), limits=TaskLimits(cpu_vcpu=0.25)))
    if await running.task.notices():
        pytest.skip("this engine's task limits cannot be set here")
    cap = _cpu_cap(running)
    assert cap == pytest.approx(0.25)
    await running.start("web")
    output = await running.output("web")
    seconds = sum(_seconds(word) for line in output[-2:] for word in line.split())
    assert seconds < 1.2  # of about 2 s of wall time, a quarter, with room for a busy machine


def _cpu_cap(running: Running) -> float:
    task_id = running.task.plan.identity.task_id
    v1 = Path(f"/sys/fs/cgroup/cpu/pillion/{task_id}")
    if v1.is_dir():
        return int((v1 / "cpu.cfs_quota_us").read_text()) / int((v1 / "cpu.cfs_period_us").read_text())
    quota, period = Path(f"/sys/fs/cgroup/pillion/{task_id}/cpu.max").read_text().split()
    return int(quota) / int(period)


def _seconds(word: str) -> float:
    minutes, _, seconds = word.partition("m")
    return int(minutes) * 60 + float(seconds.rstrip("s"))


async def test_limits_of_a_container_reach_docker(run: Run, client: DockerClient) -> None:
    limits = LimitsPlan(
        cpu_shares=512,
        memory_bytes=64 * MIB,
        memory_reservation_bytes=32 * MIB,
        memory_swap_bytes=64 * MIB,
        shm_bytes=8 * MIB,
        pids=50,
        ulimits=(UlimitPlan(name="nofile", soft=100, hard=200),),
    )
    script = "ulimit -Sn; ulimit -Hn; df -k /dev/shm | tail -1 | awk '{print $2}'"
    running = await run(task(plain("web", script, limits=limits)))
    runtime_id = await running.create("web")
    config = (await client.get(f"containers/{runtime_id}/json"))["HostConfig"]
    assert (config["CpuShares"], config["Memory"], config["MemoryReservation"], config["PidsLimit"]) == (
        512,
        64 * MIB,
        32 * MIB,
        50,
    )
    await running.task.start("web", restart=False)
    assert await running.output("web") == ["100", "200", "8192"]


# Who the processes are and what they may do


async def test_settings_of_a_container_are_what_its_processes_see(run: Run) -> None:
    output = await said(
        run,
        "id -u; id -g; pwd; echo $A; touch /x 2>&1; mount | grep -c 'on /cache type tmpfs .*size=16384k'",
        security=SecurityPlan(user="1000:1000", readonly_root=True),
        working_directory="/tmp",
        environment={"A": "a=b c"},
        tmpfs=(TmpfsMount(container_path="/cache", size_mib=16, options=("noexec",)),),
    )
    assert output == ["1000", "1000", "/tmp", "a=b c", "touch: /x: Read-only file system", "1"]


async def test_an_entry_point_alone_discards_the_images_command(run: Run) -> None:
    assert await said(run, "", entry_point=("echo", "entry"), command=None) == ["entry"]
    assert await said(run, "", entry_point=("echo", "entry"), command=("and", "command")) == [
        "entry and command"
    ]


async def test_an_init_process_is_the_first_process(run: Run) -> None:
    assert await said(run, "cat /proc/1/comm", security=SecurityPlan(init_process=True)) == ["docker-init"]


async def test_capabilities_are_added_and_dropped(run: Run) -> None:
    bits = "grep CapEff /proc/self/status | awk '{print $2}'"
    dropped = SecurityPlan(capabilities_drop=("ALL",), capabilities_add=("NET_BIND_SERVICE",))
    assert await said(run, bits, security=dropped) == [f"{1 << 10:016x}"]


async def test_privileged_and_devices_reach_docker(run: Run, client: DockerClient) -> None:
    # Only looked at, not started: an engine in a sandbox may not give such rights itself.
    device = DeviceMapping(host_path="/dev/null", container_path="/dev/nothing", permissions="rw")
    running = await run(task(container("web", security=SecurityPlan(privileged=True, devices=(device,)))))
    config = (await client.get(f"containers/{await running.create('web')}/json"))["HostConfig"]
    assert config["Privileged"]
    assert config["Devices"] == [
        {"PathOnHost": "/dev/null", "PathInContainer": "/dev/nothing", "CgroupPermissions": "rw"}
    ]


async def test_sysctls_act_on_the_namespace(run: Run) -> None:
    security = SecurityPlan(sysctls={"net.ipv4.ip_unprivileged_port_start": "80"})
    names = NamespacePlan(network="bridge")
    script = "cat /proc/sys/net/ipv4/ip_unprivileged_port_start"
    assert await said(run, script, security=security, namespaces=names) == ["80"]


async def test_containers_share_processes_when_they_are_to(run: Run) -> None:
    holder = replace(pause(), name="holder", namespaces=NamespacePlan(network="none", ipc="shareable"))
    joining = NamespacePlan(network="none", pid="container:holder", ipc="container:holder")
    running = await run(task(holder, plain("web", "cat /proc/1/comm", namespaces=joining)))
    await running.start("holder", "web")
    assert await running.output("web") == ["holder"]


async def test_a_setting_that_docker_refuses_fails_the_create_with_its_words(run: Run) -> None:
    running = await run(task(container("web", security=SecurityPlan(security_options=("nonsense",)))))
    with pytest.raises(EngineError, match=r"^CannotCreateContainerError: Error response from daemon: "):
        await running.create("web")


async def test_nothing_of_a_failed_create_is_left(run: Run, client: DockerClient) -> None:
    running = await run(task(container("web", security=SecurityPlan(security_options=("nonsense",)))))
    with pytest.raises(EngineError):
        await running.create("web")
    with pytest.raises(ApiError):
        await client.get(f"containers/{running.task.plan.containers[0].engine_name}/json")


async def test_a_container_that_has_ended_needs_no_endpoints_and_that_is_no_error(run: Run) -> None:
    running = await run(task(plain("web", "true", namespaces=NamespacePlan(network="bridge"))))
    await running.start("web")
    await running.wait("web", Exited)
    assert await running.task.open_listeners("web", [("169.254.170.2", 80)]) == ()
    await running.task.open_relay("web", [RelayRoute(address=("169.254.170.2", 80), target="127.0.0.1:1")])
