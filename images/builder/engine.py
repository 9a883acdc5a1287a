"""The few calls of the Docker Engine API that loading an image takes, with the standard library alone.

pillion's own engine client is not used on purpose: these images test it.
"""

import http.client
import json
import os
import socket
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import quote, urlsplit

_TIMEOUT_S = 120.0
_DEFAULT_HOST = "unix:///var/run/docker.sock"


class EngineError(Exception):
    """The container engine cannot be reached or refused a call."""


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: str) -> None:
        super().__init__("localhost", timeout=_TIMEOUT_S)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(_TIMEOUT_S)
        self.sock.connect(self._path)


class Engine:
    """A container engine that speaks the Docker API, found through ``DOCKER_HOST`` or at the usual socket."""

    def __init__(self, host: str | None = None) -> None:
        self._host = host or os.environ.get("DOCKER_HOST") or _DEFAULT_HOST

    def inputs_of(self, name: str, label: str) -> str | None:
        """Read a label of an image; None when the image or the label is missing.

        Raises:
            EngineError: the engine does not answer.
        """
        image = self._inspect(name)
        labels = {} if image is None else (image["Config"].get("Labels") or {})
        value = labels.get(label)
        return value if isinstance(value, str) else None

    def load(self, archive: Path, names: list[str]) -> None:
        """Load an archive of images, and drop the images whose names it took over unless something uses them.

        Raises:
            EngineError: the engine refuses the archive.
        """
        before = {name: image["Id"] for name in names if (image := self._inspect(name)) is not None}
        with archive.open("rb") as content:
            status, answer = self._call("POST", "/images/load?quiet=1", content, archive.stat().st_size)
        messages = [json.loads(line) for line in answer.splitlines() if line.strip()]
        errors = [message["error"] for message in messages if "error" in message]
        if status != http.client.OK or errors:
            raise EngineError(f"the engine cannot load images: {errors or answer.decode(errors='replace')}")
        for name, image_id in before.items():
            after = self._inspect(name)
            if after is not None and after["Id"] != image_id:
                self._call("DELETE", f"/images/{quote(image_id)}")

    def _inspect(self, name: str) -> dict[str, Any] | None:
        status, answer = self._call("GET", f"/images/{quote(name)}/json")
        if status == http.client.NOT_FOUND:
            return None
        if status != http.client.OK:
            raise EngineError(f"the engine cannot inspect {name}: {answer.decode(errors='replace').strip()}")
        image: dict[str, Any] = json.loads(answer)
        return image

    def _call(
        self, method: str, path: str, body: BinaryIO | None = None, length: int | None = None
    ) -> tuple[int, bytes]:
        tar = {"Content-Type": "application/x-tar"}
        headers = {} if length is None else {**tar, "Content-Length": str(length)}
        connection = self._connect()
        try:
            connection.request(method, path, body=body, headers=headers)
            response = connection.getresponse()
            return response.status, response.read()
        except OSError as error:
            raise EngineError(
                f"no container engine answers at {self._host} ({error}). "
                "Start one with scripts/setup-engine, or set DOCKER_HOST."
            ) from error
        finally:
            connection.close()

    def _connect(self) -> http.client.HTTPConnection:
        parts = urlsplit(self._host)
        if parts.scheme == "unix":
            return _UnixConnection(parts.path)
        if parts.scheme in {"tcp", "http"} and parts.hostname:
            return http.client.HTTPConnection(parts.hostname, parts.port or 2375, timeout=_TIMEOUT_S)
        raise EngineError(
            f"DOCKER_HOST={self._host} is not supported here; use unix:///path or tcp://host:port"
        )
