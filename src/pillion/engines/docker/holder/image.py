"""The holder's image: its name, its bytes for `POST /images/load`, and the commands it understands.

The image has one layer with one file, `/holder`, and its tag is the beginning of its own image id. So a
newer pillion with another holder uses another tag, two versions live side by side, and an image that is
there never has to be looked into. The bytes depend on nothing but the program: no time, no machine.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Protocol

REPOSITORY = "pillion/holder"
_TAG_LENGTH = 12

PROGRAM = "/holder"
PAUSE_COMMAND = (PROGRAM, "pause")
"""Holds the namespaces of a task; ends with exit code 0 on SIGTERM."""
HEALTH_COMMAND = ("CMD", PROGRAM, "health")
"""A health check that passes, for a container that is a stub."""

RELAY_CAPABILITIES = ("NET_ADMIN", "SYS_ADMIN")

_IMAGE_ARCHITECTURES = {"x86_64": "amd64", "amd64": "amd64", "aarch64": "arm64", "arm64": "arm64"}
_PROGRAM_FILES = {"amd64": "holder-x86_64", "arm64": "holder-aarch64"}

# A made image has no time of making; engines need one, and show it as "years ago".
_CREATED = "1970-01-01T00:00:00Z"


class HolderUnavailableError(Exception):
    """There is no holder for the engine's processor. The message says what to do."""


class ImageStore(Protocol):
    """What `ensure_holder_image` needs of an engine."""

    async def image_exists(self, reference: str) -> bool:
        """Say whether the engine has an image of that name."""
        ...

    async def load_image(self, archive: bytes) -> None:
        """Load an archive as `docker save` writes it."""
        ...


async def ensure_holder_image(store: ImageStore, architecture: str) -> str:
    """Have the holder's image on an engine and return its reference.

    Loading it twice at the same time does no harm. Raises HolderUnavailableError, and what `store` raises.
    """
    reference = holder_reference(architecture)
    if not await store.image_exists(reference):
        await store.load_image(holder_image_tar(architecture))
    return reference


def holder_reference(architecture: str) -> str:
    """Return the image's name, for example `pillion/holder:0a1b2c3d4e5f`.

    Args:
        architecture: the engine's, as Docker spells it (`x86_64`, `aarch64`) or as images do (`amd64`,
            `arm64`).

    Raises:
        HolderUnavailableError: there is no holder for it.
    """
    _, config = _layer_and_config(_image_architecture(architecture))
    return f"{REPOSITORY}:{_digest(config)[:_TAG_LENGTH]}"


def holder_image_tar(architecture: str) -> bytes:
    """Return the image as an archive for `POST /images/load` of Docker and Podman.

    Raises:
        HolderUnavailableError: there is no holder for that architecture.
    """
    layer, config = _layer_and_config(_image_architecture(architecture))
    config_name = f"{_digest(config)}.json"
    layer_name = f"{_digest(layer)}/layer.tar"
    manifest = [{"Config": config_name, "RepoTags": [holder_reference(architecture)], "Layers": [layer_name]}]
    members = {config_name: config, layer_name: layer, "manifest.json": _json(manifest)}
    return _tar(members, mode=0o644)


def stub_command(ports: Iterable[tuple[int, str]]) -> tuple[str, ...]:
    """Return the command that answers on ports, each a number with `tcp` or `udp`."""
    return (PROGRAM, "stub", *(f"{port}/{protocol}" for port, protocol in dict.fromkeys(ports)))


def relay_command(routes: Iterable[tuple[str, str]]) -> tuple[str, ...]:
    """Return the command that forwards TCP from `IP:PORT` to `IP:PORT` or `unix:PATH`, at most eight routes.

    A link-local address to listen at is made, without taking its port from anybody in the namespace; for
    that the container needs RELAY_CAPABILITIES.
    """
    return (PROGRAM, "relay", *(part for route in routes for part in route))


def _image_architecture(architecture: str) -> str:
    try:
        return _IMAGE_ARCHITECTURES[architecture.lower()]
    except KeyError:
        raise HolderUnavailableError(
            f"pillion's own pause program is built for x86_64 and aarch64, and this engine runs on "
            f"{architecture}. Use an engine on one of these (DOCKER_HOST), or build the program for "
            f"{architecture} with holder/build.sh of the pillion sources."
        ) from None


@cache
def _layer_and_config(image_architecture: str) -> tuple[bytes, bytes]:
    # Not importlib.resources: what that imports takes longer than all the rest here.
    program = Path(__file__).with_name(_PROGRAM_FILES[image_architecture]).read_bytes()
    layer = _tar({PROGRAM.lstrip("/"): program}, mode=0o755)
    config = {
        "architecture": image_architecture,
        "os": "linux",
        "created": _CREATED,
        "config": {"Cmd": list(PAUSE_COMMAND), "Labels": {"dev.pillion.image": "holder"}},
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{_digest(layer)}"]},
        "history": [{"created": _CREATED, "created_by": "pillion"}],
    }
    return layer, _json(config)


def _tar(members: Mapping[str, bytes], *, mode: int) -> bytes:
    import tarfile

    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            info.mode = mode
            tar.addfile(info, io.BytesIO(content))
    return archive.getvalue()


def _json(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":"), sort_keys=True).encode()


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
