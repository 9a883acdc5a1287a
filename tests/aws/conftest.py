"""Local AWS for the tests of this folder: one process for all, emptied before each test that uses it."""

import json
import subprocess
import sys
import urllib.request
from collections.abc import Iterator

import pytest

from pillion.aws.clients import EMULATOR_KEYS, AwsClients

REGION = "eu-west-1"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what needs a server: one takes a second to start, and the fast part has not that long."""
    for item in items:
        if isinstance(item, pytest.Function) and "_server" in item.fixturenames:
            item.add_marker(pytest.mark.service)


@pytest.fixture(scope="session")
def _server() -> Iterator[str]:
    process = subprocess.Popen(
        [sys.executable, "-m", "pillion.aws.local.server"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert process.stdin is not None
    assert process.stdout is not None
    yield f"http://127.0.0.1:{json.loads(process.stdout.readline())['port']}"
    process.stdin.close()
    process.stdout.close()
    process.wait()


@pytest.fixture
def local_url(_server: str) -> str:
    request = urllib.request.Request(f"{_server}/moto-api/reset", method="POST")
    with urllib.request.urlopen(request):
        return _server


@pytest.fixture
def clients(local_url: str) -> AwsClients:
    async def endpoint() -> str:
        return local_url

    return AwsClients(region=REGION, endpoint=endpoint, keys=EMULATOR_KEYS)
