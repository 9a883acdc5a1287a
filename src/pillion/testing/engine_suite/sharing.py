"""Networks, volumes and environment: for engines that really have them."""

from __future__ import annotations

import uuid

from msgspec.structs import replace

from pillion.core.lifecycle.events import Exited
from pillion.core.plan.model import (
    NETWORK_RESOURCE,
    ContainerPlan,
    Mount,
    NamespacePlan,
    TaskPlan,
    VolumeKind,
    VolumePlan,
    volume_resource,
)
from pillion.testing.bench import (
    Ability,
    Bench,
    End,
    Program,
    SayFetched,
    SayFile,
    SayVariable,
    Serve,
    Stage,
    WriteFile,
    expect,
    make_plan,
)
from pillion.testing.engine_suite.check import Check, stage_with


async def secrets_reach_the_process_on_top_of_the_plan(bench: Bench) -> None:
    """Variables that are given when the container is made win over those of the plan."""
    program = Program(steps=(SayVariable(name="PLAIN"), SayVariable(name="SECRET"), End(code=0)))
    async with stage_with(bench, program, environment={"PLAIN": "plan", "SECRET": "placeholder"}) as stage:
        await stage.make("web", {"SECRET": "hunter2"})
        await stage.task.start("web", restart=False)
        lines = [line.message for line in await stage.output("web")]
        expect(lines == ["plan", "hunter2"], f"the plan's value and the secret: {lines}")


async def containers_of_a_task_share_localhost(bench: Bench) -> None:
    """What one serves on a port, the other fetches from 127.0.0.1."""
    joined = NamespacePlan(network="container:holder")
    programs = {
        "server": Program(steps=(Serve(port=8080, text="hello from next door"),)),
        "client": Program(steps=(SayFetched(port=8080), End(code=0))),
    }
    containers = [replace(bench.container(name, item), namespaces=joined) for name, item in programs.items()]
    plan = make_plan(uuid.uuid4().hex, bench.holder("holder"), *containers)
    async with Stage(bench, plan, programs) as stage:
        await stage.task.prepare(NETWORK_RESOURCE)
        await stage.start("holder")
        await stage.task.provision("holder")
        await stage.start("server", "client")
        lines = [line.message for line in await stage.output("client")]
        expect(lines == ["hello from next door"], f"the server's answer: {lines}")
        addresses = stage.task.facts("holder").addresses
        expect(addresses and addresses[0].ipv4, f"the task has an address: {addresses}")


async def containers_share_a_volume_at_different_paths(bench: Bench) -> None:
    """One writes at its path, the other reads at another; read-only means that it cannot write."""
    write = (WriteFile(path="/here/note", text="written"), End(code=0))
    read = (WriteFile(path="/there/note", text="changed"), SayFile(path="/there/note"), End(code=0))
    programs = {"writer": Program(steps=write), "reader": Program(steps=read)}
    writer = replace(
        bench.container("writer", programs["writer"]), mounts=(Mount(volume="data", container_path="/here"),)
    )
    mount = Mount(volume="data", container_path="/there", read_only=True)
    reader = replace(bench.container("reader", programs["reader"]), mounts=(mount,))
    async with Stage(bench, _plan_with_volume(writer, reader), programs) as stage:
        await stage.task.prepare(volume_resource("data"))
        await stage.start("writer")
        await stage.wait_for(Exited, "writer")
        await stage.start("reader")
        lines = [line.message for line in await stage.output("reader") if line.stream == "stdout"]
        expect(lines == ["written"], f"the reader sees what was written, and cannot change it: {lines}")


def _plan_with_volume(*containers: ContainerPlan) -> TaskPlan:
    number = uuid.uuid4().hex
    volume = VolumePlan(
        name="data", kind=VolumeKind.TASK, engine_name=f"ecs-conformance-1-data-{number[:20]}"
    )
    return make_plan(number, *containers, volumes=(volume,))


CHECKS: tuple[Check, ...] = (
    Check.of(secrets_reach_the_process_on_top_of_the_plan, Ability.ENVIRONMENT),
    Check.of(containers_of_a_task_share_localhost, Ability.NETWORK),
    Check.of(containers_share_a_volume_at_different_paths, Ability.FILES),
)
