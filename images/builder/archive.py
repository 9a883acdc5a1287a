"""Layers and their configuration as one ``docker save`` file, which every engine loads, Podman included.

Loading a file avoids the engines' builders, which differ between versions and need a base image from
somewhere.
"""

import hashlib
import io
import tarfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from builder.spec import canonical_json

_CREATED = "2023-11-14T22:13:20Z"  # fixed, so that the image id depends on the content alone


@dataclass(frozen=True, kw_only=True)
class LoadableImage:
    """An image ready to be loaded.

    Attributes:
        name: repository and tag.
        architecture: as Docker spells it.
        config: Docker's image configuration.
        layers: tars, lowest first.
    """

    name: str
    architecture: str
    config: dict[str, Any]
    layers: tuple[Path, ...]


def write_archive(images: list[LoadableImage], target: Path) -> None:
    """Write several images into one archive; a layer that they share is stored once."""
    diff_ids: dict[Path, str] = {}
    manifest = []
    with tarfile.open(target, "w") as tar:
        for layer in dict.fromkeys(layer for image in images for layer in image.layers):
            with layer.open("rb") as content:
                diff_ids[layer] = hashlib.file_digest(content, "sha256").hexdigest()
            tar.add(layer, arcname=f"{diff_ids[layer]}/layer.tar")
        for image in images:
            config = canonical_json(_image_config(image, [diff_ids[layer] for layer in image.layers]))
            config_name = f"{hashlib.sha256(config).hexdigest()}.json"
            _add_bytes(tar, config_name, config)
            layer_names = [f"{diff_ids[layer]}/layer.tar" for layer in image.layers]
            manifest.append({"Config": config_name, "RepoTags": [image.name], "Layers": layer_names})
        _add_bytes(tar, "manifest.json", canonical_json(manifest))


def _image_config(image: LoadableImage, diff_ids: list[str]) -> dict[str, Any]:
    return {
        "architecture": image.architecture,
        "os": "linux",
        "created": _CREATED,
        "config": image.config,
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{diff_id}" for diff_id in diff_ids]},
        "history": [{"created": _CREATED, "created_by": "images/build.py"} for _ in diff_ids],
    }


def _add_bytes(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    entry = tarfile.TarInfo(name)
    entry.size = len(content)
    tar.addfile(entry, io.BytesIO(content))
