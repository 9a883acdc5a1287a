"""The [aws] table of pillion.toml."""

import pytest

from pillion.aws.seed import SecretSeed, Seed
from pillion.aws.settings import AwsMode, AwsSettings, AwsSettingsError, parse_settings
from pillion.core.inputs.secret import SecretValue


def test_an_empty_table_is_local_aws() -> None:
    assert parse_settings({}) == AwsSettings(mode=AwsMode.LOCAL)


def test_every_setting_is_read() -> None:
    assert parse_settings(
        {
            "endpoint": "http://localhost:4566/",
            "region": "eu-west-1",
            "state": "state",
            "seed": "seed.toml",
            "assume_role": True,
            "secrets": {"a": "b"},
        }
    ) == AwsSettings(
        mode=AwsMode.URL,
        url="http://localhost:4566",
        region="eu-west-1",
        state_folder="state",
        seed_file="seed.toml",
        assume_role=True,
        seed=Seed(secrets=(SecretSeed(name="a", value=SecretValue("b")),)),
    )


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"endpoint": "moto"}, "'moto' is no AWS to talk to"),
        ({"endpoint": "http://"}, "is no AWS to talk to"),
        ({"regoin": "x"}, "[aws] regoin: no such setting"),
        ({"assume_role": "yes"}, "[aws] assume_role: expected true or false"),
        ({"secrets": {"a": 1}}, '[aws] secrets."a": write a text'),
    ],
)
def test_what_is_wrong_is_named(table: dict[str, object], message: str) -> None:
    with pytest.raises(AwsSettingsError) as caught:
        parse_settings(table)
    assert message in str(caught.value)
