"""Pulling by every behavior, from a registry of the test's own; building; and pillion's own image."""

from __future__ import annotations

import asyncio
import base64
import fcntl
import json
import os
import tempfile
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from engines.docker.conftest import PATIENCE_S
from engines.docker.making import BUSYBOX, container, pause, task
from engines.docker.registry import Registry
from pillion.core.lifecycle.states import PullBehavior
from pillion.core.plan.model import ImagePlan, TaskPlan
from pillion.engines.docker import labels
from pillion.engines.docker.client import DockerClient
from pillion.engines.docker.engine import DockerEngine
from pillion.engines.docker.retry import PULL
from pillion.engines.docker.task import DockerTask
from pillion.ports.engine import EngineError, ManifestAnswer, PullAnswer, PullProgress

# What they count is the engine's: they run one after the other.
pytestmark = [pytest.mark.docker, pytest.mark.slow, pytest.mark.xdist_group("images")]

BUILT = f"pillion-test/built-{os.getpid()}:1"
MARK = f"test-of={os.getpid()}"


@pytest.fixture(autouse=True)
def one_at_a_time() -> Iterator[None]:
    """Keep test processes from removing images while others make some: Docker 20.10 has hung over that."""
    with (Path(tempfile.gettempdir()) / "pillion-tests-images.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@pytest.fixture
async def registry(client: DockerClient) -> AsyncIterator[Registry]:
    made = Registry()
    await made.start()
    yield made
    await made.stop()
    await forget(client, f"{made.address}/app")


async def forget(client: DockerClient, repository: str) -> None:
    for image in await images_of(client, repository):
        await client.delete(f"images/{image}", params={"force": "1"}, deadline_s=180)


async def images_of(client: DockerClient, repository: str) -> list[str]:
    found = await client.get("images/json", params={"filters": labels.filters(reference=repository)})
    return [image["Id"] for image in found]


@dataclass
class Fetched:
    """What resolving and pulling one image came to."""

    manifest: ManifestAnswer
    pull: PullAnswer
    begun: int
    progress: list[PullProgress]


def plan_of(image: ImagePlan | str, behavior: PullBehavior = PullBehavior.DEFAULT) -> TaskPlan:
    wanted = ImagePlan(reference=image) if isinstance(image, str) else image
    return task(container("web", image=wanted), pull_behavior=behavior)


async def fetch(engine: DockerEngine, plan: TaskPlan) -> Fetched:
    opened = engine.open(plan)
    try:
        manifest = await opened.resolve_manifest("web")
        begun: list[None] = []
        progress: list[PullProgress] = []
        answer = await opened.pull("web", lambda: begun.append(None), progress.append)
        return Fetched(manifest, answer, len(begun), progress)
    finally:
        await opened.clean_up(keep=False)


async def fails(opened: DockerTask, *, at: str = "pull") -> EngineError:
    call = opened.resolve_manifest("web") if at == "manifest" else opened.pull("web", nothing, lambda p: None)
    with pytest.raises(EngineError) as failure:
        await call
    return failure.value


def nothing() -> None:
    """Take no notice of a pull that begins."""


async def test_an_image_is_pulled_by_its_digest_and_has_its_name(
    engine: DockerEngine, client: DockerClient, registry: Registry
) -> None:
    fetched = await fetch(engine, plan_of(registry.image))
    assert fetched.manifest == ManifestAnswer(digest=registry.digest, present=False)
    assert fetched.pull == PullAnswer(pulled=True, digest=registry.digest)
    assert fetched.begun == 1
    assert fetched.progress[-1].container == "web"
    assert fetched.progress[-1].status == "extracting"
    assert (await client.get(f"images/{registry.image}/json"))["RepoTags"] == [registry.image]


@pytest.mark.parametrize(
    ("behavior", "versions"),
    [
        (PullBehavior.DEFAULT, ["pulled", "pulled"]),
        (PullBehavior.ALWAYS, ["pulled", "pulled"]),
        (PullBehavior.ONCE, ["pulled", "here"]),
        (PullBehavior.PREFER_CACHED, ["pulled", "here"]),
    ],
)
async def test_whether_a_newer_image_is_pulled_is_the_behaviors_to_say(
    engine: DockerEngine, registry: Registry, behavior: PullBehavior, versions: list[str]
) -> None:
    first_digest = registry.digest
    first = await fetch(engine, plan_of(registry.image, behavior))
    registry.version = "2"
    second = await fetch(engine, plan_of(registry.image, behavior))
    expected = registry.digest if versions[1] == "pulled" else first_digest
    assert [first.pull.pulled, second.pull.pulled] == [word == "pulled" for word in versions]
    assert (second.manifest.digest, second.pull.digest) == (expected, expected)


async def test_once_pulls_an_image_that_came_by_another_way_and_remembers_it(
    tmp_path: Path, registry: Registry
) -> None:
    for behavior, pulled in ((PullBehavior.DEFAULT, True), (PullBehavior.ONCE, False)):
        engine = DockerEngine(state_folder=tmp_path)
        fetched = await fetch(engine, plan_of(registry.image, behavior))
        await engine.close()
        assert fetched.pull.pulled is pulled
    other = DockerEngine(state_folder=tmp_path / "another")
    assert (await fetch(other, plan_of(registry.image, PullBehavior.ONCE))).pull.pulled
    await other.close()


async def test_never_asks_no_registry_and_says_what_is_missing(
    engine: DockerEngine, registry: Registry
) -> None:
    opened = engine.open(plan_of(registry.image, PullBehavior.NEVER))
    assert await opened.resolve_manifest("web") == ManifestAnswer(digest=None, present=False)
    failure = await fails(opened)
    assert str(failure.error) == (
        f"CannotPullContainerError: image {registry.image} is not here, and it is not to be pulled"
    )
    assert registry.requests == []
    await opened.clean_up(keep=False)


async def test_an_image_by_digest_needs_no_lookup(engine: DockerEngine, registry: Registry) -> None:
    image = f"{registry.address}/app@{registry.digest}"
    fetched = await fetch(engine, plan_of(image))
    assert (fetched.manifest.digest, fetched.pull.digest) == (None, registry.digest)


async def test_an_image_that_the_registry_does_not_have_is_said_at_once(
    engine: DockerEngine, registry: Registry
) -> None:
    opened = engine.open(plan_of(f"{registry.address}/app:9"))
    lookup, pull = await fails(opened, at="manifest"), await fails(opened)
    asked = [item for item in registry.requests if item.endswith("/manifests/9")]
    assert len(asked) < 2 * PULL.attempts, "it is asked for again and again"
    assert lookup.error.name == "CannotPullImageManifestError"
    assert pull.error.name == "CannotPullContainerError"
    assert pull.error.text == "Error response from daemon: manifest unknown"
    assert not pull.cached
    await opened.clean_up(keep=False)


async def test_a_failed_pull_says_whether_an_older_image_is_here(
    engine: DockerEngine, registry: Registry
) -> None:
    await fetch(engine, plan_of(registry.image))
    registry.password = "secret"
    opened = engine.open(plan_of(registry.image))
    assert (await fails(opened)).cached
    await opened.clean_up(keep=False)


async def test_the_users_own_credentials_are_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, registry: Registry
) -> None:
    registry.password = "secret"
    auth = base64.b64encode(b"me:secret").decode()
    (tmp_path / "config.json").write_text(json.dumps({"auths": {registry.address: {"auth": auth}}}))
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    engine = DockerEngine()
    assert (await fetch(engine, plan_of(registry.image))).pull.pulled
    await engine.close()


