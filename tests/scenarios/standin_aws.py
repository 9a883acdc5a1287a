"""Stand-ins for AWS itself, for runs with `--aws real`: nothing here talks to AWS.

`StandinAws` is moto's own server, reached as any emulator is by any SDK: through AWS_ENDPOINT_URL in the
environment of pillion. `StandinSts` is a security token service of a few lines whose sessions are as short
as a test needs them, and numbered; moto's last an hour.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import boto3
from moto.server import ThreadedMotoServer

from scenarios.local_aws import REGION

LONG_LIVED = {"AWS_ACCESS_KEY_ID": "AKIALONGLIVEDKEY0001", "AWS_SECRET_ACCESS_KEY": "long-lived-secret-key"}
SESSION = {
    "AWS_ACCESS_KEY_ID": "ASIASESSIONOFUSER001",
    "AWS_SECRET_ACCESS_KEY": "secret-of-the-session",
    "AWS_SESSION_TOKEN": "token-of-the-session",
}
NOTHING_ELSE = {
    "AWS_CONFIG_FILE": "/nonexistent/config",
    "AWS_SHARED_CREDENTIALS_FILE": "/nonexistent/credentials",
    "AWS_EC2_METADATA_DISABLED": "true",
}
"""Keeps whatever this machine knows of AWS out of the test."""


class StandinAws:
    """What answers instead of AWS, as seen by whoever owns the account."""

    def __init__(self, url: str) -> None:
        self.url = url

    def environment(self, credentials: Mapping[str, str]) -> dict[str, str]:
        """Return what a user's terminal has exported."""
        return {**NOTHING_ELSE, **credentials, "AWS_ENDPOINT_URL": self.url, "AWS_REGION": REGION}

    def client(self, service: str) -> Any:
        """Return a client of the account."""
        return boto3.client(
            service,
            endpoint_url=self.url,
            region_name=REGION,
            aws_access_key_id="owner",
            aws_secret_access_key="owner",
        )


@contextmanager
def standin_aws() -> Iterator[StandinAws]:
    """Serve an empty account on a port of the loopback."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        yield StandinAws(f"http://{host}:{port}")
    finally:
        server.stop()


class StandinSts(BaseHTTPRequestHandler):
    """Answers AssumeRole: sessions KEY1, KEY2 ... that last `lasting`."""

    lasting = timedelta(hours=1)
    given = 0

    def do_POST(self) -> None:
        """Give the next session."""
        self.rfile.read(int(self.headers["Content-Length"]))
        type(self).given += 1
        over = (datetime.now(UTC) + self.lasting).strftime("%Y-%m-%dT%H:%M:%SZ")
        body = (
            "<AssumeRoleResponse><AssumeRoleResult><Credentials>"
            f"<AccessKeyId>KEY{self.given}</AccessKeyId><SecretAccessKey>secret</SecretAccessKey>"
            f"<SessionToken>token</SessionToken><Expiration>{over}</Expiration>"
            "</Credentials></AssumeRoleResult></AssumeRoleResponse>"
        ).encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/xml")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 - the base class's name for it
        """Say nothing."""


@contextmanager
def standin_sts(lasting: timedelta) -> Iterator[str]:
    """Serve a token service whose sessions last that long; yield its URL."""
    handler = type("Sts", (StandinSts,), {"lasting": lasting, "given": 0})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()
