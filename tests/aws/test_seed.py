"""A seed is read as it is meant, or refused where it is wrong."""

import tomllib

import pytest

from pillion.aws.seed import (
    ObjectSeed,
    ParameterSeed,
    SecretSeed,
    Seed,
    SeedError,
    merge_seeds,
    parse_seed,
)
from pillion.core.inputs.secret import SecretValue


def parsed(text: str) -> Seed:
    return parse_seed(tomllib.loads(text))


def test_a_seed_with_everything() -> None:
    seed = parsed(
        """
        log_groups = ["/web/app"]
        [parameters]
        "/app/url" = "postgres://db"
        "/app/key" = { value = "x", type = "SecureString" }
        "arn:aws:ssm:eu-west-1:111122223333:parameter/app/far" = "far"
        "arn:aws:ssm:eu-west-1:111122223333:parameter/flat" = "flat"
        [secrets]
        token = "t"
        database = { username = "app", port = 5432 }
        "arn:aws:secretsmanager:eu-west-1:111122223333:secret:far/db-AbC123" = "far"
        [objects]
        "config/app.env" = "A=1"
        "s3://config/dir/extra.conf" = { file = "extra.conf" }
        """
    )
    assert seed == Seed(
        parameters=(
            ParameterSeed(name="/app/url", value=SecretValue("postgres://db")),
            ParameterSeed(name="/app/key", value=SecretValue("x"), type="SecureString"),
            ParameterSeed(name="/app/far", value=SecretValue("far"), region="eu-west-1"),
            ParameterSeed(name="flat", value=SecretValue("flat"), region="eu-west-1"),
        ),
        secrets=(
            SecretSeed(name="token", value=SecretValue("t")),
            SecretSeed(name="database", value=SecretValue('{"username": "app", "port": 5432}')),
            SecretSeed(name="far/db", value=SecretValue("far"), region="eu-west-1"),
        ),
        objects=(
            ObjectSeed(bucket="config", key="app.env", text=SecretValue("A=1")),
            ObjectSeed(bucket="config", key="dir/extra.conf", file="extra.conf"),
        ),
        log_groups=("/web/app",),
    )


def test_saying_nothing_about_log_groups_is_not_the_same_as_naming_none() -> None:
    assert (parsed("").log_groups, parsed("log_groups = []").log_groups) == (None, ())


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[params]", "params: no such table"),
        ("parameters = 1", "parameters: expected a table"),
        ("[parameters]\na = 1", 'parameters."a": the value has to be a text'),
        ('[parameters]\na = { value = "x", kind = "y" }', 'parameters."a": write a text'),
        ('[parameters]\na = { value = "x", type = "Secret" }', "SecureString"),
        ("[secrets]\na = [1]", 'secrets."a": write a text, or a table'),
        ("[secrets]\na = { day = 2026-01-01 }", "a date has no form in JSON"),
        ('[objects]\nbucket = "x"', "the name is bucket/key"),
        ('[objects]\n"b/k" = { path = "x" }', "write a text, or"),
        ("log_groups = [1]", "expected a list of names"),
    ],
)
def test_what_is_wrong_is_named(text: str, message: str) -> None:
    with pytest.raises(SeedError) as caught:
        parsed(text)
    assert message in str(caught.value)


def test_the_later_seed_comes_last_so_that_it_wins() -> None:
    first, second = parsed('[secrets]\na = "1"'), parsed('log_groups = ["/g"]\n[secrets]\na = "2"')
    assert merge_seeds(first, second) == Seed(secrets=(*first.secrets, *second.secrets), log_groups=("/g",))
    assert merge_seeds(first, first).log_groups is None


def test_no_value_is_shown() -> None:
    assert "s3cret" not in repr(parsed('[secrets]\na = "s3cret"\n[parameters]\nb = "s3cret"'))