async def test_a_pull_that_is_not_wanted_any_more_can_be_cancelled(
    engine: DockerEngine, registry: Registry
) -> None:
    registry.hang = True
    opened = engine.open(plan_of(registry.image))
    pull = asyncio.create_task(opened.pull("web", lambda: None, lambda progress: None))
    async with asyncio.timeout(PATIENCE_S):
        await registry.hangs.wait()
    pull.cancel()
    with pytest.raises(asyncio.CancelledError):
        await pull
    await opened.clean_up(keep=False)


async def test_containers_with_one_image_pull_it_once(engine: DockerEngine, registry: Registry) -> None:
    image = ImagePlan(reference=registry.image)
    plan = task(*(container(name, image=image) for name in "abc"))
    opened = engine.open(plan)
    answers = await asyncio.gather(*(opened.pull(name, lambda: None, lambda p: None) for name in "abc"))
    assert sorted(answer.pulled for answer in answers) == [False, False, True]
    await opened.clean_up(keep=False)


async def test_an_image_for_another_platform_does_not_count_as_here(engine: DockerEngine) -> None:
    plan = plan_of(ImagePlan(reference=BUSYBOX, platform="linux/s390x"), PullBehavior.NEVER)
    opened = engine.open(plan)
    assert str((await fails(opened)).error) == (
        f"CannotPullContainerError: image {BUSYBOX} is not here for linux/s390x, and it is not to be pulled"
    )
    await opened.clean_up(keep=False)


