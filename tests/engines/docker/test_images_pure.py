"""References, credentials, progress, retries and the words of failed pulls."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from pillion.engines.docker.credentials import RegistryCredentials, config_path, find_credentials, from_config
from pillion.engines.docker.errors import ApiError
from pillion.engines.docker.progress import LayerProgress
from pillion.engines.docker.pulled import PulledImages
from pillion.engines.docker.pulling import decorate, is_definite
from pillion.engines.docker.references import DOCKER_HUB_KEY, Reference, parse_reference
from pillion.engines.docker.retry import MANIFEST, PULL, STOP, pauses_s
from pillion.ports.engine import PullProgress


@pytest.mark.parametrize(
    ("text", "registry", "name", "tag", "digest"),
    [
        ("nginx", "docker.io", "nginx", None, None),
        ("nginx:1.25", "docker.io", "nginx", "1.25", None),
        ("library/nginx", "docker.io", "library/nginx", None, None),
        ("localhost/app:1", "localhost", "localhost/app", "1", None),
        ("127.0.0.1:5000/a/b:1", "127.0.0.1:5000", "127.0.0.1:5000/a/b", "1", None),
        ("host:5000/app", "host:5000", "host:5000/app", None, None),
        ("r.test/app@sha256:ab", "r.test", "r.test/app", None, "sha256:ab"),
        ("r.test/app:1@sha256:ab", "r.test", "r.test/app", "1", "sha256:ab"),
    ],
)
def test_a_reference_is_read_as_docker_reads_it(
    text: str, registry: str, name: str, tag: str | None, digest: str | None
) -> None:
    assert parse_reference(text) == Reference(registry=registry, name=name, tag=tag, digest=digest)


def test_an_image_without_a_tag_is_the_latest() -> None:
    assert (parse_reference("nginx").tag_or_latest, parse_reference("nginx:1").tag_or_latest) == (
        "latest",
        "1",
    )


def test_docker_hubs_credentials_have_a_name_of_their_own() -> None:
    assert parse_reference("nginx").credentials_key == DOCKER_HUB_KEY
    assert parse_reference("r.test/app").credentials_key == "r.test"


AUTH = base64.b64encode(b"me:pass:word").decode()


@pytest.mark.parametrize("key", ["r.test", "https://r.test", "https://r.test/v1/"])
def test_credentials_of_the_configuration_are_found_by_host(key: str) -> None:
    found = from_config({"auths": {key: {"auth": AUTH}}}, "r.test")
    assert found == RegistryCredentials(registry="r.test", username="me", password="pass:word")


@pytest.mark.parametrize(
    "config", [{}, {"auths": {"other": {"auth": AUTH}}}, {"auths": {"r.test": {"auth": "§"}}}]
)
def test_without_usable_credentials_there_are_none(config: dict[str, object]) -> None:
    assert from_config(config, "r.test") is None


def test_an_identity_token_takes_the_place_of_a_password() -> None:
    found = from_config({"auths": {"r.test": {"identitytoken": "tok"}}}, "r.test")
    assert found is not None
    assert json.loads(base64.urlsafe_b64decode(found.header())) == {
        "identitytoken": "tok",
        "serveraddress": "r.test",
    }


def test_passwords_are_not_shown() -> None:
    assert "secret" not in repr(RegistryCredentials(registry="r", username="me", password="secret"))


def test_the_configuration_is_where_docker_looks_for_it() -> None:
    assert config_path({"DOCKER_CONFIG": "/etc/d", "HOME": "/h"}) == Path("/etc/d/config.json")
    assert config_path({"HOME": "/h"}) == Path("/h/.docker/config.json")


def helper(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> Path:
    program = folder / "docker-credential-test"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    config = folder / "config.json"
    config.write_text(json.dumps({"credsStore": "test", "auths": {"r.test": {"auth": AUTH}}}))
    return config


async def test_a_credential_helper_is_asked_for_the_registry(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = """read key; echo "{\\"Username\\": \\"$1\\", \\"Secret\\": \\"$key\\"}" """
    config = helper(tmp_path, monkeypatch, script)
    found = await find_credentials(config, "r.test")
    assert found == RegistryCredentials(registry="r.test", username="get", password="r.test")


async def test_a_helpers_token_is_an_identity_token(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = helper(tmp_path, monkeypatch, """echo '{"Username": "<token>", "Secret": "t"}' """)
    found = await find_credentials(config, "r.test")
    assert found == RegistryCredentials(registry="r.test", identity_token="t")


@pytest.mark.parametrize("script", ["echo credentials not found in native keychain; exit 1", "echo nonsense"])
async def test_a_helper_that_knows_nothing_leaves_it_to_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str
) -> None:
    found = await find_credentials(helper(tmp_path, monkeypatch, script), "r.test")
    assert found is not None
    assert found.username == "me"


async def test_without_a_configuration_there_are_no_credentials(tmp_path: Path) -> None:
    assert await find_credentials(tmp_path / "config.json", "r.test") is None


def test_the_layers_of_a_pull_are_summed_up() -> None:
    layers = LayerProgress("web", "nginx:1")
    messages: list[dict[str, Any]] = [
        {"status": "Pulling from library/nginx", "id": "1"},
        {"status": "Pulling fs layer", "id": "a"},
        {"status": "Pulling fs layer", "id": "b"},
        {"status": "Downloading", "id": "a", "progressDetail": {"current": 5, "total": 10}},
        {"status": "Downloading", "id": "b", "progressDetail": {"current": 1, "total": 30}},
        {"status": "Download complete", "id": "a", "progressDetail": {}},
        {"status": "Extracting", "id": "a", "progressDetail": {"current": 1, "total": 10}},
        {"status": "Pull complete", "id": "b"},
    ]
    told = [layers.take(message) for message in messages]
    assert [(item.status, item.current_bytes, item.total_bytes) for item in told] == [
        ("pulling", 0, None),
        ("pulling", 0, None),
        ("pulling", 0, None),
        ("downloading", 5, None),
        ("downloading", 6, 40),
        ("downloading", 11, 40),
        ("extracting", 11, 40),
        ("extracting", 40, 40),
    ]
    assert told[0] == PullProgress(container="web", image="nginx:1", status="pulling")


@pytest.mark.parametrize(
    ("backoff", "expected"),
    [
        (MANIFEST, [0.01, 0.03, 0.09, 0.27, 0.81, 2.43, 5, 5]),
        (PULL, [1.1, 2.2, 4.4, 5]),
        (STOP, [1, 1.3, 1.69, 2.197]),
    ],
)
def test_the_pauses_are_the_agents(backoff: object, expected: list[float]) -> None:
    assert pauses_s(backoff, lambda: 0.0) == pytest.approx(expected)  # type: ignore[arg-type] # parametrized


def test_chance_makes_a_pause_up_to_a_fifth_longer() -> None:
    assert pauses_s(PULL, lambda: 1.0)[0] == pytest.approx(1.1 * 1.2)


NO_RIGHT = "denied: User: arn:x:r is not authorized to perform: ecr:BatchGetImage on resource: y"


@pytest.mark.parametrize(
    ("text", "advice"),
    [
        (NO_RIGHT, "Check that the role has the permissions to pull images from the registry. "),
        (
            "pull access denied: denied: requested access to the resource is denied",
            "Check whether the image exists. ",
        ),
        ("request canceled while waiting for connection", "Check your network configuration. "),
    ],
)
def test_the_text_of_a_failed_pull_begins_with_the_agents_advice(text: str, advice: str) -> None:
    assert decorate(text, "app:1") == f"The task can’t pull the image. {advice}{text}"


def test_other_texts_stay_as_they_are() -> None:
    assert decorate("manifest unknown", "app:1") == "manifest unknown"


def test_signed_addresses_of_layers_are_not_shown() -> None:
    signed = "https://prod-eu-west-1-starport-layer-bucket.s3.amazonaws.com/x?X-Amz-Signature=abc"
    assert decorate(f"Get {signed}: EOF", "app:1") == "Get REDACTED ECR URL related to app:1 EOF"


@pytest.mark.parametrize(
    ("text", "definite"),
    [
        ("manifest for app:9 not found: manifest unknown: manifest unknown", True),
        ("pull access denied for app, repository does not exist", True),
        ("invalid reference format", True),
        ("Get https://r.test/v2/: dial tcp: i/o timeout", False),
        ("toomanyrequests: rate exceeded", False),
    ],
)
def test_only_what_may_change_is_asked_for_again(text: str, definite: bool) -> None:
    assert is_definite(ApiError(404, text)) is definite


def test_a_pull_is_remembered_across_runs(tmp_path: Path) -> None:
    folder = tmp_path / "state"
    PulledImages(folder).add("app:1")
    PulledImages(folder).add("app:2")
    later = PulledImages(folder)
    assert ["app:1" in later, "app:2" in later, "app:3" in later] == [True, True, False]


@pytest.mark.parametrize("content", ["not json", '{"a": 1}', ""])
def test_a_broken_memory_of_pulls_is_an_empty_one(tmp_path: Path, content: str) -> None:
    (tmp_path / "pulled-images.json").write_text(content)
    assert "app:1" not in PulledImages(tmp_path)


def test_a_folder_that_cannot_be_written_is_no_error() -> None:
    images = PulledImages(Path("/proc/nowhere"))
    images.add("app:1")
    assert "app:1" in images
