"""One image layer: packages, wheels and own files put together, then written as a reproducible tar.

Same inputs give the same bytes (names sorted, one time stamp, root as owner), so the engine recognises a
layer that it has. Surprising: Python files are compiled by the image's own interpreter, started through the
image's own dynamic loader, because the machine's Python may be another version; that needs neither root nor
a running container.
"""

import os
import shutil
import subprocess
import tarfile
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

from builder import debian, wheels
from builder.spec import ImageSpec, SpecError

_EPOCH_S = 1_700_000_000  # any fixed time will do; 0 makes some tools complain about files from 1970
_one_apt_at_a_time = threading.Lock()


def write_layer(spec: ImageSpec, base_layers: list[Path], cache: Path, layer: Path) -> None:
    """Build an image's own layer and put it at ``layer``, whole or not at all.

    Args:
        spec: the image.
        base_layers: tars of the images below, lowest first; needed where a step runs a program of the image.
        cache: folder for downloaded packages and scratch space.
        layer: the tar to write.

    Raises:
        debian.PackageError: a package cannot be fetched or unpacked.
        wheels.WheelError: a Python package cannot be installed.
        SpecError: a step of the image cannot work.
    """
    with tempfile.TemporaryDirectory(dir=cache, prefix="layer-") as scratch:
        root = Path(scratch) / "root"
        root.mkdir()
        _assemble(spec, root, cache)
        if spec.byte_compile:
            _byte_compile(spec, root, base_layers, Path(scratch))
        unfinished = Path(scratch) / "layer.tar"
        _write_tar(root, spec, unfinished)
        unfinished.replace(layer)


def _assemble(spec: ImageSpec, root: Path, cache: Path) -> None:
    for old_place, new_place in debian.MERGED_USR.items():
        (root / new_place).mkdir(parents=True)
        (root / old_place).symlink_to(new_place)
    if spec.packages:
        with _one_apt_at_a_time:
            packages = debian.fetch(spec.packages, cache / "apt")
        for package in packages:
            debian.unpack(package, root)
    if spec.requirements is not None:
        if spec.site is None:
            raise SpecError(f"{spec.folder}/image.toml: requirements need a site to be installed into")
        wheels.install(spec.requirements, _inside(root, spec.site))
    if (spec.folder / "rootfs").is_dir():
        shutil.copytree(spec.folder / "rootfs", root, dirs_exist_ok=True, ignore=_ignored)
    for where, name in spec.files.items():
        _inside(root, where).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(spec.folder / name, _inside(root, where))
    if spec.applets is not None:
        _link_applets(root, spec.applets)
    for where, target in spec.links.items():
        _inside(root, where).parent.mkdir(parents=True, exist_ok=True)
        _inside(root, where).symlink_to(target)
    for where in spec.directories:
        _inside(root, where).mkdir(parents=True, exist_ok=True)


def _ignored(_folder: str, names: list[str]) -> set[str]:
    return {name for name in names if name == "__pycache__"}


def _inside(root: Path, absolute: str) -> Path:
    return root / absolute.lstrip("/")


def _link_applets(root: Path, binary: str) -> None:
    listed = subprocess.run([_inside(root, binary), "--list"], capture_output=True, text=True, check=True)
    for name in listed.stdout.split():
        link = root / "usr/bin" / name
        if not link.exists():
            link.symlink_to(Path(binary).name)


def _byte_compile(spec: ImageSpec, root: Path, base_layers: list[Path], scratch: Path) -> None:
    """Write ``.pyc`` files that are valid by the content of their source, whatever its time stamp."""
    interpreter_root = root
    if not (root / "usr/bin/python3").exists():
        interpreter_root = scratch / "below"
        for layer in base_layers:
            with tarfile.open(layer) as tar:
                tar.extractall(interpreter_root, filter="tar")
    loaders = sorted(interpreter_root.glob("usr/lib*/ld-linux-*.so.*")) or sorted(
        interpreter_root.glob("usr/lib/*/ld-linux-*.so.*")
    )
    if not loaders:
        raise SpecError(f"{spec.folder}/image.toml: byte_compile needs Python in the image or in its base")
    libraries = [str(folder) for folder in interpreter_root.glob("usr/lib/*-linux-gnu")]
    command = [
        *(str(loaders[0].resolve()), "--library-path", ":".join(libraries)),
        *(str((interpreter_root / "usr/bin/python3").resolve()), "-s", "-S"),
        *("-m", "compileall", "-q", "-j", "0"),
        *("--invalidation-mode", "unchecked-hash", "-s", str(root), "-p", "/", str(root)),
    ]
    environment = {"PYTHONHOME": str(interpreter_root / "usr"), "PATH": os.defpath}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    if done.returncode not in {
        0,
        1,
    }:  # 1: a file is no valid Python, for example a template; it stays as it is
        raise SpecError(f"{spec.name}: byte-compiling failed: {done.stderr.strip()}")


def _write_tar(root: Path, spec: ImageSpec, target: Path) -> None:
    with tarfile.open(target, "w", format=tarfile.PAX_FORMAT) as tar:
        for path in _walk(root):
            name = path.relative_to(root).as_posix()
            entry = tar.gettarinfo(path, name)
            rights = spec.directories.get(f"/{name}")
            owner = rights.owner if rights is not None else 0
            entry.uid = entry.gid = owner
            entry.uname = entry.gname = ""
            entry.mtime = _EPOCH_S
            entry.mode = rights.mode if rights is not None else _usual_mode(entry)
            if entry.isreg():
                with path.open("rb") as content:
                    tar.addfile(entry, content)
            else:
                tar.addfile(entry)


def _usual_mode(entry: tarfile.TarInfo) -> int:
    """Keep what is executable so, and nothing else, so that the umask of this machine does not show."""
    return 0o755 if entry.isdir() or entry.mode & 0o111 else 0o644


def _walk(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.iterdir()):
        yield path
        if path.is_dir() and not path.is_symlink():
            yield from _walk(path)
