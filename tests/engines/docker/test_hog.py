from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from pillion.engines.docker.hog import ROOM_BYTES, is_alive, lower_limit

MIB = 1024 * 1024


def cgroup(folder: Path, **files: object) -> Path:
    for name, value in files.items():
        (folder / name.replace("__", ".")).write_text(f"{value}\n")
    return folder


def test_in_cgroup_v1_the_limit_is_lowered_to_a_little_more_than_is_in_use_and_swap_with_it(
    tmp_path: Path,
) -> None:
    folder = cgroup(
        tmp_path,
        memory__limit_in_bytes=512 * MIB,
        memory__usage_in_bytes=3 * MIB,
        memory__memsw__limit_in_bytes=1024 * MIB,
    )
    assert lower_limit(folder) == 2 * ROOM_BYTES
    assert int((folder / "memory.limit_in_bytes").read_text()) == 3 * MIB + ROOM_BYTES
    assert int((folder / "memory.memsw.limit_in_bytes").read_text()) == 3 * MIB + ROOM_BYTES


def test_in_cgroup_v2_too_where_no_limit_is_a_word(tmp_path: Path) -> None:
    folder = cgroup(tmp_path, memory__max="max", memory__current=MIB, memory__swap__max="max")
    lower_limit(folder)
    assert int((folder / "memory.max").read_text()) == MIB + ROOM_BYTES
    assert (folder / "memory.swap.max").read_text() == "0"


def test_a_limit_is_never_raised(tmp_path: Path) -> None:
    folder = cgroup(tmp_path, memory__max=6 * MIB, memory__current=MIB)
    lower_limit(folder)
    assert int((folder / "memory.max").read_text()) == 6 * MIB


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="there is no /proc")
def test_a_process_is_alive_until_it_has_ended() -> None:
    assert is_alive(os.getpid())
    with subprocess.Popen(["true"]) as process:
        process.wait()
    assert not is_alive(process.pid)
