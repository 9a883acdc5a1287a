"""The examples are definitions that AWS accepts, run images made here, and keep their own promises."""

import json
from pathlib import Path
from typing import Any

import pytest
from botocore.loaders import Loader
from botocore.model import ServiceModel
from botocore.validate import ParamValidator

from builder.spec import find_specs

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
DEFINITIONS = sorted(EXAMPLES.glob("*/task*.json"))
by_name = pytest.mark.parametrize("path", DEFINITIONS, ids=[f"{p.parent.name}/{p.name}" for p in DEFINITIONS])


def _read(path: Path) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(path.read_text())
    return document


@pytest.fixture(scope="module")
def register() -> Any:
    """The shape that AWS publishes for the input of RegisterTaskDefinition."""
    model = ServiceModel(Loader().load_service_model("ecs", "service-2"))
    return model.operation_model("RegisterTaskDefinition").input_shape


@by_name
def test_the_definition_has_the_shape_of_a_register_call(path: Path, register: Any) -> None:
    report = ParamValidator().validate(_read(path), register)
    assert report.generate_report() == ""


@by_name
def test_every_image_is_one_that_can_be_made_here(path: Path) -> None:
    images = {container["image"] for container in _read(path)["containerDefinitions"]}
    assert images <= set(find_specs())


@by_name
def test_hard_memory_limits_and_cpu_shares_fit_into_the_task(path: Path) -> None:
    document = _read(path)
    containers = document["containerDefinitions"]
    assert sum(container["memory"] for container in containers) <= int(document["memory"])
    assert sum(container.get("cpu", 0) for container in containers) <= int(document["cpu"])


@by_name
def test_every_volume_is_mounted_by_two_containers_at_different_paths(path: Path) -> None:
    document = _read(path)
    mounts = [mount for each in document["containerDefinitions"] for mount in each.get("mountPoints", [])]
    for volume in document.get("volumes", []):
        paths = {mount["containerPath"] for mount in mounts if mount["sourceVolume"] == volume["name"]}
        assert len(paths) == 2


def test_the_failing_variant_differs_only_in_the_variable_that_the_loader_needs() -> None:
    good = _read(EXAMPLES / "config-loader/task.json")
    bad = _read(EXAMPLES / "config-loader/task-failing.json")
    good["family"] = "config-loader-failing"
    environment = good["containerDefinitions"][0]["environment"]
    environment[:] = [variable for variable in environment if variable["name"] != "GREETING"]
    assert bad == good


@pytest.mark.parametrize("folder", sorted({path.parent.name for path in DEFINITIONS}))
def test_every_example_is_explained_and_listed(folder: str) -> None:
    assert f"examples/{folder}/task.json" in (EXAMPLES / folder / "README.md").read_text()
    assert f"[{folder}]({folder})" in (EXAMPLES / "README.md").read_text()
