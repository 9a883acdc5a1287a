"""What one look at many containers costs: the kernel's files, beside Docker's statistics.

Run by `make bench`; needs a Docker Engine on this machine and the image pillion-local/busybox:1. CPU is
counted for this process and for the engine's own (dockerd, containerd, their shims) apart; whatever else the
engine does meanwhile is in the latter.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import time
from pathlib import Path

from pillion.engines.docker.client import DockerClient
from pillion.engines.docker.engine import DockerEngine
from pillion.engines.docker.sampling import Sampler
from pillion.ports.engine import Capabilities, EngineUnreachableError

IMAGE = "pillion-local/busybox:1"
SIZES = (10, 100)
LOOKS_AT_FILES = 10
LOOKS_AT_STATISTICS = 3

TICK_S = 1 / os.sysconf("SC_CLK_TCK")


def engine_cpu_s() -> float:
    """Return the CPU time that the processes of the engine have used."""
    ticks = 0
    for process in Path("/proc").glob("[0-9]*/stat"):
        try:
            name, _, rest = process.read_text().partition("(")[2].rpartition(")")
        except OSError:
            continue
        if name.startswith(("dockerd", "containerd")):
            ticks += sum(int(number) for number in rest.split()[11:13])
    return ticks * TICK_S


async def start_containers(client: DockerClient, count: int) -> list[str]:
    body = {
        "Image": IMAGE,
        "Cmd": ["sleep", "3600"],
        "HostConfig": {"NetworkMode": "none", "Memory": 16 * 1024 * 1024},
    }
    found = []
    for _ in range(count):
        runtime_id = (await client.post("containers/create", body=body))["Id"]
        await client.post(f"containers/{runtime_id}/start")
        found.append(runtime_id)
    return found


async def measure(what: str, sampler: Sampler, ids: list[str], looks: int) -> float:
    assert len(await sampler.sample(ids)) == len(ids)  # the first look finds the containers
    wall_s = []
    own_s, theirs_s = time.process_time(), engine_cpu_s()
    for _ in range(looks):
        begin = time.perf_counter()
        assert len(await sampler.sample(ids)) == len(ids)
        wall_s.append(time.perf_counter() - begin)
    own_s, theirs_s = time.process_time() - own_s, engine_cpu_s() - theirs_s
    cpu_s = (own_s + theirs_s) / looks
    print(
        f"{len(ids):4} containers, {what}: {statistics.median(wall_s) * 1e3:7.1f} ms a look; CPU "
        f"{own_s / looks * 1e3:6.1f} ms here, {theirs_s / looks * 1e3:6.1f} ms in the engine; "
        f"every 10 s: {cpu_s / 10:.2%} of a core"
    )
    return cpu_s


async def compare() -> None:
    client, engine = DockerClient(), DockerEngine()
    ids: list[str] = []

    async def elsewhere() -> Capabilities:
        return Capabilities(name="docker", version="", local=False)

    try:
        await engine.capabilities()
        for size in SIZES:
            ids += await start_containers(client, size - len(ids))
            files_s = await measure(
                "the kernel's files ", Sampler(client, engine.capabilities), ids, LOOKS_AT_FILES
            )
            calls_s = await measure(
                "Docker's statistics", Sampler(client, elsewhere), ids, LOOKS_AT_STATISTICS
            )
            print(f"     the files cost {files_s / calls_s:.1%} of the statistics")
    except EngineUnreachableError as error:
        print(f"not measured: {error}")
    finally:
        for runtime_id in ids:
            await client.delete(f"containers/{runtime_id}", params={"force": "1"})
        await client.close()
        await engine.close()


if __name__ == "__main__":
    asyncio.run(compare())
