"""A Docker engine, ready for the conformance suite: programs become shell scripts in busybox."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path

from pillion.core.lifecycle.states import ContainerKind
from pillion.core.plan.model import ContainerPlan, HealthProbe, ImagePlan, NamespacePlan
from pillion.engines.docker import labels
from pillion.engines.docker.client import DockerClient
from pillion.engines.docker.engine import DockerEngine
from pillion.ports.clock import Clock
from pillion.ports.engine import Engine, EngineTask
from pillion.runtime.clock import SystemClock
from pillion.testing.bench import (
    Ability,
    End,
    Program,
    Say,
    SayFetched,
    SayFile,
    SayVariable,
    Serve,
    TakeMemory,
    ToDo,
    TurnHealthy,
    TurnUnhealthy,
    Wait,
    WriteFile,
)

IMAGE = "pillion-local/busybox:1"
_HEALTHY = "/tmp/healthy"
_FOR_EVER = "while :; do sleep 3600 & wait $!; done"


class DockerBench:
    """A bench over the Docker engine of this machine. `state_folder` is the engine's own memory."""

    abilities = frozenset(Ability)
    missing_image = "pillion-local/nothing:1"

    def __init__(self, state_folder: Path) -> None:
        self.clock: Clock = SystemClock()
        self._state_folder = state_folder

    def engine(self, programs: Mapping[str, Program]) -> DockerEngine:
        return DockerEngine(state_folder=self._state_folder)

    def engine_of_another_process(self, engine: Engine, programs: Mapping[str, Program]) -> DockerEngine:
        return self.engine(programs)

    def container(self, name: str, program: Program) -> ContainerPlan:
        command = ("/no/such/program",) if program.missing else ("sh", "-c", script_of(program))
        return ContainerPlan(
            name=name,
            engine_name=name,
            arn=name,
            image=ImagePlan(reference=IMAGE),
            command=command,
            namespaces=NamespacePlan(network="none"),
        )

    def holder(self, name: str) -> ContainerPlan:
        return ContainerPlan(
            name=name,
            engine_name=name,
            arn=name,
            kind=ContainerKind.CNI_PAUSE,
            image=ImagePlan(reference="pillion/holder", local=True),
            entry_point=("/holder",),
            command=("pause",),
            namespaces=NamespacePlan(network="own"),
        )

    def probe(self) -> HealthProbe:
        return HealthProbe(command=("CMD-SHELL", f"test -e {_HEALTHY}"), interval_s=1.0, timeout_s=30.0)

    async def remove_by_hand(self, task: EngineTask, container: str) -> None:
        name = task.plan.container(container).engine_name
        client = DockerClient()
        await client.delete(f"containers/{name}", params={"force": "1"})
        await client.close()

    async def left_behind(self, task: EngineTask) -> Sequence[str]:
        client = DockerClient()
        wanted = {"filters": labels.of_task(task.plan.identity.task_id)}
        containers = await client.get("containers/json", params={"all": "1", **wanted})
        volumes = await client.get("volumes", params=wanted)
        networks = await client.get(
            "networks", params={"filters": labels.filters(name=f"pillion-{task.plan.identity.cluster}")}
        )
        await client.close()
        return [
            *(f"container {item['Names']}" for item in containers),
            *(f"volume {item['Name']}" for item in volumes["Volumes"] or []),
            *(f"network {item['Name']}" for item in networks),
        ]


def script_of(program: Program) -> str:
    """Return a shell script that does what a program says. As process 1 it has to ask for signals."""
    trap = "" if program.stop_exit_code is None else f"exit {program.stop_exit_code}"
    steps = [_line(step) for step in program.steps]
    return "\n".join([f"trap {shlex.quote(trap)} TERM", *steps, _FOR_EVER])


def _line(step: ToDo) -> str:
    match step:
        case Say(text=text, stream=stream):
            return f"echo {shlex.quote(text)}" + (" >&2" if stream == "stderr" else "")
        case SayVariable(name=name):
            return f'echo "${name}"'
        case Wait(for_s=for_s):
            return f"sleep {for_s:g} & wait $!"
        case TurnHealthy():
            return f"touch {_HEALTHY}"
        case TurnUnhealthy():
            return f"rm {_HEALTHY}"
        case TakeMemory():
            # First in a child: Docker 20.10 may hear of it too late from a container that ends by it.
            eat = "x=a; while :; do x=$x$x; done"
            return f"sleep 0.5; ({eat}); sleep 0.5; {eat}"
        case WriteFile(path=path, text=text):
            return f"echo {shlex.quote(text)} > {shlex.quote(path)}"
        case SayFile(path=path):
            return f"cat {shlex.quote(path)} 2>/dev/null || echo 'no file'"
        case Serve(port=port, text=text):
            return f"mkdir -p /www; echo {shlex.quote(text)} > /www/index.html; httpd -p {port} -h /www"
        case SayFetched(port=port):
            return f"until wget -q -O - http://127.0.0.1:{port}/; do sleep 0.1; done"
        case End(code=code):
            return f"exit {code}"
