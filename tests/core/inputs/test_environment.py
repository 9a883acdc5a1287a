"""Which layer of a container's environment wins."""

import pytest

from pillion.core.inputs.environment import aws_defaults, extra_environment
from pillion.core.inputs.secret import SecretValue

URL = "http://169.254.170.2/aws"
BOTH = {"AWS_REGION": "eu-west-1", "AWS_DEFAULT_REGION": "eu-west-1"}


def extra(**layers: dict[str, str]) -> dict[str, str]:
    found = extra_environment(
        image=layers.get("image", {}),
        files=layers.get("files", {}),
        declared=layers.get("declared", {}),
        secrets={name: SecretValue(value) for name, value in layers.get("secrets", {}).items()},
        region="eu-west-1",
        endpoint_url=None,
    )
    return {name: value.reveal() for name, value in found.items()}


def test_files_lose_against_the_definition_and_secrets_win() -> None:
    assert extra(
        files={"A": "file", "B": "file", "C": "file"},
        declared={"B": "declared"},
        secrets={"C": "secret", "D": "s"},
    ) == {**BOTH, "A": "file", "C": "secret", "D": "s"}


def test_a_secret_wins_over_a_variable_that_ecs_injects() -> None:
    assert extra(declared={"FLUENT_HOST": "127.0.0.1"}, secrets={"FLUENT_HOST": "x"})["FLUENT_HOST"] == "x"


@pytest.mark.parametrize("layer", ["image", "files", "declared", "secrets"])
@pytest.mark.parametrize("name", ["AWS_REGION", "AWS_DEFAULT_REGION"])
def test_a_region_set_by_anyone_keeps_ecs_from_setting_either(layer: str, name: str) -> None:
    assert not (BOTH.keys() - {name}) & extra(**{layer: {name: "us-west-2"}}).keys()


def test_the_endpoint_is_given_unless_somebody_chose_one() -> None:
    assert aws_defaults(region="eu-west-1", endpoint_url=URL, known={}) == {**BOTH, "AWS_ENDPOINT_URL": URL}
    assert aws_defaults(region="eu-west-1", endpoint_url=URL, known={"AWS_ENDPOINT_URL": "x"}) == BOTH
    ignoring = {"AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true"}
    assert aws_defaults(region="eu-west-1", endpoint_url=URL, known=ignoring) == BOTH
    assert aws_defaults(region="eu-west-1", endpoint_url=None, known={}) == BOTH
