"""A pillion of its own for every scenario, and nothing left behind by any of them."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from scenarios.running import Pillion, left_behind


@pytest.fixture
def short_state_folder(pillion: Pillion) -> Iterator[None]:
    """Keep the state elsewhere: FireLens's socket is in it, and Linux allows its path 107 bytes."""
    with tempfile.TemporaryDirectory(prefix="pillion-") as folder:
        pillion.environment["PILLION_STATE_DIR"] = folder
        yield


@pytest.fixture
def pillion(tmp_path: Path) -> Iterator[Pillion]:
    """Return pillion in a folder of its own; afterwards nothing of its tasks may be left."""
    made = Pillion(tmp_path)
    yield made
    assert left_behind(made) == []
