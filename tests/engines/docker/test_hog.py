from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from pillion.engines.docker import hog
from pillion.engines.docker.hog import ROOM_BYTES, exhaust, is_alive, lower_limit
from pillion.ports.injector import InjectionUnavailableError

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


KILLED_AT_FIRST = """
import os, pathlib, signal, sys
folder, pid = pathlib.Path(sys.argv[1]), int(sys.argv[2])
first = not (folder / "again").exists()
(folder / "again").touch()
os.kill(os.getpid() if first else pid, signal.SIGKILL)
"""


async def test_a_hog_that_the_kernel_kills_first_is_begun_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hog, "HOG", KILLED_AT_FIRST)
    monkeypatch.setattr(hog, "cgroup_folder", lambda *_: tmp_path)
    monkeypatch.setattr(hog, "lower_limit", lambda _: ROOM_BYTES)
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", "import time; time.sleep(60)")
    await exhaust(process.pid)
    assert await process.wait() == -signal.SIGKILL
    assert (tmp_path / "again").exists()


async def test_why_memory_cannot_be_used_up_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hog, "HOG", "import sys; sys.exit('no such luck')")
    monkeypatch.setattr(hog, "cgroup_folder", lambda *_: tmp_path)
    monkeypatch.setattr(hog, "lower_limit", lambda _: ROOM_BYTES)
    with pytest.raises(InjectionUnavailableError, match="its memory could not be used up: no such luck"):
        await exhaust(os.getpid())
