"""`--aws real`, against a stand-in for AWS on this machine: whose credentials go where, and what else."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import timedelta

import pytest

from scenarios.local_aws import AWSCLI, python, shell, task
from scenarios.local_aws import awslogs as awslogs_of
from scenarios.running import Pillion, docker
from scenarios.standin_aws import LONG_LIVED, NOTHING_ELSE, SESSION, StandinAws, standin_aws, standin_sts

pytestmark = [pytest.mark.docker, pytest.mark.slow]

CREDENTIALS = """
import os, urllib.request
path = os.environ["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"]
print(urllib.request.urlopen("http://169.254.170.2" + path).read().decode())
"""
REFUSED = """
import os, urllib.error, urllib.request
try:
    urllib.request.urlopen("http://169.254.170.2" + os.environ["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"])
except urllib.error.HTTPError as error:
    print(error.code)
"""
KEYS_IN_TURN = """
from botocore.session import Session
held = Session().get_credentials()
print(len({held.get_frozen_credentials().access_key for _ in range(3)}))
"""
ASSUME = '[aws]\nendpoint = "real"\nassume_role = true\n'


@pytest.fixture
def aws() -> Iterator[StandinAws]:
    with standin_aws() as made:
        yield made


def credentials_in_a_container(
    pillion: Pillion, aws: StandinAws, own: Mapping[str, str], *arguments: str
) -> dict[str, str]:
    """Return what the credentials endpoint of a task gives when the user has these of their own."""
    pillion.environment |= aws.environment(own)
    run = pillion.run(task(python("app", CREDENTIALS)), *arguments)
    (answer,) = run.messages("app")
    found: dict[str, str] = json.loads(answer)
    return found


def test_a_task_is_lent_the_users_session_as_it_is(pillion: Pillion, aws: StandinAws) -> None:
    given = credentials_in_a_container(pillion, aws, SESSION, "--aws", "real")
    del given["Expiration"]  # that of a session out of the environment is known to nobody
    assert given == {
        "AccessKeyId": SESSION["AWS_ACCESS_KEY_ID"],
        "SecretAccessKey": SESSION["AWS_SECRET_ACCESS_KEY"],
        "Token": SESSION["AWS_SESSION_TOKEN"],
        "RoleArn": "arn:aws:iam::123456789012:role/app",
    }


def test_long_lived_keys_never_reach_a_container(pillion: Pillion, aws: StandinAws) -> None:
    pillion.environment |= aws.environment(LONG_LIVED)
    with pillion.session(
        task(python("app", f"{CREDENTIALS}import time; time.sleep(60)")), "--aws", "real"
    ) as it:
        given = json.loads(it.until(type="log", container="app")["message"])
        label = f"label=com.amazonaws.ecs.cluster={pillion.cluster}"
        seen = docker("inspect", *docker("ps", "-q", "--filter", label).split())
        it.interrupt()
        run = it.finish()
    assert given["Token"]
    for key in LONG_LIVED.values():
        assert key not in json.dumps(given) + seen + json.dumps(run.lines) + run.errors


def test_the_task_role_itself_is_assumed_for_whoever_asks_for_it(pillion: Pillion, aws: StandinAws) -> None:
    pillion.write(ASSUME, "pillion.toml")
    given = credentials_in_a_container(pillion, aws, LONG_LIVED)
    import boto3

    who = boto3.client(
        "sts",
        endpoint_url=aws.url,
        region_name="us-east-1",
        aws_access_key_id=given["AccessKeyId"],
        aws_secret_access_key=given["SecretAccessKey"],
        aws_session_token=given["Token"],
    ).get_caller_identity()
    task_id = pillion.task_ids[0]
    assert who["Arn"] == f"arn:aws:sts::123456789012:assumed-role/app/{task_id}"


def test_secrets_come_from_there_and_logs_go_there_and_containers_are_sent_nowhere_else(
    pillion: Pillion, aws: StandinAws
) -> None:
    pillion.environment |= aws.environment(SESSION)
    aws.client("ssm").put_parameter(Name="/key", Value="from the stand-in", Type="SecureString")
    aws.client("logs").create_log_group(logGroupName="/app")
    secrets = [{"name": "KEY", "valueFrom": "/key"}]
    app = shell("app", 'echo "$KEY|$AWS_ENDPOINT_URL"', secrets=secrets, **awslogs_of("/app"))
    run = pillion.run(task(app), "--aws", "real")
    assert run.messages("app") == ["from the stand-in|"]
    stream = f"it/app/{pillion.task_ids[0]}"
    held = aws.client("logs").get_log_events(logGroupName="/app", logStreamName=stream)["events"]
    assert [event["message"] for event in held] == ["from the stand-in|"]


def test_a_missing_log_group_of_aws_is_not_made_as_local_aws_would(pillion: Pillion, aws: StandinAws) -> None:
    pillion.environment |= aws.environment(SESSION)
    run = pillion.run(task(shell("app", "echo never", **awslogs_of("/absent"))), "--aws", "real")
    assert (run.exit_code, run.messages("app")) == (125, [])
    assert "ResourceNotFoundException" in run.container("app")["reason"]


def test_without_credentials_of_the_users_own_the_task_says_how_to_get_some(pillion: Pillion) -> None:
    for name in [name for name in pillion.environment if name.startswith("AWS_")]:
        del pillion.environment[name]
    pillion.environment |= NOTHING_ELSE
    run = pillion.run(task(python("app", REFUSED)), "--aws", "real")
    assert run.messages("app") == ["500"]
    assert "you have no AWS credentials here: log in (aws sso login), set AWS_PROFILE" in run.errors


@pytest.mark.parametrize(
    ("lasting", "keys"),
    [(timedelta(seconds=90), "3"), (timedelta(hours=1), "1")],
)
def test_an_sdk_whose_credentials_run_out_gets_new_ones(
    pillion: Pillion, aws: StandinAws, lasting: timedelta, keys: str
) -> None:
    pillion.write(ASSUME, "pillion.toml")
    with standin_sts(lasting) as sts:
        pillion.environment |= {**aws.environment(LONG_LIVED), "AWS_ENDPOINT_URL_STS": sts}
        run = pillion.run(task(python("app", KEYS_IN_TURN, image=AWSCLI)))
    assert run.messages("app") == [keys]
