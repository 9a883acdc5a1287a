"""Image references: which registry, repository, tag and digest a name means. Pure; the rules are Docker's."""

from __future__ import annotations

from msgspec import Struct

DOCKER_HUB = "docker.io"
DOCKER_HUB_KEY = "https://index.docker.io/v1/"
"""Under which name Docker's configuration keeps the credentials of Docker Hub."""


class Reference(Struct, frozen=True, kw_only=True):
    """A reference in parts. `name` is what was written, without tag and digest."""

    registry: str
    name: str
    tag: str | None
    digest: str | None

    @property
    def tag_or_latest(self) -> str:
        """The tag; an image without one means `latest`."""
        return self.tag or "latest"

    @property
    def credentials_key(self) -> str:
        """The name under which Docker's configuration keeps this registry's credentials."""
        return DOCKER_HUB_KEY if self.registry == DOCKER_HUB else self.registry


def parse_reference(text: str) -> Reference:
    """Split an image reference. Anything is accepted: what is wrong with it is for the engine to say."""
    rest, _, digest = text.partition("@")
    head, slash, last = rest.rpartition("/")
    last, _, tag = last.partition(":")
    name = f"{head}{slash}{last}"
    first, slash, _ = name.partition("/")
    is_registry = bool(slash) and ("." in first or ":" in first or first == "localhost")
    return Reference(
        registry=first if is_registry else DOCKER_HUB, name=name, tag=tag or None, digest=digest or None
    )
