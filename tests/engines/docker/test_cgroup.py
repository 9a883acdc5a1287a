"""The task's parent cgroup: what is written for both cgroup versions, and when it is not made at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from engines.docker.making import container, task
from pillion.core.plan.model import TaskLimits, TaskPlan
from pillion.engines.docker.cgroup import TaskCgroup, Write, files_v1, files_v2, slice_commands
from pillion.ports.engine import Capabilities, EngineError

ID = "0123"
GIB = 1 << 30
BOTH = TaskLimits(cpu_vcpu=0.5, memory_bytes=GIB)
SHARES = TaskLimits(cpu_shares=1024)
V1 = Capabilities(name="docker", version="20.10", cgroup_version=1, details={"cgroup_driver": "cgroupfs"})
V2 = Capabilities(name="docker", version="27.0", cgroup_version=2, details={"cgroup_driver": "cgroupfs"})
SYSTEMD = Capabilities(name="docker", version="27.0", cgroup_version=2, details={"cgroup_driver": "systemd"})


def limited(limits: TaskLimits | None = BOTH) -> TaskPlan:
    return task(container("web"), limits=limits, task_id=ID)


def take_out(file: Path) -> str:
    """Read a file and remove it: in a real cgroup, files are no obstacle to removing the folder."""
    text = file.read_text()
    file.unlink()
    return text


def names_below(folder: Path) -> set[str]:
    return {path.name for path in folder.rglob("*")}


def test_v1_caps_cpu_by_quota_and_memory_by_limit() -> None:
    files = files_v1(ID, BOTH)
    assert files.parent == "/pillion/0123"
    assert files.folders == ("cpu/pillion/0123", "memory/pillion/0123")
    assert [(write.path, write.value) for write in files.writes] == [
        ("cpu/pillion/0123/cpu.cfs_period_us", "100000"),
        ("cpu/pillion/0123/cpu.cfs_quota_us", "50000"),
        ("memory/pillion/memory.use_hierarchy", "1"),
        ("memory/pillion/0123/memory.limit_in_bytes", str(GIB)),
    ]


def test_v1_without_a_cpu_limit_shares_the_sum_of_the_containers() -> None:
    assert files_v1(ID, SHARES).writes == (Write("cpu/pillion/0123/cpu.shares", "1024"),)


def test_v2_hands_the_controllers_down_before_it_limits() -> None:
    files = files_v2(ID, BOTH)
    assert files.parent == "/pillion/0123"
    assert files.writes == (
        Write("cgroup.subtree_control", "+cpu +memory +pids"),
        Write("pillion/cgroup.subtree_control", "+cpu +memory +pids"),
        Write("pillion/0123/cpu.max", "50000 100000"),
        Write("pillion/0123/memory.max", str(GIB)),
    )


@pytest.mark.parametrize(("shares", "weight"), [(2, "1"), (1024, "39"), (262_144, "10000"), (10**9, "10000")])
def test_v2_turns_shares_into_the_weight_that_container_runtimes_use(shares: int, weight: str) -> None:
    writes = files_v2(ID, TaskLimits(cpu_shares=shares)).writes
    assert writes[-1] == Write("pillion/0123/cpu.weight", weight)


def test_where_systemd_keeps_the_cgroups_it_makes_the_slice() -> None:
    name = "pillion-0123.slice"
    assert slice_commands(ID, BOTH) == (
        ("systemctl", "start", name),
        ("systemctl", "set-property", "--runtime", name, "CPUQuota=50%", f"MemoryMax={GIB}"),
    )


async def test_files_are_written_and_the_folders_removed_again(tmp_path: Path) -> None:
    (tmp_path / "pids/pillion/0123").mkdir(parents=True)  # made by the engine, in a tree we do not write to
    cgroup = TaskCgroup(limited(SHARES), root=tmp_path, is_root=True)
    await cgroup.prepare(V1)
    assert cgroup.parent == "/pillion/0123"
    assert take_out(tmp_path / "cpu/pillion/0123/cpu.shares") == "1024"
    await cgroup.remove()
    assert names_below(tmp_path) == {"cpu", "memory", "pids"}
    await cgroup.remove()


async def test_another_tasks_cgroup_stays(tmp_path: Path) -> None:
    (tmp_path / "memory/pillion/other").mkdir(parents=True)
    cgroup = TaskCgroup(limited(TaskLimits()), root=tmp_path, is_root=True)
    await cgroup.prepare(V1)
    await cgroup.remove()
    assert [path.name for path in (tmp_path / "memory/pillion").iterdir()] == ["other"]


async def test_a_cgroup_that_cannot_be_made_stops_the_task_with_the_agents_text(tmp_path: Path) -> None:
    (tmp_path / "pillion").write_text("in the way")
    with pytest.raises(EngineError) as failure:
        await TaskCgroup(limited(), root=tmp_path, is_root=True).prepare(V2)
    error = failure.value.error
    assert error.name == "CgroupError"
    assert error.text.startswith("CgroupError: Agent could not create task's platform resources (")


async def test_slices_are_made_and_stopped_through_systemd(tmp_path: Path) -> None:
    commands: list[tuple[str, ...]] = []

    async def run(command: tuple[str, ...]) -> None:
        commands.append(command)

    cgroup = TaskCgroup(limited(), root=tmp_path, run=run, is_root=True)
    await cgroup.prepare(SYSTEMD)
    assert cgroup.parent == "pillion-0123.slice"
    await cgroup.remove()
    assert [command[1] for command in commands] == ["start", "set-property", "stop"]


@pytest.mark.parametrize(
    ("engine", "is_root", "reason"),
    [
        (Capabilities(name="docker", version="1", local=False), True, "the engine is on another machine"),
        (Capabilities(name="docker", version="1", rootless=True), True, "the engine is rootless"),
        (V1, False, "that needs root"),
    ],
)
async def test_where_it_cannot_be_made_a_notice_says_why_and_nothing_is_written(
    tmp_path: Path, engine: Capabilities, is_root: bool, reason: str
) -> None:
    cgroup = TaskCgroup(limited(), root=tmp_path, is_root=is_root)
    (notice,) = cgroup.notices(engine)
    assert notice.code == "task-limits-not-enforced"
    assert reason in notice.text
    await cgroup.prepare(engine)
    assert cgroup.parent is None
    assert names_below(tmp_path) == set()


def test_a_task_without_limits_needs_no_notice(tmp_path: Path) -> None:
    assert TaskCgroup(limited(None), root=tmp_path, is_root=False).notices(V1) == ()
