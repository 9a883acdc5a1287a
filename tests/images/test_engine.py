"""What the image builder says when there is no engine to load images into."""

from pathlib import Path

import pytest

from builder.engine import Engine, EngineError


def test_an_engine_that_does_not_answer_is_named_with_what_to_do(tmp_path: Path) -> None:
    engine = Engine(f"unix://{tmp_path}/none.sock")
    with pytest.raises(EngineError) as caught:
        engine.inputs_of("local/thing:1", "label")
    assert f"no container engine answers at unix://{tmp_path}/none.sock" in str(caught.value)
    assert "scripts/setup-engine" in str(caught.value)


def test_a_kind_of_address_that_is_not_supported_is_said(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="DOCKER_HOST=ssh://box is not supported"):
        Engine("ssh://box").inputs_of("local/thing:1", "label")
