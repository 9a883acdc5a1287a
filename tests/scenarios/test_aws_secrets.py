"""Secrets and environment files: every form, who wins, ECS's texts, and who never sees a value."""

from __future__ import annotations

import json
import sqlite3

import pytest

from scenarios.local_aws import seed, shell, task
from scenarios.running import Pillion, docker

pytestmark = [pytest.mark.docker, pytest.mark.slow]

VALUE = "wonderfully-secret-value"
SSM = "arn:aws:ssm:us-east-1:123456789012:parameter"
ASM = "arn:aws:secretsmanager:us-east-1:123456789012:secret"
SEED = f"""
[aws.parameters]
"/app/key" = {{ value = "{VALUE}", type = "SecureString" }}
[aws.secrets]
"plain" = "whole {VALUE}"
"database" = {{ username = "app", password = "{VALUE}" }}
[aws.objects]
"config/one.env" = "FIRST=one\\nBOTH=one\\nOVER=file\\n# no=comment\\nBAD LINE\\n"
"config/two.env" = "BOTH=two\\nSECOND=two=2\\n"
"""


def test_every_form_of_a_secret_arrives(pillion: Pillion) -> None:
    seed(pillion, SEED)
    forms = {
        "NAME": "/app/key",
        "ARN": f"{SSM}/app/key",
        "WHOLE": f"{ASM}:plain",
        "KEY": f"{ASM}:database:password::",
        "STAGE": f"{ASM}:database:username:AWSCURRENT:",
    }
    secrets = [{"name": name, "valueFrom": source} for name, source in forms.items()]
    run = pillion.run(task(shell("app", 'echo "$NAME|$ARN|$WHOLE|$KEY|$STAGE"', secrets=secrets)))
    assert run.messages("app") == [f"{VALUE}|{VALUE}|whole {VALUE}|{VALUE}|app"]


def test_files_yield_to_the_definition_and_the_first_file_wins(
    pillion: Pillion,
) -> None:
    seed(pillion, SEED)
    files = [{"type": "s3", "value": f"arn:aws:s3:::config/{name}.env"} for name in ("one", "two")]
    over = [{"name": "OVER", "value": "definition"}]
    script = 'echo "$FIRST|$BOTH|$SECOND|$OVER"'
    run = pillion.run(task(shell("app", script, environment=over, environmentFiles=files)))
    assert run.messages("app") == ["one|one|two=2|definition"]


@pytest.mark.parametrize(
    ("source", "text"),
    [
        (
            "/app/missing",
            "Fetching secret data from SSM Parameter Store in us-east-1: invalid parameters: /app/missing",
        ),
        (
            f"{ASM}:missing",
            (
                f"Fetching secret data from AWS Secrets Manager in region us-east-1: secret {ASM}:missing: "
                f"ResourceNotFoundException: The task can't retrieve the secret with ARN '{ASM}:missing' "
                "from AWS Secrets Manager. Check whether the secret exists in the specified Region"
            ),
        ),
    ],
)
def test_a_missing_secret_stops_the_task_with_the_agents_text_and_says_what_to_write(
    pillion: Pillion, source: str, text: str
) -> None:
    secrets = [{"name": "KEY", "valueFrom": source}]
    run = pillion.run(task(shell("app", "echo never", secrets=secrets)))
    assert (run.exit_code, run.messages("app")) == (125, [])
    assert (run.task["stopCode"], run.task["stoppedReason"]) == ("TaskFailedToStart", text)
    assert f"local AWS does not have {source}" in run.errors


def test_a_value_is_seen_by_its_own_container_and_by_nobody_else(pillion: Pillion) -> None:
    seed(pillion, SEED)
    app = shell("app", "echo ${#KEY}; sleep 60", secrets=[{"name": "KEY", "valueFrom": "/app/key"}])
    with pillion.session(task(app, shell("other", "sleep 60"))) as session:
        session.until(type="log", container="app")
        label = f"label=com.amazonaws.ecs.cluster={pillion.cluster}"
        seen = {
            name: VALUE in docker("inspect", name)
            for name in docker("ps", "--format", "{{.Names}}", "--filter", label).split()
        }
        journal = sqlite3.connect(pillion.folder / "state" / "journal.db")
        stored = "\n".join(journal.iterdump())
        journal.close()
        session.interrupt()
        run = session.finish()
    assert [("-app-" in name) for name, sees in seen.items() if sees] == [True]
    assert len(seen) == 3
    assert "arn:aws:ecs" in stored
    assert VALUE not in stored
    assert VALUE not in json.dumps(run.lines) + run.errors
