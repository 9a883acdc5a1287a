"""What an image is made of: the typed form of an ``image.toml``, and where to find them all.

Nothing here touches packages or the engine. Surprising: the digest of an image covers every input *and* the
builder's own source, so a change of the builder rebuilds everything, and nothing else does.
"""

import hashlib
import json
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

REPOSITORY_ROOT = Path(__file__).resolve().parents[2]
_BUILDER_SOURCES = sorted(Path(__file__).resolve().parent.glob("*.py"))
_KNOWN_KEYS = frozenset(
    {"name", "base", "optional", "packages", "requirements", "site", "applets", "byte_compile"}
    | {"links", "directories", "files", "config"}
)


class SpecError(Exception):
    """An ``image.toml`` that cannot be used, said for the person who wrote it."""


@dataclass(frozen=True, kw_only=True)
class Directory:
    """A directory to create with a mode and an owner that a version control system does not keep."""

    mode: int = 0o755
    owner: int = 0


@dataclass(frozen=True, kw_only=True)
class ImageSpec:
    """One image: a layer of its own on top of an optional base image.

    Attributes:
        name: repository and tag, always under a prefix that no registry serves.
        folder: where its ``image.toml`` is, and a ``rootfs`` to copy as it stands.
        base: name of the image below this one, or None to start from nothing.
        optional: made only when asked for by name (or needed by another image).
        packages: Debian packages to unpack, with their dependencies, none of their scripts run.
        requirements: pinned and hashed pip requirements to install into ``site``, or None.
        site: absolute path in the image for those.
        applets: a binary in this layer whose ``--list`` names the commands to link to it, or None.
        byte_compile: whether Python files get their ``.pyc``; without them every start compiles again.
        links: absolute path in the image -> what the symbolic link says.
        files: absolute path in the image -> file beside the ``image.toml``.
        directories: absolute path in the image -> mode and owner.
        config: Docker's image configuration (Env, Cmd, Entrypoint, User, WorkingDir …), in Docker's words.
    """

    name: str
    folder: Path
    base: str | None = None
    optional: bool = False
    packages: tuple[str, ...] = ()
    requirements: Path | None = None
    site: str | None = None
    applets: str | None = None
    byte_compile: bool = False
    links: dict[str, str] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)
    directories: dict[str, Directory] = field(default_factory=dict)
    config: dict[str, Any] = field(default_factory=dict)

    @property
    def short_name(self) -> str:
        """The name without its prefix and tag: ``busybox`` for ``pillion-local/busybox:1``."""
        return self.name.rpartition("/")[2].partition(":")[0]

    def digest(self, platform: str) -> str:
        """Hash everything that goes into this image's own layer and configuration, for one platform."""
        digest = hashlib.sha256(platform.encode())
        for path in self._input_files():
            name = path.relative_to(REPOSITORY_ROOT).as_posix()
            content = path.read_bytes()
            digest.update(f"\0{name}\0{path.stat().st_mode & 0o111:o}\0{len(content)}\0".encode())
            digest.update(content)
        return digest.hexdigest()

    def _input_files(self) -> list[Path]:
        tree = [path for path in sorted((self.folder / "rootfs").rglob("*")) if path.is_file()]
        own = [path for path in tree if "__pycache__" not in path.parts]
        listed = [self.folder / name for name in self.files.values()]
        pinned = [] if self.requirements is None else [self.requirements]
        return [*_BUILDER_SOURCES, self.folder / "image.toml", *own, *listed, *pinned]


def read_spec(path: Path) -> ImageSpec:
    """Read one ``image.toml``.

    Raises:
        SpecError: the file is not TOML, lacks ``name``, or has a key that means nothing here.
    """
    try:
        document = tomllib.loads(path.read_text())
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise SpecError(f"{path}: {error}") from error
    if unknown := sorted(document.keys() - _KNOWN_KEYS):
        raise SpecError(
            f"{path}: unknown key {', '.join(unknown)}; known are {', '.join(sorted(_KNOWN_KEYS))}"
        )
    if "name" not in document:
        raise SpecError(f'{path}: no name; write for example name = "pillion-local/thing:1"')
    requirements = document.pop("requirements", None)
    if missing := [name for name in document.get("files", {}).values() if not (path.parent / name).is_file()]:
        raise SpecError(f"{path}: files names {', '.join(missing)}, which is not beside it")
    directories = {where: Directory(**rights) for where, rights in document.pop("directories", {}).items()}
    packages = tuple(document.pop("packages", ()))
    return ImageSpec(
        folder=path.parent,
        packages=packages,
        requirements=None if requirements is None else REPOSITORY_ROOT / requirements,
        directories=directories,
        **document,
    )


def find_specs(root: Path = REPOSITORY_ROOT) -> dict[str, ImageSpec]:
    """Find every image of the repository by name, bases before those that stand on them.

    Raises:
        SpecError: two images share a name, or a base does not exist.
    """
    found: dict[str, ImageSpec] = {}
    for path in sorted([*root.glob("images/*/image.toml"), *root.glob("examples/*/*/image.toml")]):
        spec = read_spec(path)
        if spec.name in found:
            raise SpecError(f"{path}: {spec.name} is also defined in {found[spec.name].folder}")
        found[spec.name] = spec
    return {spec.name: spec for name in found for spec in [*reversed(bases(found, name)), found[name]]}


def bases(specs: dict[str, ImageSpec], name: str) -> list[ImageSpec]:
    """List what an image stands on, nearest first.

    Raises:
        SpecError: a base that no ``image.toml`` defines, or images that stand on each other.
    """
    chain: list[ImageSpec] = []
    current = specs[name]
    while current.base is not None:
        if current.base not in specs:
            raise SpecError(
                f"{current.folder}/image.toml: base {current.base} is not defined by any image.toml"
            )
        current = specs[current.base]
        if current in chain or current.name == name:
            raise SpecError(f"{current.folder}/image.toml: {name} stands on itself")
        chain.append(current)
    return chain


def canonical_json(value: object) -> bytes:
    """Render JSON in the one way that hashes the same every time."""
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()
