"""Images as `docker save` files: the same content gives the same image id, whoever builds it."""

import io
import json
import tarfile
from pathlib import Path
from typing import Any

from builder.archive import LoadableImage, write_archive
from builder.layer import write_layer
from builder.spec import Directory, ImageSpec


def _image(name: str, *layers: Path) -> LoadableImage:
    return LoadableImage(name=name, architecture="amd64", config={"Cmd": ["sh"]}, layers=layers)


def _layer(folder: Path, name: str) -> Path:
    path = folder / f"{name}.tar"
    with tarfile.open(path, "w") as tar:
        entry = tarfile.TarInfo(name)
        entry.size = len(name)
        tar.addfile(entry, io.BytesIO(name.encode()))
    return path


def _json(archive: Path, name: str) -> Any:
    with tarfile.open(archive) as tar:
        content = tar.extractfile(name)
        assert content is not None
        return json.load(content)


def test_a_layer_that_two_images_share_is_stored_once(tmp_path: Path) -> None:
    below, above = _layer(tmp_path, "below"), _layer(tmp_path, "above")
    archive = tmp_path / "images.tar"
    write_archive([_image("local/below:1", below), _image("local/above:1", below, above)], archive)
    manifest = _json(archive, "manifest.json")
    with tarfile.open(archive) as tar:
        stored = [name for name in tar.getnames() if name.endswith("layer.tar")]
    assert [entry["RepoTags"] for entry in manifest] == [["local/below:1"], ["local/above:1"]]
    assert manifest[1]["Layers"] == stored
    assert manifest[0]["Layers"] == stored[:1]


def test_the_configuration_names_the_layers_by_their_content(tmp_path: Path) -> None:
    archive = tmp_path / "images.tar"
    write_archive([_image("local/thing:1", _layer(tmp_path, "one"))], archive)
    [entry] = _json(archive, "manifest.json")
    config = _json(archive, entry["Config"])
    assert config["rootfs"]["diff_ids"] == ["sha256:" + entry["Layers"][0].removesuffix("/layer.tar")]
    assert (config["architecture"], config["os"], config["config"]) == ("amd64", "linux", {"Cmd": ["sh"]})


def _build(tmp_path: Path, name: str) -> Path:
    """Build a layer from one executable and one directory, in a folder of its own."""
    folder = tmp_path / name
    folder.mkdir()
    (folder / "run.sh").write_text("#!/bin/sh\n")
    (folder / "run.sh").chmod(0o700)
    spec = ImageSpec(
        name="local/thing:1",
        folder=folder,
        files={"/app/run.sh": "run.sh"},
        links={"/usr/bin/run": "/app/run.sh"},
        directories={"/data": Directory(mode=0o1777, owner=1000)},
    )
    write_layer(spec, [], tmp_path, folder / "layer.tar")
    return folder / "layer.tar"


def test_the_same_files_give_the_same_layer_to_the_byte(tmp_path: Path) -> None:
    assert _build(tmp_path, "one").read_bytes() == _build(tmp_path, "two").read_bytes()


def test_a_layer_keeps_modes_owners_and_links(tmp_path: Path) -> None:
    with tarfile.open(_build(tmp_path, "one")) as tar:
        seen = {entry.name: (oct(entry.mode), entry.uid, entry.linkname) for entry in tar}
    assert {name: seen[name] for name in ("app/run.sh", "usr/bin/run", "data", "bin")} == {
        "app/run.sh": ("0o755", 0, ""),
        "usr/bin/run": ("0o755", 0, "/app/run.sh"),
        "data": ("0o1777", 1000, ""),
        "bin": ("0o755", 0, "usr/bin"),
    }
