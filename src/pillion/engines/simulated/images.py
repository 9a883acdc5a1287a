"""The images of a simulated machine: what is here, what a registry would answer, what a pull brings.

The pull behaviours are those of the ECS agent, and `never` for work offline. Nothing here knows the time:
each question is answered with how long it takes and what it comes to.
"""

from __future__ import annotations

import hashlib
import re
from typing import NamedTuple

from pillion.core.lifecycle import events as ev
from pillion.core.lifecycle.states import PullBehavior
from pillion.engines.simulated.scene import Role, Scene

REGISTRY_S = 0.2
LOCAL_S = 0.001
"""How long looking up an image takes, in its registry and here."""

_DAEMON = "Error response from daemon: "
_ERROR_NAME = re.compile(r"([A-Za-z]+Error): (.*)", re.DOTALL)


class Answer(NamedTuple):
    """What a question about an image comes to, after so many seconds."""

    takes_s: float
    event: ev.Event


class Images:
    """The images of one machine, by reference."""

    def __init__(self, scene: Scene) -> None:
        self._behavior = scene.pull_behavior
        self._here = {role.image for role in scene.roles if role.behaviour.image_present}

    def is_here(self, role: Role) -> bool:
        """Say whether a container can be made of the role's image."""
        return role.local_image or role.image in self._here

    def asks_registry(self, role: Role) -> bool:
        """Say whether the pull behaviour wants the registry to be asked."""
        if role.local_image or self._behavior is PullBehavior.NEVER:
            return False
        return self._behavior is not PullBehavior.PREFER_CACHED or role.image not in self._here

    def manifest(self, role: Role, error: ev.NamedError | None) -> Answer:
        """Look up the manifest; `error` is what the registry fails with beside the script."""
        asks = self.asks_registry(role)
        text = role.behaviour.manifest_error
        if asks and error is None and text is not None:
            error = named_error("CannotPullImageManifestError", text)
        if asks and error is not None:
            cached = role.image in self._here
            return Answer(REGISTRY_S, ev.ManifestFailed(container=role.name, error=error, cached=cached))
        known = (asks or role.image in self._here) and "@sha256:" not in role.image
        digest = image_digest(role) if known else None
        return Answer(
            REGISTRY_S if asks else LOCAL_S, ev.ManifestResolved(container=role.name, digest=digest)
        )

    def pull(self, role: Role, error: ev.NamedError | None) -> Answer:
        """Pull the image; `error` is what the pull fails with beside the script. Changes nothing yet."""
        if not self.asks_registry(role):
            return Answer(LOCAL_S, self._not_pulled(role))
        text = role.behaviour.pull_error
        if error is None and text is not None:
            error = named_error("CannotPullContainerError", text)
        if error is not None:
            cached = role.image in self._here
            failed = ev.PullFailed(container=role.name, error=error, cached=cached)
            return Answer(role.behaviour.pull_s, failed)
        return Answer(role.behaviour.pull_s, ev.Pulled(container=role.name, digest=image_digest(role)))

    def arrive(self, role: Role) -> None:
        """The image has been pulled."""
        self._here.add(role.image)

    def _not_pulled(self, role: Role) -> ev.Event:
        if self.is_here(role):
            return ev.Pulled(container=role.name, pulled=False, digest=image_digest(role))
        error = ev.NamedError(name="CannotPullContainerError", text=no_image(role))
        return ev.PullFailed(container=role.name, error=error, cached=False)


def image_digest(role: Role) -> str | None:
    """Return the digest of an image; None for one that is made here."""
    return None if role.local_image else f"sha256:{hex_of(role.image)}"


def image_id(role: Role) -> str:
    """Return the id that an engine gives an image."""
    return f"sha256:{hex_of('id', role.image)}"


def no_image(role: Role) -> str:
    """Return what an engine says of an image that is not here."""
    return daemon_error(f"No such image: {role.image}")


def daemon_error(text: str) -> str:
    """Return an error of the engine as the ECS agent words it."""
    return f"{_DAEMON}{text}"


def named_error(usual_name: str, text: str) -> ev.NamedError:
    """Return a scripted error; a text that begins with the name of an error carries that name."""
    match = _ERROR_NAME.fullmatch(text)
    return ev.NamedError(name=match[1], text=match[2]) if match else ev.NamedError(name=usual_name, text=text)


def hex_of(*parts: str) -> str:
    """Return 64 hex digits that belong to these words, as ids and digests have."""
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()
