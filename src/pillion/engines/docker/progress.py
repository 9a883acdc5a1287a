"""A pull's progress: the messages that an engine sends about each layer, summed up. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pillion.ports.engine import PullProgress

_DONE = {"Download complete", "Pull complete", "Already exists"}
_PLAIN = {
    "Downloading": "downloading",
    "Extracting": "extracting",
    "Verifying Checksum": "downloading",
    "Download complete": "downloading",
    "Pull complete": "extracting",
}


class LayerProgress:
    """Adds up the layers of one image."""

    def __init__(self, container: str, image: str) -> None:
        self._container = container
        self._image = image
        self._layers: dict[str, tuple[int, int | None]] = {}
        self._status = "pulling"

    def take(self, message: Mapping[str, Any]) -> PullProgress:
        """Take a message; return how far the pull is."""
        status, layer = str(message.get("status", "")), message.get("id")
        if layer and status in ("Pulling fs layer", "Waiting"):
            self._layers.setdefault(layer, (0, None))
        elif layer and status in _DONE:
            _, total = self._layers.get(layer, (0, None))
            self._layers[layer] = (total or 0, total)
        elif layer and status == "Downloading":
            detail = message.get("progressDetail") or {}
            self._layers[layer] = (detail.get("current", 0), detail.get("total"))
        self._status = _PLAIN.get(status, self._status)
        return self._sum()

    def _sum(self) -> PullProgress:
        totals = [total for _, total in self._layers.values() if total is not None]
        return PullProgress(
            container=self._container,
            image=self._image,
            status=self._status,
            current_bytes=sum(current for current, _ in self._layers.values()),
            total_bytes=sum(totals) if totals and len(totals) == len(self._layers) else None,
        )
