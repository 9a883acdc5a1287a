"""The drain: it listens where a router did, takes everything, and says so once."""

from __future__ import annotations

import asyncio
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from pillion.around.drain import Drain


@pytest.fixture
def path() -> Iterator[Path]:
    """Return a socket's path short enough for Linux."""
    with tempfile.TemporaryDirectory(prefix="drain-") as folder:
        yield Path(folder) / "fluent.sock"


async def test_it_takes_a_dead_sockets_place_and_tells_of_the_first_thing_thrown_away(path: Path) -> None:
    dead = socket.socket(socket.AF_UNIX)
    dead.bind(str(path))
    dead.close()
    poured = asyncio.Event()
    times: list[int] = []

    def tell() -> None:
        times.append(1)
        poured.set()

    drain = Drain(str(path), tell)
    await drain.open()
    (_, first), (_, second) = [await asyncio.open_unix_connection(path) for _ in range(2)]
    assert not poured.is_set()
    first.write(b"x" * 1_000_000)
    await first.drain()
    await poured.wait()
    second.write(b"y")
    await second.drain()
    await drain.close()
    with pytest.raises(FileNotFoundError):
        await asyncio.open_unix_connection(path)
    assert times == [1]
    for writer in (first, second):
        writer.close()


async def test_without_the_sockets_folder_there_is_nothing_to_take_the_place_of(tmp_path: Path) -> None:
    drain = Drain(str(tmp_path / "gone" / "fluent.sock"), lambda: None)
    await drain.open()
    await drain.close()
    assert not (tmp_path / "gone").exists()
