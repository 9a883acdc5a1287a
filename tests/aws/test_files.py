"""Environment files come from S3. Against local AWS."""

from pathlib import Path

import pytest

from pillion.aws.clients import AwsClients
from pillion.aws.files import FilesUnavailableError, fetch_environment_files
from pillion.aws.seed import ObjectSeed, Seed
from pillion.aws.seeding import apply_seed
from pillion.core.inputs.secret import SecretValue

ARN = "arn:aws:s3:::conf/app.env"


async def test_files_are_read_by_their_arn(clients: AwsClients, tmp_path: Path) -> None:
    objects = (
        ObjectSeed(bucket="conf", key="app.env", text=SecretValue("A=1\nB=ü\n")),
        ObjectSeed(bucket="conf", key="b/other file.env", text=SecretValue("")),
    )
    await apply_seed(Seed(objects=objects), clients, folder=tmp_path)
    other = "arn:aws:s3:::conf/b/other file.env"
    assert await fetch_environment_files([ARN, other], clients) == {ARN: {"A": "1", "B": "ü"}, other: {}}


async def test_every_file_that_cannot_be_had_is_told(clients: AwsClients) -> None:
    with pytest.raises(FilesUnavailableError) as caught:
        await fetch_environment_files([ARN, "s3://conf/x.env"], clients)
    first, second = str(caught.value).split(";")
    assert first == (
        "unable to download env file with key app.env from bucket conf: "
        "NoSuchBucket: The specified bucket does not exist"
    )
    assert second.startswith("s3://conf/x.env is not the ARN of an S3 object")
    assert caught.value.missing == ("conf/app.env",)
