"""The holder's image: what is in the archive, and that it runs on an engine."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from pathlib import Path

import pytest

import pillion.engines.docker.holder as holder_package
from pillion.engines.docker.holder import (
    HolderUnavailableError,
    ensure_holder_image,
    holder_image_tar,
    holder_reference,
    relay_command,
    stub_command,
)

FOLDER = Path(holder_package.__file__).parent


def contents(archive: bytes) -> dict[str, bytes]:
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        return {member.name: opened.read() for member in tar if (opened := tar.extractfile(member))}


class Shelf:
    """An engine that keeps image archives by the name that their manifest gives them."""

    def __init__(self) -> None:
        self.images: dict[str, bytes] = {}
        self.loads = 0

    async def image_exists(self, reference: str) -> bool:
        return reference in self.images

    async def load_image(self, archive: bytes) -> None:
        self.loads += 1
        manifest = json.loads(contents(archive)["manifest.json"])
        self.images[manifest[0]["RepoTags"][0]] = archive


@pytest.mark.parametrize(
    ("architecture", "image_architecture", "file"),
    [
        ("x86_64", "amd64", "holder-x86_64"),
        ("amd64", "amd64", "holder-x86_64"),
        ("aarch64", "arm64", "holder-aarch64"),
        ("arm64", "arm64", "holder-aarch64"),
    ],
)
def test_image_holds_the_program_of_its_architecture(
    architecture: str, image_architecture: str, file: str
) -> None:
    archive = contents(holder_image_tar(architecture))
    manifest = json.loads(archive["manifest.json"])
    config_name, layer_name = manifest[0]["Config"], manifest[0]["Layers"][0]
    layer = archive[layer_name]
    assert json.loads(archive[config_name]) == {
        "architecture": image_architecture,
        "config": {"Cmd": ["/holder", "pause"], "Labels": {"dev.pillion.image": "holder"}},
        "created": "1970-01-01T00:00:00Z",
        "history": [{"created": "1970-01-01T00:00:00Z", "created_by": "pillion"}],
        "os": "linux",
        "rootfs": {"diff_ids": [f"sha256:{hashlib.sha256(layer).hexdigest()}"], "type": "layers"},
    }
    with tarfile.open(fileobj=io.BytesIO(layer)) as tar:
        assert [(member.name, member.mode, member.uid, member.mtime) for member in tar] == [
            ("holder", 0o755, 0, 0)
        ]
    assert contents(layer)["holder"] == (FOLDER / file).read_bytes()


def test_tag_is_the_beginning_of_the_image_id() -> None:
    archive = contents(holder_image_tar("x86_64"))
    manifest = json.loads(archive["manifest.json"])
    image_id = hashlib.sha256(archive[manifest[0]["Config"]]).hexdigest()
    assert manifest[0]["RepoTags"] == [holder_reference("x86_64")] == [f"pillion/holder:{image_id[:12]}"]


def test_architectures_have_different_tags() -> None:
    assert holder_reference("x86_64") != holder_reference("aarch64")


def test_an_architecture_without_a_holder_is_refused_with_a_way_out() -> None:
    with pytest.raises(HolderUnavailableError, match=r"built for x86_64 and aarch64.*s390x.*DOCKER_HOST"):
        holder_reference("s390x")


async def test_image_is_loaded_once() -> None:
    shelf = Shelf()
    references = [await ensure_holder_image(shelf, "x86_64") for _ in range(2)]
    assert (references, shelf.loads) == ([holder_reference("x86_64")] * 2, 1)
    assert await shelf.image_exists(references[0])


def test_stub_command_names_each_port_once() -> None:
    ports = [(80, "tcp"), (53, "udp"), (80, "tcp")]
    assert stub_command(ports) == ("/holder", "stub", "80/tcp", "53/udp")


def test_relay_command_pairs_addresses() -> None:
    routes = [("169.254.170.2:80", "172.17.0.1:5000"), ("169.254.170.2:443", "unix:/run/s")]
    assert relay_command(routes) == (
        "/holder", "relay", "169.254.170.2:80", "172.17.0.1:5000", "169.254.170.2:443", "unix:/run/s",
    )  # fmt: skip
