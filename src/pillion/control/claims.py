"""Who supervises which tasks: a locked file for each process that does, which says where it listens.

The kernel lets go of the lock when the process ends, however it ends, so a claim that can be taken is
nobody's. A process id would not do: another process may have got the number since.

A claim is called `serve` for the server, of which a state folder has one at most, and after its task for a
run in the foreground.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import json
import os
import socket
import time
from contextlib import suppress
from pathlib import Path
from typing import Self

from msgspec import Struct

from pillion.core.errors import PillionError

SERVER = "serve"
"""The claim of `pillion serve`."""

FOLDER = "control"

SOCKET_PATH_BYTES_MAX = 107
"""Linux's limit on the path of a unix socket, less its closing zero byte."""

_SCRATCH_SOCKET = "sock"

_SHORT_TEMPORARY = Path("/tmp")  # noqa: S108 (the folder made in it has one possible owner, which is checked)

_BACKLOG = 128

_TRIES, _PAUSE_S = 100, 0.01
"""How often, and after which pause, a claim is tried for again that changes hands just now."""


class ClaimError(PillionError):
    """A claim cannot be made. The message says which, why, and what to do."""


class Claimant(Struct, frozen=True, kw_only=True):
    """The process that holds a claim: its id, and the socket at which it can be asked."""

    process_id: int
    socket_path: str


class Claim:
    """A claim that this process holds, with a listening socket; leaving the context gives up both."""

    def __init__(self, state_folder: Path, name: str) -> None:
        """Take the claim. Raises ClaimError where another process holds it, or the folder cannot be used."""
        self.name = name
        self._path = _lock_path(state_folder, name)
        self._scratch: Path | None = None
        self._bound: Path | None = None
        self._bound_as: os.stat_result | None = None
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._descriptor = _lock(self._path)
        except OSError as error:
            raise ClaimError(
                f"{self._path} cannot be made: {error.strerror}; "
                "set PILLION_STATE_DIR to a folder that can be written"
            ) from error
        try:
            self.listener = self._listen()
        except OSError as error:
            self._remove()
            raise ClaimError(
                f"no socket can be made beside {self._path}: {error.strerror}; "
                "set PILLION_STATE_DIR to a folder that can be written"
            ) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()

    def release(self) -> None:
        """Give up the claim; its file and its socket go."""
        self._remove()  # while the socket is open: its file's number is not given to another as long
        self.listener.close()

    @property
    def is_in_place(self) -> bool:
        """Whether others find the claim: its file is still the one that was locked."""
        try:
            return os.path.samestat(os.fstat(self._descriptor), self._path.stat())
        except OSError:
            return False

    def _remove(self) -> None:
        # Files that were removed may be another process's by now, under the same names.
        if self._bound is not None and self._is_bound_to(self._bound):
            self._bound.unlink()
            if self._scratch is not None:
                with suppress(OSError):
                    self._scratch.rmdir()
        if self.is_in_place:
            self._path.unlink(missing_ok=True)
        os.close(self._descriptor)

    def _is_bound_to(self, path: Path) -> bool:
        try:
            return self._bound_as is not None and os.path.samestat(self._bound_as, path.stat())
        except OSError:
            return False

    def _listen(self) -> socket.socket:
        path = self._path.with_suffix(".sock")
        if len(str(path).encode()) > SOCKET_PATH_BYTES_MAX:
            self._scratch = _scratch_folder(path)
            path = self._scratch / _SCRATCH_SOCKET
        path.unlink(missing_ok=True)  # of a process that is gone: the lock is ours
        listener = socket.socket(socket.AF_UNIX)
        try:
            listener.bind(str(path))
            self._bound, self._bound_as = path, path.stat()
            path.chmod(0o600)
            listener.listen(_BACKLOG)
            text = json.dumps({"pid": os.getpid(), "socket": str(path)}).encode()
            os.ftruncate(self._descriptor, 0)
            os.pwrite(self._descriptor, text, 0)
        except OSError:
            listener.close()
            raise
        return listener


def find_claimant(state_folder: Path, name: str) -> Claimant | None:
    """Return the process that holds a claim; None where nobody does.

    One that has just taken it is waited for until it has written where it listens, a second at most.
    """
    path = _lock_path(state_folder, name)
    for _ in range(_TRIES):
        try:
            descriptor = os.open(path, os.O_RDONLY)
        except OSError:
            return None
        try:
            if not _is_held(descriptor):
                return None
            if (found := _read(descriptor)) is not None:
                return found
        finally:
            os.close(descriptor)
        time.sleep(_PAUSE_S)
    return None


def _scratch_folder(path: Path) -> Path:
    """Return a folder with a short name for a socket whose own is too long: the same one every time.

    A process that is killed leaves it, and the next holder of the claim finds it.
    """
    import tempfile  # it takes a while to import, and few folders are that deep

    name = hashlib.sha256(str(path).encode()).hexdigest()[:16]
    folder = Path(tempfile.gettempdir()) / f"pillion-control-{os.getuid()}-{name}"
    if len(str(folder / _SCRATCH_SOCKET).encode()) > SOCKET_PATH_BYTES_MAX:
        folder = _SHORT_TEMPORARY / folder.name  # TMPDIR is as long as the state folder
    folder.mkdir(mode=0o700, exist_ok=True)
    if folder.is_symlink() or folder.stat().st_uid != os.getuid():
        raise PermissionError(errno.EPERM, f"{folder} belongs to somebody else")
    return folder


def _lock_path(state_folder: Path, name: str) -> Path:
    return state_folder.absolute() / FOLDER / f"{name}.lock"


def _lock(path: Path) -> int:
    """Return the locked file; made anew where its last holder removed it in between.

    Somebody who only looks whether it is held has it for a moment, too: such a one is waited for.
    """
    looked_at = 0
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            looked_at += 1
            is_held, holder = _is_held(descriptor), _read(descriptor)
            os.close(descriptor)
            if is_held or looked_at == _TRIES:
                who = "another process" if holder is None else f"process {holder.process_id}"
                raise ClaimError(f"{who} holds {path}: {_advice(path)}") from error
            time.sleep(_PAUSE_S)
            continue
        with suppress(OSError):
            if os.fstat(descriptor).st_ino == path.stat().st_ino:
                return descriptor
        os.close(descriptor)


def _is_held(descriptor: int) -> bool:
    """Whether a process holds the claim of this file, and does not only look at it."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    return False


def _advice(path: Path) -> str:
    if path.stem == SERVER:
        return "one pillion serve is enough for a state folder; end that one first, or set PILLION_STATE_DIR"
    return "it supervises this task"


def _read(descriptor: int) -> Claimant | None:
    """Read who holds a claim; None while the holder has not written it yet."""
    try:
        document = json.loads(os.pread(descriptor, 4096, 0))
        return Claimant(process_id=int(document["pid"]), socket_path=str(document["socket"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None
