"""Says where local AWS listens, so that `pillion env` in another terminal finds it.

One small file per process in the state folder, for the user alone. A file whose process is gone is ignored
and removed by whoever meets it.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct


class RunningAws(Struct, frozen=True, kw_only=True):
    """A local AWS that runs now. `pid` is pillion's own."""

    pid: int
    url: str
    region: str


def announce(folder: Path, running: RunningAws) -> None:
    """Write down that local AWS runs. A folder that cannot be written is no reason to fail."""
    with contextlib.suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        text = json.dumps({"pid": running.pid, "url": running.url, "region": running.region})
        scratch = folder / f".{running.pid}.json"
        scratch.write_text(text)
        scratch.replace(_path(folder, running.pid))


def withdraw(folder: Path, pid: int) -> None:
    """Remove what `announce` wrote."""
    with contextlib.suppress(OSError):
        _path(folder, pid).unlink(missing_ok=True)


def find_running(folder: Path) -> tuple[RunningAws, ...]:
    """Return every local AWS that runs, the youngest first."""
    paths = sorted(folder.glob("*.json"), key=_age, reverse=True) if folder.is_dir() else []
    return tuple(_read(paths))


def _read(paths: list[Path]) -> Iterator[RunningAws]:
    for path in paths:
        try:
            document = json.loads(path.read_text())
            running = RunningAws(pid=document["pid"], url=document["url"], region=document["region"])
        except (OSError, ValueError, KeyError, TypeError):
            continue  # another process is just writing or removing it
        if _is_alive(running.pid):
            yield running
        else:
            with contextlib.suppress(OSError):
                path.unlink()


def _age(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _path(folder: Path, pid: int) -> Path:
    return folder / f"{pid}.json"
