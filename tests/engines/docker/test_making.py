"""What comes of making a container, on an engine that answers what a test wants."""

from __future__ import annotations

from pathlib import Path

import pytest

from engines.docker.fake_engine import FakeEngine, answering
from engines.docker.making import container, task
from pillion.engines.docker.engine import DockerEngine

LIMITED = "Your kernel does not support swap limit capabilities. Memory limited without swap."


@pytest.mark.parametrize(("warnings", "told"), [([LIMITED], (LIMITED,)), ([], ()), (None, ())])
async def test_what_the_engine_warns_of_is_passed_on(
    tmp_path: Path, warnings: list[str] | None, told: tuple[str, ...]
) -> None:
    fake = FakeEngine(tmp_path)
    fake.routes["POST containers/create"] = answering({"Id": "abc", "Warnings": warnings}, status=201)
    await fake.start()
    engine = DockerEngine(fake.host)
    try:
        made = await engine.open(task(container("web"))).create("web", {})
    finally:
        await engine.close()
        await fake.stop()
    assert (made.runtime_id, made.warnings) == ("abc", told)
