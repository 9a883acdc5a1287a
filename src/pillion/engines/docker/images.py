"""Images: whether to pull, pulling with progress, and what is here."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from pillion.core.plan.model import ContainerPlan, ImagePlan, TaskPlan
from pillion.engines.docker.client import DockerClient
from pillion.engines.docker.errors import ApiError
from pillion.engines.docker.holder import ensure_holder_image
from pillion.engines.docker.holder.image import REPOSITORY
from pillion.ports.engine import Capabilities, EngineError, ManifestAnswer, ProgressSink, PullAnswer

LOAD_DEADLINE_S = 300.0


class Images:
    """The images of one engine, shared by all its tasks."""

    def __init__(
        self, client: DockerClient, capabilities: Callable[[], Coroutine[Any, Any, Capabilities]]
    ) -> None:
        self._client = client
        self._capabilities = capabilities
        self._ids: dict[str, str] = {}
        self._holder: str | None = None

    def reference(self, image: ImagePlan) -> str:
        """Return what the engine is to be given as the image."""
        if image.local and image.used == REPOSITORY and self._holder is not None:
            return self._holder
        return image.used

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

    def image_id(self, image: ImagePlan) -> str | None:
        """Return the id of an image that was looked at."""
        return self._ids.get(self.reference(image))

    async def resolve(self, task: TaskPlan, container: ContainerPlan) -> ManifestAnswer:
        """Find the digest."""
        if container.image.local and container.image.used == REPOSITORY:
            self._holder = await ensure_holder_image(self, (await self._capabilities()).architecture)
        found = await self._inspect(self.reference(container.image))
        return ManifestAnswer(digest=_digest(found), present=found is not None)

    async def pull(
        self, task: TaskPlan, container: ContainerPlan, started: Callable[[], None], progress: ProgressSink
    ) -> PullAnswer:
        """Have the image here."""
        found = await self._inspect(self.reference(container.image))
        if found is None:
            raise EngineError("CannotPullContainerError", f"no such image: {container.image.used}")
        return PullAnswer(pulled=False, digest=_digest(found))

    async def _inspect(self, reference: str) -> dict[str, Any] | None:
        try:
            found: dict[str, Any] = await self._client.get(f"images/{reference}/json")
        except ApiError as error:
            if error.is_missing:
                return None
            raise
        self._ids[reference] = found["Id"]
        return found


def _digest(image: dict[str, Any] | None) -> str | None:
    digests = (image or {}).get("RepoDigests") or []
    return digests[0].partition("@")[2] if digests else None
