"""From names to loaded images: what is stale is built, bases first, and loaded in one go.

An image carries the digest of its inputs as a label; a layer's file carries it in its name. So an image is
up to date when its label says so, and an image that the engine lost comes back from the layer file in a
moment.
"""

import fcntl
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path

from builder import debian
from builder.archive import LoadableImage, write_archive
from builder.engine import Engine
from builder.layer import write_layer
from builder.spec import REPOSITORY_ROOT, ImageSpec, SpecError, bases, find_specs

INPUTS_LABEL = "pillion.image-inputs"
CACHE = REPOSITORY_ROOT / ".work" / "images"
_WORKERS = 2  # one image downloads while another compiles; more gains nothing on the usual small machine


def select(specs: dict[str, ImageSpec], wanted: list[str]) -> list[ImageSpec]:
    """Choose images by full or short name (all that are not optional when none is named), bases first.

    Raises:
        SpecError: a name that no image has.
    """
    names: list[str] = []
    for word in wanted:
        matches = [spec.name for spec in specs.values() if word in {spec.name, spec.short_name}]
        if not matches:
            raise SpecError(f"there is no image {word}; there are {', '.join(specs)}")
        names += matches
    names = names or [spec.name for spec in specs.values() if not spec.optional]
    chosen = {spec.name for name in names for spec in [specs[name], *bases(specs, name)]}
    return [spec for spec in specs.values() if spec.name in chosen]


def build(wanted: list[str], report: Callable[[str, str], None], *, force: bool = False) -> None:
    """Bring images up to date in the engine.

    Args:
        wanted: names, short or full; empty means all that are not optional.
        report: called once for each image with its name and what was done.
        force: build even what is up to date, with packages as new as the package source has them.

    Raises:
        SpecError: an image that is defined wrongly or not at all.
        debian.PackageError: packages cannot be had.
        wheels.WheelError: Python packages cannot be had.
        engine.EngineError: the engine cannot be reached or refuses.
    """
    specs = find_specs()
    chosen = select(specs, wanted)
    engine = Engine()
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # two test runs at once: the second finds everything done
        platform = f"{debian.release()}/{debian.architecture()}"
        digests = _digests(chosen, platform)
        known = {spec.name: engine.inputs_of(spec.name, INPUTS_LABEL) for spec in chosen}
        stale = [spec for spec in chosen if force or known[spec.name] != digests[spec.name]]
        for spec in chosen:
            if spec not in stale:
                report(spec.name, "up to date")
        if stale:
            seconds = _write_layers(stale, specs, digests, force=force)
            _load(stale, specs, digests, engine)
            for spec in stale:
                report(spec.name, f"built in {seconds[spec.name]:.1f} s")


def _digests(chosen: list[ImageSpec], platform: str) -> dict[str, str]:
    """Give each image the digest of its own inputs and of all that it stands on."""
    digests: dict[str, str] = {}
    for spec in chosen:  # bases come first
        below = "" if spec.base is None else digests[spec.base]
        digests[spec.name] = sha256(f"{below}{spec.digest(platform)}".encode()).hexdigest()
    return digests


def _layer_path(spec: ImageSpec, digests: dict[str, str]) -> Path:
    return CACHE / "layers" / f"{spec.name.replace('/', '_').replace(':', '_')}-{digests[spec.name][:16]}.tar"


def _write_layers(
    stale: list[ImageSpec], specs: dict[str, ImageSpec], digests: dict[str, str], *, force: bool
) -> dict[str, float]:
    (CACHE / "layers").mkdir(exist_ok=True)
    needed = {spec.name: spec for top in stale for spec in [*reversed(bases(specs, top.name)), top]}
    finished: dict[str, float] = {}

    def write(spec: ImageSpec) -> float:
        started = time.monotonic()
        layer = _layer_path(spec, digests)
        if force or not layer.exists():
            for old in layer.parent.glob(f"{layer.name.rpartition('-')[0]}-*.tar"):
                old.unlink()
            below = [_layer_path(base, digests) for base in reversed(bases(specs, spec.name))]
            write_layer(spec, below, CACHE, layer)
        return time.monotonic() - started

    with ThreadPoolExecutor(_WORKERS) as pool:
        while waiting := [spec for spec in needed.values() if spec.name not in finished]:
            ready = [spec for spec in waiting if spec.base is None or spec.base in finished]
            finished |= dict(zip([spec.name for spec in ready], pool.map(write, ready), strict=True))
    return finished


def _load(
    stale: list[ImageSpec], specs: dict[str, ImageSpec], digests: dict[str, str], engine: Engine
) -> None:
    images = []
    for spec in stale:
        below = list(reversed(bases(specs, spec.name)))
        inherited = {key: value for base in below for key, value in base.config.items()}
        config = {**inherited, **spec.config, "Labels": {INPUTS_LABEL: digests[spec.name]}}
        layers = tuple(_layer_path(each, digests) for each in [*below, spec])
        images.append(
            LoadableImage(name=spec.name, architecture=debian.architecture(), config=config, layers=layers)
        )
    with tempfile.TemporaryDirectory(dir=CACHE, prefix="load-") as scratch:
        archive = Path(scratch) / "images.tar"
        write_archive(images, archive)
        engine.load(archive, [spec.name for spec in stale])
