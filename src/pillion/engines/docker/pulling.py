"""One image pull: the call, its time limits, its retries, and the words of its failures.

The limits and pauses are the ECS agent's. Unlike the agent, an answer that cannot change (no such image,
access denied, a name that is none) is not asked for five times: whoever mistyped a tag should not wait
13 seconds to hear of it.
"""

from __future__ import annotations

import asyncio
import random
import re
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from pillion.engines.docker.client import DockerClient
from pillion.engines.docker.errors import ApiError, DeadlinePassedError, duration
from pillion.engines.docker.progress import LayerProgress
from pillion.engines.docker.references import Reference
from pillion.engines.docker.retry import MANIFEST, PULL, Backoff, pauses_s
from pillion.ports.engine import EngineError, PullProgress

FIRST_BYTE_S = 300.0
INACTIVITY_S = 60.0
TOTAL_S = 7200.0
MANIFEST_S = 60.0
TAG_S = 30.0
"""The agent's limits: for the first message of a pull, between two, in all; for a lookup and a tag."""

ALREADY_TAGGED = 409

_DEFINITE = re.compile(
    r"manifest unknown|not found|denied|unauthorized|invalid reference format|no basic auth credentials"
    r"|no matching manifest|repository does not exist|does not match the specified platform",
    re.IGNORECASE,
)
_ADVICE = (
    (
        re.compile(r"denied: User: .* is not authorized to perform: ecr:BatchGetImage on resource"),
        "Check that the role has the permissions to pull images from the registry.",
    ),
    (re.compile(r"denied: requested access to the resource is denied"), "Check whether the image exists."),
    (
        re.compile(r"request canceled while waiting for connection"),
        "Check your network configuration.",
    ),
)
_ECR_LAYER = re.compile(r"https?://\S*prod-\S*starport\S*|https?://\S*\.dkr\.ecr\.\S*X-Amz-\S*")

Answer = TypeVar("Answer")
Headers = dict[str, str]


def decorate(text: str, image: str) -> str:
    """Return the text of a failed pull as the ECS agent words it: with advice, without signed addresses."""
    text = _ECR_LAYER.sub(f"REDACTED ECR URL related to {image}", text)
    for pattern, advice in _ADVICE:
        if pattern.search(text):
            return f"The task can’t pull the image. {advice} {text}"
    return text


def is_definite(error: ApiError) -> bool:
    """Say whether asking once more cannot help."""
    return _DEFINITE.search(error.message) is not None


async def look_up_digest(client: DockerClient, image: str, headers: Headers) -> str | None:
    """Ask the registry for the digest of an image. Raises EngineError (CannotPullImageManifestError)."""

    async def ask() -> str | None:
        path = f"distribution/{image}/json"
        answer = await client.get(path, headers=headers, deadline_s=MANIFEST_S)
        return (answer.get("Descriptor") or {}).get("digest")

    try:
        return await _again_and_again(ask, MANIFEST)
    except ApiError as error:
        text = decorate(error.as_docker_says, image)
        raise EngineError("CannotPullImageManifestError", text) from error
    except DeadlinePassedError as error:
        text = f"Could not transition to MANIFEST_PULLED; timed out after waiting {duration(MANIFEST_S)}"
        raise EngineError("DockerTimeoutError", text) from error


async def pull_image(
    client: DockerClient,
    reference: Reference,
    *,
    image: str,
    digest: str | None,
    platform: str | None,
    headers: Headers,
    progress: Callable[[PullProgress], None],
    container: str,
) -> None:
    """Pull an image, by its digest where that is known, and give it the name that was asked for.

    Raises EngineError (CannotPullContainerError, DockerTimeoutError).
    """
    parameters = {"fromImage": reference.name, "tag": digest or reference.digest or reference.tag_or_latest}
    if platform:
        parameters["platform"] = platform

    async def pull() -> None:
        layers = LayerProgress(container, image)
        async with asyncio.timeout(TOTAL_S):
            await _pull_once(client, parameters, headers, lambda message: progress(layers.take(message)))
            if digest is not None and reference.digest is None:
                await _tag(client, reference, digest)

    try:
        await _again_and_again(pull, PULL)
    except ApiError as error:
        raise EngineError("CannotPullContainerError", decorate(error.as_docker_says, image)) from error
    except TimeoutError as error:
        text = f"Could not transition to pulled; timed out after waiting {duration(TOTAL_S)}"
        raise EngineError("DockerTimeoutError", text) from error


async def _pull_once(
    client: DockerClient,
    parameters: dict[str, str],
    headers: Headers,
    take: Callable[[dict[str, Any]], None],
) -> None:
    heard = False
    try:
        async with (
            asyncio.timeout(FIRST_BYTE_S) as limit,
            client.stream("POST", "images/create", params=parameters, headers=headers) as stream,
        ):
            async for message in stream.json_lines():
                heard = True
                limit.reschedule(asyncio.get_running_loop().time() + INACTIVITY_S)
                error = message.get("errorDetail") or message.get("error")
                if error:
                    raise ApiError(0, error["message"] if isinstance(error, dict) else str(error))
                take(message)
    except TimeoutError:
        if not limit.expired():
            raise
        if heard:
            raise ApiError(0, "inactivity time exceeded timeout while pulling image") from None
        text = f"Could not transition to pullBegin; timed out after waiting {duration(FIRST_BYTE_S)}"
        raise EngineError("DockerTimeoutError", text) from None


async def _tag(client: DockerClient, reference: Reference, digest: str) -> None:
    parameters = {"repo": reference.name, "tag": reference.tag_or_latest}
    path = f"images/{reference.name}@{digest}/tag"
    await client.post(path, params=parameters, deadline_s=TAG_S)


async def _again_and_again(call: Callable[[], Awaitable[Answer]], backoff: Backoff) -> Answer:
    for pause_s in pauses_s(backoff, random.random):
        try:
            return await call()
        except ApiError as error:
            if is_definite(error):
                raise
        except DeadlinePassedError:
            pass
        await asyncio.sleep(pause_s)
    return await call()
