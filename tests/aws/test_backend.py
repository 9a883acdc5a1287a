"""The AWS of a run: started when needed, filled by the seed, kept or not."""

import asyncio
import sys
from pathlib import Path

import pytest

from pillion.aws.backend import AwsBackend
from pillion.aws.seed import ObjectSeed, ParameterSeed, SecretSeed, Seed
from pillion.aws.settings import AwsMode, AwsSettings
from pillion.core.inputs.secret import SecretValue
from pillion.ports.aws import AwsCallError

SEED = Seed(
    parameters=(ParameterSeed(name="/app/url", value=SecretValue("url")),),
    secrets=(SecretSeed(name="token", value=SecretValue("one")),),
    objects=(ObjectSeed(bucket="conf", key="a/b.conf", file="b.conf"),),
    log_groups=("/web/app",),
)


async def held(backend: AwsBackend) -> tuple[object, ...]:
    clients = backend.clients
    parameter = await clients.call("ssm", "get_parameter", Name="/app/url")
    secret = await clients.call("secretsmanager", "get_secret_value", SecretId="token")
    groups = await clients.call("logs", "describe_log_groups")
    body = await clients.use(
        "s3", lambda s3: s3.get_object(Bucket="conf", Key="a/b.conf")["Body"].read(), operation="GetObject"
    )
    names = [group["logGroupName"] for group in groups["logGroups"]]
    return parameter["Parameter"]["Value"], secret["SecretString"], names, body


@pytest.mark.service
@pytest.mark.slow
async def test_local_aws_starts_at_the_first_need_and_holds_the_seed(tmp_path: Path) -> None:
    (tmp_path / "b.conf").write_bytes(b"content")
    async with AwsBackend(AwsSettings(seed=SEED), region="eu-west-1", folder=tmp_path) as backend:
        running = [backend.is_running]
        urls = await asyncio.gather(backend.url(), backend.url())
        assert [*running, backend.is_running] == [False, True]
        assert urls[0] == urls[1]
        assert await held(backend) == ("url", "one", ["/web/app"], b"content")


@pytest.mark.service
@pytest.mark.slow
async def test_state_outlives_a_run_and_the_seed_wins_for_what_it_names(tmp_path: Path) -> None:
    (tmp_path / "b.conf").write_bytes(b"content")
    settings = AwsSettings(seed=SEED, state_folder="state")
    async with AwsBackend(settings, folder=tmp_path) as backend:
        await backend.clients.call("secretsmanager", "create_secret", Name="made", SecretString="by the task")
        await backend.clients.call("ssm", "put_parameter", Name="/app/url", Value="changed", Overwrite=True)
    async with AwsBackend(settings, folder=tmp_path) as backend:
        made = await backend.clients.call("secretsmanager", "get_secret_value", SecretId="made")
        assert made["SecretString"] == "by the task"
        assert await held(backend) == ("url", "one", ["/web/app"], b"content")


@pytest.mark.slow
async def test_local_aws_dies_with_the_process_that_started_it(tmp_path: Path) -> None:
    backend = AwsBackend(AwsSettings(), folder=tmp_path)
    await backend.url()
    process = backend._local._process
    assert process is not None
    assert process.stdin is not None
    process.stdin.close()  # what the kernel does for a process that was killed
    assert await asyncio.wait_for(process.wait(), 5) == 0


@pytest.mark.service
@pytest.mark.slow
async def test_a_seed_that_cannot_be_applied_names_its_entry(tmp_path: Path) -> None:
    async with AwsBackend(AwsSettings(seed=SEED), folder=tmp_path) as backend:
        with pytest.raises(AwsCallError, match=r"b\.conf: No such file or directory"):
            await backend.url()


async def test_local_aws_that_cannot_be_started_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))  # the installation was removed
    async with AwsBackend(AwsSettings(), folder=tmp_path) as backend:
        with pytest.raises(AwsCallError, match=r"local AWS cannot be started: .*/python: No such file"):
            await backend.url()


async def test_without_aws_every_call_says_so(tmp_path: Path) -> None:
    async with AwsBackend(AwsSettings(mode=AwsMode.NONE), folder=tmp_path) as backend:
        with pytest.raises(AwsCallError, match="--aws none"):
            await backend.clients.call("ssm", "get_parameter", Name="x")


async def test_another_emulator_is_taken_as_it_is(tmp_path: Path) -> None:
    settings = AwsSettings(mode=AwsMode.URL, url="http://localhost:4566")
    async with AwsBackend(settings, folder=tmp_path) as backend:
        assert (await backend.url(), backend.needs_gateway, backend.is_running) == (
            "http://localhost:4566",
            True,
            False,
        )


async def test_real_aws_has_no_endpoint_of_its_own(tmp_path: Path) -> None:
    async with AwsBackend(AwsSettings(mode=AwsMode.REAL), folder=tmp_path) as backend:
        assert (await backend.url(), backend.needs_gateway) == (None, False)
