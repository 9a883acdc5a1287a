"""Where samples come from: the kernel's files of this machine, or the engine where these are out of reach."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from engines.docker.conftest import Run
from engines.docker.fake_engine import FakeEngine, answering
from engines.docker.making import plain, task
from engines.docker.test_counters import NET_DEV, TRAFFIC, V1, V2
from pillion.core.plan.model import LimitsPlan
from pillion.engines.docker.client import DockerClient
from pillion.engines.docker.counters import sample_of_stats
from pillion.engines.docker.engine import DockerEngine
from pillion.engines.docker.sampling import Sampler
from pillion.ports.engine import Capabilities

WEB, DB = "a" * 64, "b" * 64
MIB = 1024 * 1024


class Machine:
    """A machine with an engine and the kernel's files of containers."""

    def __init__(self, folder: Path, fake: FakeEngine, client: DockerClient) -> None:
        self.fake = fake
        self.folder = folder
        self.local = True
        self.sampler = Sampler(client, self._capabilities, proc=folder / "proc", cgroups=folder / "cgroup")

    def run(self, runtime_id: str, process_id: int, *, group: str | None = None, host: bool = False) -> None:
        """Have a container run as a process, in a control group of version 2."""
        group = group or f"/system.slice/docker-{runtime_id}.scope"
        self.inspects_as(runtime_id, process_id, host=host)
        self._process(process_id, f"0::{group}\n")
        for name, text in V2.items():
            self._write(f"cgroup{group}/{name}", text)

    def run_v1(self, runtime_id: str, process_id: int) -> None:
        """Have a container run in control groups of version 1."""
        self.inspects_as(runtime_id, process_id)
        names = sorted({name.partition("/")[0] for name in V1})
        self._process(process_id, "".join(f"1:{name}:/docker/{runtime_id}\n" for name in names))
        for name, text in V1.items():
            controller, _, file = name.partition("/")
            self._write(f"cgroup/{controller}/docker/{runtime_id}/{file}", text)

    def inspects_as(self, runtime_id: str, process_id: int, *, host: bool = False) -> None:
        """Have the engine say that a container is this process; 0: it does not run."""
        self.fake.routes[f"GET containers/{runtime_id}/json"] = answering(
            {
                "State": {"Running": bool(process_id), "Pid": process_id},
                "HostConfig": {"NetworkMode": "host" if host else "default"},
            }
        )

    def counts(self, runtime_id: str, used_ns: int) -> None:
        """Have the engine tell statistics of a container."""
        document = {
            "cpu_stats": {"cpu_usage": {"total_usage": used_ns}},
            "memory_stats": {"usage": 5, "stats": {}},
        }
        self.fake.routes[f"GET containers/{runtime_id}/stats"] = answering(document)

    def _process(self, process_id: int, groups: str) -> None:
        self._write(f"proc/{process_id}/cgroup", groups)
        self._write(f"proc/{process_id}/net/dev", NET_DEV)

    def _write(self, name: str, text: str) -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    async def _capabilities(self) -> Capabilities:
        return Capabilities(name="docker", version="1", local=self.local)


@pytest.fixture
async def machine(tmp_path: Path) -> AsyncIterator[Machine]:
    fake = FakeEngine(tmp_path)
    await fake.start()
    client = DockerClient(fake.host)
    yield Machine(tmp_path, fake, client)
    await client.close()
    await fake.stop()


def asked(machine: Machine) -> list[str]:
    """Return what the engine was asked, without version and ids."""
    return [path.rpartition("/")[2] for path in machine.fake.asked]


async def test_both_versions_of_control_groups_say_the_same(machine: Machine) -> None:
    machine.run(WEB, 10)
    machine.run_v1(DB, 11)
    samples = await machine.sampler.sample([WEB, DB])
    web, db = samples[WEB], samples[DB]
    for sample in (web, db):
        assert (sample.memory_bytes, sample.memory_limit_bytes) == (1617920 - 1146880, 64 * MIB)
        assert (sample.received, sample.sent) == TRAFFIC
        assert (sample.read_bytes, sample.written_bytes, sample.processes) == (4196, 512, 3)
    assert (web.cpu_ns, db.cpu_ns) == (24_023_000, 24_023_182)