async def test_pillions_own_image_is_loaded_without_a_registry(
    engine: DockerEngine, client: DockerClient
) -> None:
    plan = task(pause())
    name = plan.containers[0].name
    opened = engine.open(plan)
    assert await opened.resolve_manifest(name) == ManifestAnswer(digest=None, present=True)
    assert await opened.pull(name, lambda: None, lambda p: None) == PullAnswer(pulled=False, digest=None)
    await opened.prepare("network")
    made = await opened.create(name, {})
    inspection = await client.get(f"containers/{made.runtime_id}/json")
    assert inspection["Config"]["Image"].startswith("pillion/holder:")
    assert made.image_id == inspection["Image"]
    await opened.clean_up(keep=False)


# Building


@pytest.fixture
async def folder(tmp_path: Path, client: DockerClient) -> AsyncIterator[Path]:
    context = tmp_path / "context"
    context.mkdir()
    (context / "Dockerfile").write_text(
        f"FROM {BUSYBOX}\nLABEL {MARK}\nCOPY hello /hello\nRUN grep -q . /hello\n"
    )
    (context / "hello").write_text("one\n")
    yield context
    await forget(client, BUILT.partition(":")[0])
    for image in await dangling(client):  # the last layer of a build that failed
        await client.delete(f"images/{image}", params={"force": "1"}, deadline_s=180)


async def dangling(client: DockerClient) -> list[str]:
    """Return the images that a build of this test has left without a name."""
    filters = labels.filters(dangling="true", label=MARK)
    return [image["Id"] for image in await client.get("images/json", params={"filters": filters})]


def built(folder: Path) -> TaskPlan:
    return plan_of(ImagePlan(reference="cloud.test/app:1", actual=BUILT, build_folder=str(folder)))


async def test_a_folder_is_built_when_it_has_changed_and_only_then(
    engine: DockerEngine, client: DockerClient, folder: Path
) -> None:
    ids = []
    for content in ("one\n", "one\n", "two\n"):
        (folder / "hello").write_text(content)
        await fetch(engine, built(folder))
        ids.append((await client.get(f"images/{BUILT}/json"))["Id"])
    assert ids[0] == ids[1] != ids[2]


async def test_a_build_says_what_it_does(engine: DockerEngine, folder: Path) -> None:
    fetched = await fetch(engine, built(folder))
    assert any(progress.status.startswith("building: Step 2/") for progress in fetched.progress)
    assert fetched.pull == PullAnswer(pulled=False, digest=None)


async def test_a_build_that_fails_shows_the_end_of_its_output(engine: DockerEngine, folder: Path) -> None:
    (folder / "hello").write_text("")
    opened = engine.open(built(folder))
    failure = (await fails(opened)).error
    await opened.clean_up(keep=False)
    assert failure.name == "CannotPullContainerError"
    assert failure.text.startswith(
        f"the build of {BUILT} failed: The command '/bin/sh -c grep -q . /hello' returned"
    )
    assert "RUN grep -q . /hello" in failure.text


async def test_a_folder_without_a_dockerfile_is_named(engine: DockerEngine, folder: Path) -> None:
    (folder / "Dockerfile").unlink()
    opened = engine.open(built(folder))
    failure = (await fails(opened)).error
    await opened.clean_up(keep=False)
    assert failure.text == f"cannot build {folder}: there is no Dockerfile: {folder}/Dockerfile"
