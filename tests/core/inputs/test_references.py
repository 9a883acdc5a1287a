"""Every form of a reference, and what is none."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pillion.core.inputs.references import (
    INVALID_ARN,
    Parameter,
    ReferenceTextError,
    S3Object,
    Secret,
    parse_object_arn,
    parse_value_from,
)

SECRET = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:db-AbCdEf"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("/app/db", Parameter(region="us-east-1", name="/app/db")),
        ("plain", Parameter(region="us-east-1", name="plain")),
        (
            "arn:aws:ssm:eu-west-1:111122223333:parameter/app/db",
            Parameter(region="eu-west-1", name="arn:aws:ssm:eu-west-1:111122223333:parameter/app/db"),
        ),
        (SECRET, Secret(region="eu-west-1", arn=SECRET)),
        (f"{SECRET}:user::", Secret(region="eu-west-1", arn=SECRET, json_key="user")),
        (f"{SECRET}::AWSPREVIOUS:", Secret(region="eu-west-1", arn=SECRET, version_stage="AWSPREVIOUS")),
        (f"{SECRET}:::9d4c", Secret(region="eu-west-1", arn=SECRET, version_id="9d4c")),
        (
            f"{SECRET}:user:AWSCURRENT:9d4c",
            Secret(
                region="eu-west-1", arn=SECRET, json_key="user", version_stage="AWSCURRENT", version_id="9d4c"
            ),
        ),
        (f"{SECRET}:::", Secret(region="eu-west-1", arn=SECRET)),
    ],
)
def test_a_value_from_names_a_parameter_or_a_secret(text: str, expected: Parameter | Secret) -> None:
    assert parse_value_from(text, region="us-east-1") == expected


@pytest.mark.parametrize("tail", [":user", ":user:", ":a:b:c:d"])
def test_a_secret_has_all_three_extra_parts_or_none(tail: str) -> None:
    with pytest.raises(ReferenceTextError) as caught:
        parse_value_from(SECRET + tail, region="us-east-1")
    assert str(caught.value) == INVALID_ARN


@given(st.text(), st.sampled_from(["", "arn:", "arn:aws:secretsmanager:", SECRET, f"{SECRET}:"]))
def test_any_text_is_read_or_refused_and_never_breaks(text: str, head: str) -> None:
    try:
        reference = parse_value_from(head + text, region="us-east-1")
    except ReferenceTextError:
        return
    if isinstance(reference, Secret):
        extra = (reference.json_key, reference.version_stage, reference.version_id)
        assert (head + text).startswith(reference.arn)
        assert (head + text)[len(reference.arn) :] in ("", f":{':'.join(extra)}")
    else:
        assert reference.name == head + text


def test_an_object_arn_is_bucket_and_key() -> None:
    arn = "arn:aws-cn:s3:::my-bucket/folder/with:colon/app.env"
    assert parse_object_arn(arn) == S3Object(
        arn=arn, partition="aws-cn", bucket="my-bucket", key="folder/with:colon/app.env"
    )


@pytest.mark.parametrize(
    "text", ["", "s3://bucket/key", "arn:aws:s3:::bucket", "arn:aws:s3:::bucket/", "arn:aws:sqs:::bucket/key"]
)
def test_what_is_no_object_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ReferenceTextError, match="arn:aws:s3:::my-bucket"):
        parse_object_arn(text)