async def test_the_engine_is_asked_for_a_container_once_only(machine: Machine) -> None:
    machine.run(WEB, 10)
    for _ in range(3):
        assert set(await machine.sampler.sample([WEB])) == {WEB}
    assert asked(machine) == ["json"]


async def test_a_container_that_was_started_anew_is_found_again(machine: Machine) -> None:
    machine.run(WEB, 10)
    await machine.sampler.sample([WEB])
    (machine.folder / "proc/10/cgroup").write_text("0::/user.slice\n")  # the number is somebody else's now
    machine.run(WEB, 12)
    assert set(await machine.sampler.sample([WEB])) == {WEB}
    assert asked(machine) == ["json", "json"]


async def test_a_container_that_does_not_run_or_is_not_there_is_left_out(machine: Machine) -> None:
    machine.inspects_as(WEB, 0)
    assert await machine.sampler.sample([WEB, DB]) == {}


async def test_the_limit_of_the_task_is_read_from_the_group_above(machine: Machine) -> None:
    machine.run(WEB, 10, group=f"/pillion/task/{WEB}")
    (machine.folder / "cgroup/pillion/task/memory.max").write_text("4096\n")
    assert (await machine.sampler.sample([WEB]))[WEB].memory_limit_bytes == 4096


async def test_the_network_of_the_machine_is_not_the_containers(machine: Machine) -> None:
    machine.run(WEB, 10, host=True)
    sample = (await machine.sampler.sample([WEB]))[WEB]
    assert (sample.received, sample.sent) == (None, None)


async def test_an_engine_that_counts_processes_otherwise_is_asked_itself(machine: Machine) -> None:
    machine.inspects_as(WEB, 10)  # and there is no such process here
    machine.counts(WEB, 700)
    samples = await machine.sampler.sample([WEB])
    assert samples[WEB].cpu_ns == 700
    await machine.sampler.sample([WEB])
    assert asked(machine) == ["json", "stats", "stats"]


async def test_an_engine_elsewhere_is_asked_itself(machine: Machine) -> None:
    machine.run(WEB, 10)
    machine.counts(WEB, 700)
    machine.local = False
    samples = await machine.sampler.sample([WEB])
    assert samples[WEB].cpu_ns == 700
    assert asked(machine) == ["stats"]


@pytest.mark.docker
@pytest.mark.slow
async def test_the_kernel_and_docker_say_the_same_of_a_container(
    run: Run, engine: DockerEngine, client: DockerClient
) -> None:
    busy = plain(
        "web",
        "dd if=/dev/zero of=/file bs=1M count=4 2>/dev/null; cat /file >/dev/null; echo done; sleep 60",
        limits=LimitsPlan(memory_bytes=64 * MIB),
    )
    running = await run(task(busy))
    await running.start("web")
    async for _ in running.task.logs("web"):
        break  # its work is done
    runtime_id = (await client.get(f"containers/{running.task.plan.container('web').engine_name}/json"))["Id"]
    document: dict[str, Any] = await client.get(
        f"containers/{runtime_id}/stats", params={"stream": "false", "one-shot": "true"}
    )
    sample = (await engine.sample([runtime_id]))[runtime_id]
    theirs = sample_of_stats(document, sample.at_s)
    assert theirs is not None
    assert sample.memory_limit_bytes == theirs.memory_limit_bytes == 64 * MIB
    assert abs(sample.memory_bytes - theirs.memory_bytes) < MIB
    assert abs(sample.cpu_ns - theirs.cpu_ns) < 50_000_000
    assert sample.processes == theirs.processes
    assert (sample.read_bytes, sample.written_bytes) == (theirs.read_bytes, theirs.written_bytes)
