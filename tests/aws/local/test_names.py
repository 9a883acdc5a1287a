"""ARNs of any account find what local AWS holds."""

from typing import Any

import pytest

from pillion.aws.local.names import rewrite_names

HELD = {
    ("ssm", "flat"),
    ("ssm", "/app/url"),
    ("secretsmanager", "prod/db"),
    ("secretsmanager", "my-secret"),
}
SECRET = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:"
PARAMETER = "arn:aws:ssm:eu-west-1:111122223333:parameter"


def rewritten(target: str, document: Any) -> tuple[bool, Any]:
    changed = rewrite_names(target, document, lambda service, name: (service, name) in HELD)
    return changed, document


@pytest.mark.parametrize(
    ("target", "before", "after"),
    [
        ("secretsmanager.GetSecretValue", {"SecretId": f"{SECRET}prod/db-AbCdEf"}, {"SecretId": "prod/db"}),
        ("secretsmanager.GetSecretValue", {"SecretId": f"{SECRET}my-secret"}, {"SecretId": "my-secret"}),
        (
            "secretsmanager.GetSecretValue",
            {"SecretId": f"{SECRET}my-secret-AbCdEf"},
            {"SecretId": "my-secret"},
        ),
        (
            "AmazonSSM.GetParameters",
            {"Names": [f"{PARAMETER}/app/url", "/x", f"{PARAMETER}/flat:2"], "WithDecryption": True},
            {"Names": ["/app/url", "/x", "flat:2"], "WithDecryption": True},
        ),
        ("AmazonSSM.GetParameter", {"Name": f"{PARAMETER}/gone"}, {"Name": "/gone"}),
    ],
)
def test_an_arn_becomes_a_name(target: str, before: Any, after: Any) -> None:
    assert rewritten(target, before) == (True, after)


@pytest.mark.parametrize(
    ("target", "document"),
    [
        ("secretsmanager.GetSecretValue", {"SecretId": "prod/db"}),
        ("secretsmanager.GetSecretValue", {"SecretId": f"{SECRET}gone-AbCdEf"}),
        ("secretsmanager.GetRandomPassword", {}),
        ("AmazonSSM.GetParameters", {"Names": ["/a", 1]}),
        ("Logs_20140328.PutLogEvents", {"SecretId": f"{SECRET}prod/db"}),
        ("AmazonSSM.GetParameters", None),
        ("AmazonSSM.GetParameters", [1]),
    ],
)
def test_everything_else_stays(target: str, document: Any) -> None:
    assert rewritten(target, document) == (False, document)
