"""`repositoryCredentials`: an image of a registry that asks who is there, with a secret of local AWS."""

from __future__ import annotations

import asyncio
import io
import subprocess
import tarfile
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from engines.docker.registry import Registry
from scenarios.local_aws import seed, task
from scenarios.running import BUSYBOX, Pillion, definition, docker

# One after the other with all tests that pull and remove images: Docker 20.10 has hung over that.
pytestmark = [pytest.mark.docker, pytest.mark.slow, pytest.mark.xdist_group("images")]

SECRET = "arn:aws:secretsmanager:us-east-1:123456789012:secret:registry"
PASSWORD = "password-of-the-registry"


def busybox() -> bytes:
    """Return the program out of the image of that name."""
    container = docker("create", BUSYBOX)
    try:
        copied = subprocess.run(
            ["docker", "cp", f"{container}:/bin/busybox", "-"], capture_output=True, check=True
        )
    finally:
        docker("rm", container)
    with tarfile.open(fileobj=io.BytesIO(copied.stdout)) as archive:
        program = archive.extractfile("busybox")
        assert program is not None
        return program.read()


@pytest.fixture
def registry() -> Iterator[Registry]:
    """Serve a registry beside the test that lets in only who knows the password."""
    made = Registry()
    made.password, made.program = PASSWORD, busybox()
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        asyncio.run_coroutine_threadsafe(made.start(), loop).result()
        yield made
    finally:
        asyncio.run_coroutine_threadsafe(made.stop(), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
        subprocess.run(["docker", "rmi", "--force", made.image], capture_output=True, check=False)


def private(registry: Registry) -> dict[str, Any]:
    return {
        "name": "app",
        "image": registry.image,
        "memory": 64,
        "command": ["/busybox", "echo", "from the registry"],
        "repositoryCredentials": {"credentialsParameter": SECRET},
    }


def test_an_image_is_pulled_with_the_user_and_password_of_the_secret(
    pillion: Pillion, registry: Registry
) -> None:
    seed(pillion, f'[aws.secrets]\n"{SECRET}" = {{ username = "me", password = "{PASSWORD}" }}\n')
    run = pillion.run(task(private(registry)))
    assert (run.exit_code, run.messages("app")) == (0, ["from the registry"])
    assert run.container("app")["imageDigest"] == registry.digest
    assert PASSWORD not in run.errors


def test_without_the_secret_the_task_stops_with_the_agents_text_and_nothing_is_pulled(
    pillion: Pillion, registry: Registry
) -> None:
    run = pillion.run(task(private(registry)))
    assert (run.exit_code, run.task["stopCode"]) == (125, "TaskFailedToStart")
    assert run.task["stoppedReason"].startswith(
        f"Asm fetching secret from the service for {SECRET}: ResourceNotFoundException: "
    )
    assert f"local AWS does not have {SECRET}: write it under [aws.secrets] in pillion.toml" in run.errors
    assert registry.requests == []


def test_a_password_that_the_registry_does_not_know_is_a_pull_that_failed(
    pillion: Pillion, registry: Registry
) -> None:
    seed(pillion, f'[aws.secrets]\n"{SECRET}" = {{ username = "me", password = "another-password" }}\n')
    run = pillion.run(task(private(registry)))
    assert (run.exit_code, run.task["stopCode"]) == (125, "TaskFailedToStart")
    reason = "CannotPullImageManifestError: Error response from daemon: unauthorized"
    assert run.container("app")["reason"] == reason
    assert "another-password" not in str(run.lines) + run.errors


def test_without_an_execution_role_there_is_nobody_to_fetch_the_secret(
    pillion: Pillion, registry: Registry
) -> None:
    run = pillion.run(definition(private(registry)))
    assert (run.exit_code, run.task["stopCode"]) == (125, "TaskFailedToStart")
    assert run.task["stoppedReason"] == "Asm resource: unable to find execution role credentials"
