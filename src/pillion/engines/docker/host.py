"""Where the engine is: the rules of Docker's own command, then Podman's sockets.

A host given by hand comes first, then DOCKER_HOST, then the current Docker context, then the usual
sockets. Of a context only one thing is read here, whether it leads to a socket of this machine, as that of
Docker Desktop or of a rootless engine does; certificates and ssh are left to aiodocker.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from pillion.ports.engine import EngineUnreachableError

SOCKET_SCHEME = "unix://"

_DEFAULT_CONTEXT = "default"
"""No context, but DOCKER_HOST and the usual sockets."""

NO_ENGINE = (
    "No container engine was found: there is no socket at {searched}, and DOCKER_HOST is not set. "
    "Install Docker (Debian, Ubuntu: apt-get install docker.io) or Podman and start it, "
    "or set DOCKER_HOST to where an engine listens."
)


def chosen_host(host: str | None, environment: Mapping[str, str]) -> str | None:
    """Return the address that was chosen by hand or by DOCKER_HOST, if any."""
    return host or environment.get("DOCKER_HOST") or None


def chosen_context(environment: Mapping[str, str]) -> str | None:
    """Return the Docker context that DOCKER_CONTEXT or `docker context use` chose, if any."""
    chosen = environment.get("DOCKER_CONTEXT")
    if not chosen:
        config = _read_json(_docker_folder(environment) / "config.json")
        chosen = config.get("currentContext") if isinstance(config, dict) else None
    return chosen if isinstance(chosen, str) and chosen not in ("", _DEFAULT_CONTEXT) else None


def socket_of_context(context: str, environment: Mapping[str, str]) -> str | None:
    """Return the address of a context's engine where that is a socket of this machine, and None otherwise."""
    import hashlib  # few have a context, and this is the only use of it before the first call

    name = hashlib.sha256(context.encode()).hexdigest()
    found = _read_json(_docker_folder(environment) / "contexts/meta" / name / "meta.json")
    try:
        host = found["Endpoints"]["docker"]["Host"]
    except (KeyError, TypeError):
        return None  # aiodocker says what is wrong with it
    return host if isinstance(host, str) and host.startswith(SOCKET_SCHEME) else None


def usual_sockets(environment: Mapping[str, str]) -> tuple[Path, ...]:
    """Return where an engine's socket usually is, the likeliest first."""
    runtime = environment.get("XDG_RUNTIME_DIR")
    home = environment.get("HOME")
    candidates = [Path("/var/run/docker.sock"), Path("/run/docker.sock")]
    if runtime:
        candidates.append(Path(runtime) / "docker.sock")
    if home:
        candidates.append(Path(home) / ".docker/run/docker.sock")
    if runtime:
        candidates.append(Path(runtime) / "podman/podman.sock")
    candidates.append(Path("/run/podman/podman.sock"))
    return tuple(candidates)


def first_socket(environment: Mapping[str, str], is_socket: Callable[[Path], bool]) -> str | None:
    """Return the address of the first of the usual sockets that is there."""
    return next((f"{SOCKET_SCHEME}{path}" for path in usual_sockets(environment) if is_socket(path)), None)


def find_engine(chosen: str | None, environment: Mapping[str, str]) -> tuple[str | None, str | None]:
    """Return the address of the engine and the context that leads there, one of which may be None.

    `chosen` is the address that `chosen_host` returned. Raises EngineUnreachableError where there is neither.
    """
    if chosen is not None:
        return chosen, None
    context = chosen_context(environment)
    if context is not None:
        return socket_of_context(context, environment), context
    found = first_socket(environment, Path.is_socket)
    if found is None:
        searched = ", ".join(str(path) for path in usual_sockets(environment))
        raise EngineUnreachableError(NO_ENGINE.format(searched=searched))
    return found, None


def is_local(host: str) -> bool:
    """Say whether the engine shares this machine's files, ports and processes."""
    return host.startswith((SOCKET_SCHEME, "npipe://"))


def explain_unreachable(host: str, error: BaseException) -> str:
    """Say that the engine does not answer, why, and what to do."""
    reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
    cause = getattr(error, "os_error", error)  # aiohttp wraps what the system said
    if isinstance(cause, PermissionError):
        advice = "Your user may not use this socket: run as root, or add the user to the group that owns it."
    elif isinstance(cause, FileNotFoundError):
        advice = "The socket is not there: start the engine, or set DOCKER_HOST to where it listens."
    else:
        advice = "Check that the engine runs (docker version), or set DOCKER_HOST to where it listens."
    return f"The container engine at {host} does not answer: {reason.rstrip('.')}. {advice}"


def _docker_folder(environment: Mapping[str, str]) -> Path:
    return Path(environment.get("HOME", "/")) / ".docker"


def _read_json(path: Path) -> Any:  # noqa: ANN401 - whatever stands in a file of Docker's
    try:
        return json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None
