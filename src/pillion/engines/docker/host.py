"""Where the engine is: the rules of Docker's own command, then Podman's sockets.

A host given by hand comes first, then DOCKER_HOST, then the current Docker context, then the usual
sockets. Contexts are read by aiodocker, so they are not looked for here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

NO_ENGINE = (
    "No container engine was found: there is no socket at {searched}, and DOCKER_HOST is not set. "
    "Install Docker (Debian, Ubuntu: apt-get install docker.io) or Podman and start it, "
    "or set DOCKER_HOST to where an engine listens."
)


def chosen_host(host: str | None, environment: Mapping[str, str]) -> str | None:
    """Return the address that was chosen by hand or by DOCKER_HOST, if any."""
    return host or environment.get("DOCKER_HOST") or None


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
    return next((f"unix://{path}" for path in usual_sockets(environment) if is_socket(path)), None)


def is_local(host: str) -> bool:
    """Say whether the engine shares this machine's files, ports and processes."""
    return host.startswith(("unix://", "npipe://"))


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
