"""Which images were pulled before, for the pull behavior `once`: a small file in the state folder."""

from __future__ import annotations

import json
import os
from pathlib import Path

FILE_NAME = "pulled-images.json"


class PulledImages:
    """Remembers the names of images that were pulled. Without a folder, for the life of this object."""

    def __init__(self, folder: Path | None) -> None:
        self._path = None if folder is None else folder / FILE_NAME
        self._names: set[str] = set()

    def __contains__(self, name: str) -> bool:
        return name in self._names or name in self._read()

    def add(self, name: str) -> None:
        """Remember a pull. A file that cannot be written costs one more pull, so it is not an error."""
        self._names.add(name)
        if self._path is None:
            return
        names = sorted(self._read() | self._names)
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            _replace(self._path, json.dumps(names, indent=0))
        except OSError:
            return

    def _read(self) -> set[str]:
        if self._path is None:
            return set()
        try:
            names = json.loads(self._path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return set()
        return {name for name in names if isinstance(name, str)} if isinstance(names, list) else set()


def _replace(path: Path, text: str) -> None:
    """Write a file in one step, as another process may read it meanwhile."""
    import tempfile  # it takes a while to import, and few pull

    with tempfile.NamedTemporaryFile("w", dir=path.parent, delete=False, encoding="utf-8") as file:
        file.write(text)
    os.replace(file.name, path)  # noqa: PTH105 - Path.replace of a str needs the wrapper for no gain
