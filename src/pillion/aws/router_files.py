"""Writes what a FireLens router finds on its mounts: its configuration and the socket's folder.

Only on this machine: an engine elsewhere would need the files there.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from pillion.sidecars.firelens.plan import FirelensPlan, Owner


class RouterFilesError(Exception):
    """The files cannot be written. The message says which and why."""


def write_router_files(plan: FirelensPlan, external: bytes | None) -> None:
    """Write everything that has to be there before the router is created.

    Args:
        plan: what to write.
        external: content of the user's own configuration from S3, if there is one.

    Raises:
        RouterFilesError: the disk is full, the folder is not ours, or the owner cannot be given.
    """
    config, socket_folder = Path(plan.config_path), Path(plan.socket_folder)
    try:
        config.parent.mkdir(parents=True, exist_ok=True)
        socket_folder.mkdir(parents=True, exist_ok=True)
        if plan.socket_owner is not None:
            _give(socket_folder, plan.socket_owner)
        if external is not None:
            _write(Path(plan.external_path), external)
        _write(config, plan.text.encode())
    except OSError as error:
        raise RouterFilesError(f"{error.filename or plan.folder}: {error.strerror}") from error


def remove_router_files(plan: FirelensPlan) -> None:
    """Remove them again, with the router's socket. What is already gone is no error."""
    shutil.rmtree(plan.folder, ignore_errors=True)


def _give(folder: Path, owner: Owner) -> None:
    gid = os.getgid() if owner.gid is None else owner.gid
    held = folder.stat()
    if (held.st_uid, held.st_gid) == (owner.uid, gid):
        return
    try:
        os.chown(folder, owner.uid, gid)
    except PermissionError:
        folder.chmod(0o777)  # without root nobody can give a folder away; this at least works


def _write(path: Path, content: bytes) -> None:
    """Write a file in one step, so that a router that starts now reads all of it or nothing."""
    scratch = path.with_name(f".{path.name}.new")
    scratch.write_bytes(content)
    scratch.chmod(0o644)
    scratch.replace(path)
