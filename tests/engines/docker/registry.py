"""A registry on this machine's loopback, with one tiny image that a test can change: enough to pull from."""

from __future__ import annotations

import asyncio
import base64
import gzip
import hashlib
import io
import json
import tarfile

from aiohttp import web

_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"


class Registry:
    """Serves `app:1`. `version` is written into the image; `password` is asked for when it is set.

    With `hang` it answers nobody, and `hangs` says that somebody waits for it.
    `program` is in the image as `/busybox`, if there is one: it can then be run.
    """

    def __init__(self) -> None:
        self.version = "1"
        self.program: bytes | None = None
        self.password: str | None = None
        self.hang = False
        self.hangs = asyncio.Event()
        self.requests: list[str] = []
        self._runner: web.AppRunner | None = None
        self.address = ""

    @property
    def image(self) -> str:
        return f"{self.address}/app:1"

    @property
    def digest(self) -> str:
        return _digest(self._manifest())

    async def start(self) -> None:
        app = web.Application()
        app.router.add_get("/v2/{rest:.*}", self._answer)
        self._runner = web.AppRunner(app, shutdown_timeout=0.01, handler_cancellation=True)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        host, port = self._runner.addresses[0][:2]
        self.address = f"{host}:{port}"

    async def stop(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    def _layer(self) -> bytes:
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w") as tar:
            for name, content in (("version", self.version.encode()), ("busybox", self.program)):
                if content is not None:
                    member = tarfile.TarInfo(name)
                    member.size, member.mode = len(content), 0o755
                    tar.addfile(member, io.BytesIO(content))
        return gzip.compress(buffer.getvalue(), mtime=0)

    def _config(self) -> bytes:
        difference = _digest(gzip.decompress(self._layer()))
        return json.dumps(
            {
                "architecture": "amd64",
                "os": "linux",
                "config": {"Cmd": ["/version"]},
                "rootfs": {"type": "layers", "diff_ids": [difference]},
                "history": [{"created": "1970-01-01T00:00:00Z"}],
            }
        ).encode()

    def _manifest(self) -> bytes:
        config, layer = self._config(), self._layer()
        return json.dumps(
            {
                "schemaVersion": 2,
                "mediaType": _MANIFEST,
                "config": {
                    "mediaType": "application/vnd.docker.container.image.v1+json",
                    "size": len(config),
                    "digest": _digest(config),
                },
                "layers": [
                    {
                        "mediaType": "application/vnd.docker.image.rootfs.diff.tar.gzip",
                        "size": len(layer),
                        "digest": _digest(layer),
                    }
                ],
            }
        ).encode()

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        rest = request.match_info["rest"]
        if rest:
            self.requests.append(f"{request.method} {rest}")
        if self.hang:
            self.hangs.set()
            await asyncio.sleep(60)
        if self.password is not None and not self._knows(request):
            return web.json_response(
                {"errors": [{"code": "UNAUTHORIZED", "message": "authentication required"}]},
                status=401,
                headers={"WWW-Authenticate": 'Basic realm="test"'},
            )
        manifest = self._manifest()
        blobs = {_digest(content): content for content in (self._config(), self._layer())}
        if rest == "":
            return web.json_response({})
        if rest in ("app/manifests/1", f"app/manifests/{_digest(manifest)}"):
            headers = {"Docker-Content-Digest": _digest(manifest)}
            return web.Response(body=manifest, content_type=_MANIFEST, headers=headers)
        if (blob := blobs.get(rest.removeprefix("app/blobs/"))) is not None:
            return web.Response(body=blob, content_type="application/octet-stream")
        unknown = {"errors": [{"code": "MANIFEST_UNKNOWN", "message": "manifest unknown"}]}
        return web.json_response(unknown, status=404)

    def _knows(self, request: web.Request) -> bool:
        wanted = base64.b64encode(f"me:{self.password}".encode()).decode()
        return request.headers.get("Authorization") == f"Basic {wanted}"


def _digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"
