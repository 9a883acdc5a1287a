"""`--build`: an image made from a folder, whenever what is in the folder has changed.

The image carries the hash of what it was built from as a label, so an unchanged folder costs one look. The
engine's own builder does the work (`POST /build`); nothing but the engine is needed.
"""

from __future__ import annotations

import asyncio
import hashlib
import io
import json
import os
import tarfile
import tempfile
from collections import deque
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import IO

from pillion.engines.docker import labels
from pillion.engines.docker.client import DockerClient
from pillion.engines.docker.credentials import encode, from_config
from pillion.engines.docker.dockerignore import is_ignored, parse_patterns
from pillion.engines.docker.errors import ApiError
from pillion.ports.engine import EngineError, ProgressSink, PullProgress

DOCKERFILE = "Dockerfile"
OUTPUT_LINES = 15
"""How much of a failed build's output is shown."""

SPOOL_BYTES = 16 << 20
"""A larger context is kept on disk while it is sent."""

_ALWAYS_SENT = {DOCKERFILE, ".dockerignore"}


async def build_image(
    client: DockerClient,
    *,
    folder: Path,
    tag: str,
    platform: str | None,
    config: Path,
    label_of: Callable[[str, str], Awaitable[str | None]],
    container: str,
    progress: ProgressSink,
) -> None:
    """Build `folder` as `tag`, unless that was built from the same files.

    Args:
        client: the engine.
        folder: the build context; its Dockerfile is called `Dockerfile`.
        tag: the image's name.
        platform: as in `ImagePlan`.
        config: Docker's configuration, whose credentials the base images may need.
        label_of: returns a label of an image that is here.
        container: for whom; named in the progress.
        progress: told what the builder says.

    Raises:
        EngineError: CannotPullContainerError, with the end of the builder's output.
    """
    try:
        context = await asyncio.to_thread(_digest_of, folder, platform)
        if await label_of(tag, labels.BUILD_CONTEXT) == context:
            return
        with tempfile.SpooledTemporaryFile(SPOOL_BYTES) as archive:
            await asyncio.to_thread(_pack, folder, archive)
            await _send(client, archive, tag, platform, context, config, container, progress)
    except OSError as error:
        text = f"cannot build {folder}: {error.strerror or error}: {error.filename or ''}".rstrip(": ")
        raise EngineError("CannotPullContainerError", text) from error
    except ApiError as error:
        raise EngineError(
            "CannotPullContainerError", f"cannot build {folder}: {error.as_docker_says}"
        ) from error


async def _send(
    client: DockerClient,
    archive: IO[bytes],
    tag: str,
    platform: str | None,
    context: str,
    config: Path,
    container: str,
    progress: ProgressSink,
) -> None:
    parameters = {
        "t": tag,
        "rm": "1",
        "forcerm": "1",
        "labels": json.dumps({labels.BUILD_CONTEXT: context}),
        **({"platform": platform} if platform else {}),
    }
    headers = {"Content-Type": "application/x-tar", "X-Registry-Config": _registry_config(config)}
    output: deque[str] = deque(maxlen=OUTPUT_LINES)
    async with client.stream("POST", "build", params=parameters, body=archive, headers=headers) as stream:
        async for message in stream.json_lines():
            said = str(message.get("stream", "")).rstrip()
            if said:
                output.extend(said.splitlines())
                progress(PullProgress(container=container, image=tag, status=f"building: {output[-1]}"))
            if "error" in message:
                end = "\n".join(output)
                text = f"the build of {tag} failed: {message['error']}\n{end}"
                raise EngineError("CannotPullContainerError", text)


def _registry_config(config: Path) -> str:
    """Return the credentials of every registry that stand in Docker's configuration, for base images."""
    try:
        content = json.loads(config.read_bytes())
        keys = list(content.get("auths") or {})
    except (OSError, ValueError, AttributeError):
        return encode({})
    found = {key: from_config(content, key) for key in keys}
    return encode({key: entry.as_json() for key, entry in found.items() if entry is not None})


def _files(folder: Path) -> Iterator[tuple[str, Path]]:
    """Yield what belongs to the build, in a fixed order. Raises FileNotFoundError without a Dockerfile."""
    if not (folder / DOCKERFILE).is_file():
        raise FileNotFoundError(2, "there is no Dockerfile", str(folder / DOCKERFILE))
    ignore = folder / ".dockerignore"
    patterns = parse_patterns(ignore.read_text(encoding="utf-8")) if ignore.is_file() else ()
    for parent, folders, names in os.walk(folder):
        folders.sort()
        links = [name for name in folders if (Path(parent) / name).is_symlink()]
        for name in sorted([*names, *folders]):
            path = Path(parent) / name
            relative = path.relative_to(folder).as_posix()
            is_plain_folder = name in folders and name not in links
            if relative in _ALWAYS_SENT or not is_ignored(relative, patterns):
                yield relative, path
            elif is_plain_folder and not any(pattern.keeps for pattern in patterns):
                folders.remove(name)  # nothing in it can come back


def _digest_of(folder: Path, platform: str | None) -> str:
    digest = hashlib.sha256((platform or "").encode())
    for name, path in _files(folder):
        status = path.lstat()
        digest.update(f"\0{name}\0{status.st_mode:o}\0".encode())
        if path.is_symlink():
            digest.update(os.fsencode(path.readlink()))
        elif path.is_file():
            with path.open("rb") as file:
                digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()


def _pack(folder: Path, archive: IO[bytes]) -> None:
    with tarfile.open(fileobj=archive, mode="w") as tar:
        for name, path in _files(folder):
            member = tar.gettarinfo(path, name)
            member.uid = member.gid = 0
            member.uname = member.gname = ""
            if member.isreg():
                with path.open("rb") as file:
                    tar.addfile(member, file)
            else:
                tar.addfile(member, io.BytesIO())
    archive.seek(0)
