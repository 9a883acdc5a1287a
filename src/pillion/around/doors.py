"""The sockets on this machine at which a task's relay knocks.

Unix sockets in a folder that only this user may enter, where the engine is on this machine; TCP sockets on
one address of this machine otherwise. Each task has doors of its own, so that the door tells who asks, as
the namespace does elsewhere. TCP doors are open to every program that reaches the address: what protects
the task there is the random id in each path, as on ECS.
"""

from __future__ import annotations

import contextlib
import shutil
import socket
import tempfile
from collections.abc import Sequence
from pathlib import Path

from msgspec import Struct

from pillion.around.serving import Place
from pillion.ports.engine import RelayRoute

SOCKET_PATH_BYTES_MAX = 107
"""Linux's limit on the path of a unix socket, less its closing zero byte."""

_LISTEN_BACKLOG = 512


class Doors(Struct, frozen=True, kw_only=True):
    """Listening sockets, and the routes that lead from a task's namespace to them."""

    sockets: tuple[socket.socket, ...]
    routes: tuple[RelayRoute, ...]
    folder: Path | None = None

    def remove(self) -> None:
        """Remove the folder; the sockets belong to whoever serves them."""
        if self.folder is not None:
            shutil.rmtree(self.folder, ignore_errors=True)


def open_doors(place: Place, addresses: Sequence[tuple[str, int]], *, state_folder: Path) -> Doors:
    """Open a door for each address inside the task. Raises OSError."""
    if place.door_address is not None:
        return _on_address(place.door_address, place.route_host or place.door_address, addresses)
    return _in_folder(_folder(state_folder), addresses)


def _folder(state_folder: Path) -> Path:
    """Make a folder with mode 0700; in the state folder, unless a socket's path gets too long there."""
    state_folder.mkdir(parents=True, exist_ok=True)
    made = Path(tempfile.mkdtemp(prefix="doors-", dir=state_folder.absolute()))
    if len(str(made / "65535").encode()) <= SOCKET_PATH_BYTES_MAX:
        return made
    made.rmdir()
    return Path(tempfile.mkdtemp(prefix="pillion-doors-"))


def _in_folder(folder: Path, addresses: Sequence[tuple[str, int]]) -> Doors:
    with contextlib.ExitStack() as unless_all_open:
        unless_all_open.callback(shutil.rmtree, folder, ignore_errors=True)
        opened = []
        routes = []
        for address in addresses:
            path = folder / str(address[1])
            door = socket.socket(socket.AF_UNIX)
            unless_all_open.callback(door.close)
            door.bind(str(path))
            door.listen(_LISTEN_BACKLOG)
            door.setblocking(False)
            opened.append(door)
            routes.append(RelayRoute(address=address, target=f"unix:{path}"))
        unless_all_open.pop_all()
    return Doors(sockets=tuple(opened), routes=tuple(routes), folder=folder)


def _on_address(listen_at: str, reached_as: str, addresses: Sequence[tuple[str, int]]) -> Doors:
    with contextlib.ExitStack() as unless_all_open:
        opened = []
        routes = []
        for address in addresses:
            door = socket.create_server((listen_at, 0), backlog=_LISTEN_BACKLOG)
            unless_all_open.callback(door.close)
            opened.append(door)
            routes.append(RelayRoute(address=address, target=f"{reached_as}:{door.getsockname()[1]}"))
        unless_all_open.pop_all()
    return Doors(sockets=tuple(opened), routes=tuple(routes))
