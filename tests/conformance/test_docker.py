"""The conformance suite over a real Docker engine."""

from __future__ import annotations

from pathlib import Path

import pytest

from conformance.docker_bench import DockerBench
from pillion.testing.engine_suite import CHECKS, Check

pytestmark = [pytest.mark.docker, pytest.mark.slow]


@pytest.mark.parametrize("check", CHECKS, ids=str)
async def test_the_docker_engine(check: Check, tmp_path: Path) -> None:
    await check.run(DockerBench(tmp_path))
