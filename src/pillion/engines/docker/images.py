"""Images: whether one has to be fetched, built or made, and what is known of those that are here.

Shared by all tasks of an engine. The pull behaviors are those of the ECS agent (ECS_IMAGE_PULL_BEHAVIOR)
and `never`. How a pull goes is in `pulling`, how a folder is built in `building`.
"""

from __future__ import annotations

import asyncio
import os
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from pillion.core.lifecycle.states import PullBehavior
from pillion.core.plan.model import ContainerPlan, ImagePlan, TaskPlan
from pillion.engines.docker.client import DockerClient
from pillion.engines.docker.credentials import RegistryCredentials, config_path, find_credentials
from pillion.engines.docker.errors import ApiError, DeadlinePassedError, named
from pillion.engines.docker.holder import HolderUnavailableError, ensure_holder_image
from pillion.engines.docker.holder.image import REPOSITORY
from pillion.engines.docker.pulled import PulledImages
from pillion.engines.docker.pulling import look_up_digest, pull_image
from pillion.engines.docker.references import parse_reference
from pillion.ports.engine import Capabilities, EngineError, ManifestAnswer, ProgressSink, PullAnswer

LOAD_DEADLINE_S = 300.0

Inspection = dict[str, Any]


class Images:
    """The images of one engine.

    Images with repositoryCredentials are pulled with what `log_in` was given; all others with the user's own
    credentials.
    """

    def __init__(
        self,
        client: DockerClient,
        *,
        capabilities: Callable[[], Awaitable[Capabilities]],
        state_folder: Path | None = None,
        docker_config: Path | None = None,
    ) -> None:
        self._client = client
        self._capabilities = capabilities
        self._config = docker_config or config_path(os.environ)
        self._pulled = PulledImages(state_folder)
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._found: dict[tuple[str, str], Inspection] = {}
        self._digests: dict[tuple[str, str], str] = {}
        self._ids: dict[str, str] = {}
        self._environments: dict[str, dict[str, str]] = {}
        self._logins: dict[str, tuple[str, str]] = {}
        self._holder: str | None = None

    def reference(self, image: ImagePlan) -> str:
        """Return what the engine is given as the image; pillion's own has the name of its content."""
        if _is_holder(image) and self._holder is not None:
            return self._holder
        return image.used

    def image_id(self, image: ImagePlan) -> str | None:
        """Return the id of an image that was looked at."""
        return self._ids.get(self.reference(image))

    def environment(self, image: ImagePlan) -> Mapping[str, str]:
        """Return the environment of an image that was looked at."""
        return self._environments.get(self.reference(image), {})

    def log_in(self, image: ImagePlan, username: str, password: str) -> None:
        """Use these credentials wherever this image's repositoryCredentials are meant."""
        if image.repository_credentials:
            self._logins[image.repository_credentials] = (username, password)

    async def recall(self, image: ImagePlan) -> None:
        """Know an image that another process had here: its id, its environment, the name of pillion's own.

        What cannot be found out is left to the create call, which says more.
        """
        with suppress(EngineError, ApiError, DeadlinePassedError):
            if _is_holder(image):
                await self.holder()
            else:
                await self._inspect(image.used)

    async def resolve(self, task: TaskPlan, container: ContainerPlan) -> ManifestAnswer:
        """Find an image's digest: from the registry if it is going to be pulled, else from what is here.

        Raises EngineError (CannotPullImageManifestError).
        """
        image, key = container.image, (task.identity.task_id, container.name)
        if image.local or image.build_folder is not None:
            return ManifestAnswer(digest=None, present=True)
        found = await self._find(image, "CannotPullImageManifestError")
        if not self._needs_pull(task.pull_behavior, image, found):
            if found is not None:
                self._found[key] = found
            return ManifestAnswer(digest=_digest(found), present=found is not None)
        reference = parse_reference(image.used)
        if reference.digest is not None or (await self._capabilities()).name == "podman":
            return ManifestAnswer(digest=None, present=found is not None)  # Podman has no such call
        headers = await self._headers(image)
        try:
            digest = await look_up_digest(self._client, image.used, headers)
        except EngineError as error:
            raise _cached(error, found) from error
        if digest is not None:
            self._digests[key] = digest
        return ManifestAnswer(digest=digest, present=found is not None)

    async def pull(
        self, task: TaskPlan, container: ContainerPlan, started: Callable[[], None], progress: ProgressSink
    ) -> PullAnswer:
        """Have the image here: pull, build or make it, if that is needed.

        Raises EngineError (CannotPullContainerError and the like).
        """
        image, key = container.image, (task.identity.task_id, container.name)
        digest, found = self._digests.pop(key, None), self._found.pop(key, None)
        if image.local:
            return await self._have_local(image)
        async with self._locks[image.used]:  # what one container fetches, the others of the task find here
            if image.build_folder is not None:
                return await self._build(container, image.build_folder, progress)
            found = found or await self._find(image, "CannotPullContainerError")
            if not self._needs_pull(task.pull_behavior, image, found):
                return PullAnswer(pulled=False, digest=_digest(_present(image, found)))
            started()
            try:
                await pull_image(
                    self._client,
                    parse_reference(image.used),
                    image=image.used,
                    digest=digest,
                    platform=image.platform,
                    headers=await self._headers(image),
                    progress=progress,
                    container=container.name,
                )
            except EngineError as error:
                raise _cached(error, found) from error
            self._pulled.add(image.used)
            return PullAnswer(pulled=True, digest=_digest(await self._inspect(image.used)) or digest)

    async def is_at_hand(self, task: TaskPlan, container: ContainerPlan) -> bool:
        """Say whether a container's image is here before it is asked for. Raises EngineError."""
        image = container.image
        if _is_holder(image):
            return self._holder is not None
        if image.build_folder is not None:
            return False
        found = await self._find(image, "CannotPullContainerError")
        return found is not None and not self._needs_pull(task.pull_behavior, image, found)

    async def image_exists(self, reference: str) -> bool:
        """Say whether the engine has an image."""
        return await self._inspect(reference) is not None

    async def load_image(self, archive: bytes) -> None:
        """Load an image from an archive."""
        await self._client.post(
            "images/load",
            params={"quiet": "1"},
            body=archive,
            headers={"Content-Type": "application/x-tar"},
            deadline_s=LOAD_DEADLINE_S,
        )

    def _needs_pull(self, behavior: PullBehavior, image: ImagePlan, found: Inspection | None) -> bool:
        match behavior:
            case PullBehavior.NEVER:
                return False
            case PullBehavior.PREFER_CACHED:
                return found is None
            case PullBehavior.ONCE:
                return found is None or image.used not in self._pulled
            case _:
                return True

    async def holder(self) -> str:
        """Have pillion's own image here and return its name. Raises EngineError."""
        try:
            return await self._ensure_holder()
        except HolderUnavailableError as error:
            raise EngineError("CannotPullContainerError", str(error)) from error
        except (ApiError, DeadlinePassedError) as error:
            raise named(error, "CannotPullContainerError", reaching="pulled") from error

    async def _ensure_holder(self) -> str:
        if self._holder is None:
            self._holder = await ensure_holder_image(self, (await self._capabilities()).architecture)
        return self._holder

    async def _have_local(self, image: ImagePlan) -> PullAnswer:
        try:
            if _is_holder(image):
                await self._ensure_holder()
            else:
                _present(image, await self._inspect(image.used))
        except HolderUnavailableError as error:
            raise EngineError("CannotPullContainerError", str(error)) from error
        except (ApiError, DeadlinePassedError) as error:
            raise named(error, "CannotPullContainerError", reaching="pulled") from error
        return PullAnswer(pulled=False, digest=None)

    async def _build(self, container: ContainerPlan, folder: str, progress: ProgressSink) -> PullAnswer:
        from pillion.engines.docker.building import build_image

        image = container.image
        await build_image(
            self._client,
            folder=Path(folder),
            tag=image.used,
            platform=image.platform,
            config=self._config,
            label_of=self._label_of,
            container=container.name,
            progress=progress,
        )
        return PullAnswer(pulled=False, digest=None)

    async def _label_of(self, reference: str, label: str) -> str | None:
        found = await self._inspect(reference)
        labels = ((found or {}).get("Config") or {}).get("Labels") or {}
        value: str | None = labels.get(label)
        return value

    async def _headers(self, image: ImagePlan) -> dict[str, str]:
        key = parse_reference(image.used).credentials_key
        login = self._logins.get(image.repository_credentials or "")
        credentials: RegistryCredentials | None
        if login is not None:
            credentials = RegistryCredentials(registry=key, username=login[0], password=login[1])
        else:
            credentials = await find_credentials(self._config, key)
        return {} if credentials is None else {"X-Registry-Auth": credentials.header()}

    async def _find(self, image: ImagePlan, name: str) -> Inspection | None:
        """Return what is here under the image's name, unless it is for another platform."""
        try:
            found = await self._inspect(image.used)
        except (ApiError, DeadlinePassedError) as error:
            raise named(error, name, reaching="pulled") from error
        if found is not None and image.platform and not _is_for(found, image.platform):
            return None
        return found

    async def _inspect(self, reference: str) -> Inspection | None:
        try:
            found: Inspection = await self._client.get(f"images/{reference}/json")
        except ApiError as error:
            if error.is_missing:
                return None
            raise
        self._ids[reference] = found["Id"]
        declared = (found.get("Config") or {}).get("Env") or ()
        self._environments[reference] = dict(item.split("=", 1) for item in declared if "=" in item)
        return found


def _is_holder(image: ImagePlan) -> bool:
    return image.local and image.used == REPOSITORY


def _present(image: ImagePlan, found: Inspection | None) -> Inspection:
    if found is None:
        platform = f" for {image.platform}" if image.platform else ""
        text = f"image {image.used} is not here{platform}, and it is not to be pulled"
        raise EngineError("CannotPullContainerError", text)
    return found


def _cached(error: EngineError, found: Inspection | None) -> EngineError:
    return EngineError(error.error.name, error.error.text, cached=found is not None)


def _is_for(image: Inspection, platform: str) -> bool:
    system, _, architecture = platform.partition("/")
    return (image.get("Os"), image.get("Architecture")) == (system, architecture)


def _digest(image: Inspection | None) -> str | None:
    digests = (image or {}).get("RepoDigests") or []
    return digests[0].partition("@")[2] if digests else None
