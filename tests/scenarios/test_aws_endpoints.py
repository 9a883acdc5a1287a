"""A task asks its metadata, its credentials and AWS, from inside, with what people really use."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from scenarios.local_aws import AWSCLI, PYTHON, python, seed, shell, task
from scenarios.running import Pillion, definition

pytestmark = [pytest.mark.docker, pytest.mark.slow]

PARAMETER = '[aws.parameters]\n"/app/greeting" = "hello"\n'
CREDENTIALS = """
import json, os, urllib.request
path = os.environ["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"]
print(urllib.request.urlopen("http://169.254.170.2" + path).read().decode())
"""
BOTO3 = """
import boto3
print(boto3.client("ssm").get_parameter(Name="/app/greeting")["Parameter"]["Value"])
print(boto3.client("sts").get_caller_identity()["Arn"].split("/")[1])
s3 = boto3.client("s3")
s3.create_bucket(Bucket="made-inside")
s3.put_object(Bucket="made-inside", Key="a/b", Body=b"x" * 100000)
print(s3.head_object(Bucket="made-inside", Key="a/b")["ContentLength"])
"""
CLI = "aws ssm get-parameter --name /app/greeting --query Parameter.Value --output text"
WHO = """
import json, os, urllib.request
ask = lambda path: json.load(urllib.request.urlopen(os.environ["ECS_CONTAINER_METADATA_URI_V4"] + path))
print(json.dumps([ask("")["Name"], ask("/task")["Family"], "read" in ask("/stats")]))
"""


def test_credentials_have_the_agents_shape_and_an_expiry_that_sdks_refresh_before(pillion: Pillion) -> None:
    run = pillion.run(task(python("app", CREDENTIALS)))
    answer = json.loads(run.messages("app")[0])
    assert sorted(answer) == ["AccessKeyId", "Expiration", "RoleArn", "SecretAccessKey", "Token"]
    assert answer["RoleArn"] == "arn:aws:iam::123456789012:role/app"
    left = datetime.fromisoformat(answer["Expiration"]) - datetime.now(UTC)
    assert timedelta(minutes=14) < left < timedelta(hours=6)


def test_boto3_works_without_any_change(pillion: Pillion) -> None:
    seed(pillion, PARAMETER)
    run = pillion.run(task(python("app", BOTO3, image=AWSCLI)))
    assert (run.messages("app"), run.exit_code) == (["hello", "app", "100000"], 0)


@pytest.mark.parametrize("endpoints", ["auto", "relay"])
@pytest.mark.parametrize("mode", ["awsvpc", "bridge"])
def test_the_aws_cli_works_whether_the_namespace_is_entered_or_relayed(
    pillion: Pillion, mode: str, endpoints: str
) -> None:
    seed(pillion, f'{PARAMETER}[run]\nendpoints = "{endpoints}"\n')
    # On the bridge the endpoints appear a moment after the container has started.
    wait = (
        "for i in $(seq 100); do "
        "wget -q -O /dev/null $ECS_CONTAINER_METADATA_URI_V4 && break; sleep 0.2; done; "
    )
    run = pillion.run(task(shell("app", wait + CLI, image=AWSCLI), networkMode=mode))
    assert (run.messages("app")[-1:], run.exit_code) == (["hello"], 0)
    assert ("through a relay" in run.errors) == (endpoints == "relay")


def test_host_mode_is_served_on_the_loopback_with_a_full_uri(pillion: Pillion) -> None:
    seed(pillion, PARAMETER)
    run = pillion.run(task(shell("app", CLI, image=AWSCLI), networkMode="host"))
    assert (run.messages("app"), run.exit_code) == (["hello"], 0)


def test_each_container_knows_itself(pillion: Pillion) -> None:
    run = pillion.run(
        task(python("one", WHO), python("two", WHO, essential=False, dependsOn=[])), "--stop-after", "10s"
    )
    assert json.loads(run.messages("one")[0]) == ["one", "scenario", True]


def test_a_task_cannot_use_the_ids_of_another(pillion: Pillion) -> None:
    """Two tasks at once; the second asks with the first one's metadata and credentials paths."""
    tell = "echo $ECS_CONTAINER_METADATA_URI_V4 $AWS_CONTAINER_CREDENTIALS_RELATIVE_URI; sleep 60"
    with pillion.session(task(shell("victim", tell))) as victim:
        line = victim.until(type="log", container="victim")
        uri, path = line["message"].split()
        ask = (
            "import sys, urllib.request, urllib.error\n"
            f"for url in ({uri!r}, 'http://169.254.170.2' + {path!r}):\n"
            "    try: print(urllib.request.urlopen(url).status)\n"
            "    except urllib.error.HTTPError as error: print(error.code)\n"
        )
        thief = pillion.run(task(python("thief", ask)))
        victim.interrupt()
        victim.finish()
    assert thief.messages("thief") == ["404", "400"]  # the agent's own answers


def test_without_a_task_role_there_are_no_credentials(pillion: Pillion) -> None:
    run = pillion.run(definition(shell("app", "env | grep CREDENTIALS || echo none", image=PYTHON)))
    assert run.messages("app") == ["none"]


def test_aws_none_leaves_metadata_and_nothing_of_aws(pillion: Pillion) -> None:
    script = "env | grep -c AWS_ENDPOINT_URL; wget -q -O - $ECS_CONTAINER_METADATA_URI_V4 | grep -c DockerId"
    run = pillion.run(task(shell("app", script)), "--aws", "none")
    assert run.messages("app") == ["0", "1"]


def test_what_a_definition_sets_is_not_overridden(pillion: Pillion) -> None:
    names = ("AWS_ENDPOINT_URL", "AWS_REGION")
    own = [{"name": name, "value": f"own-{name}"} for name in names]
    run = pillion.run(task(shell("app", "echo $AWS_ENDPOINT_URL $AWS_REGION", environment=own)))
    assert run.messages("app") == ["own-AWS_ENDPOINT_URL own-AWS_REGION"]


def test_the_users_terminal_finds_the_local_aws_of_a_run(pillion: Pillion) -> None:
    seed(pillion, PARAMETER)
    script = f"{CLI}; sleep 60"
    with pillion.session(task(shell("app", script, image=AWSCLI))) as session:
        session.until(type="log", container="app", message="hello")
        shown = pillion.command("env", "--shell", "json")
        session.interrupt()
        session.finish()
    assert shown.returncode == 0, shown.stderr
    assert json.loads(shown.stdout)["AWS_ENDPOINT_URL"].startswith("http://127.0.0.1:")
    assert pillion.command("env").returncode != 0
