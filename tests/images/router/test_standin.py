"""The stand-in router: it reads the configuration that FireLens generates and does what that says."""

import asyncio
import gzip
import json
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgpack
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as BotocoreCredentials
from router_standin.cloudwatch import DeliveryError, Entry
from router_standin.configuration import ConfigurationError, Section, load
from router_standin.filters import make_filter
from router_standin.inputs import chunk_of, entries_of, start_input
from router_standin.router import Route, Router, matcher
from router_standin.signing import Credentials, signed_headers

from pillion.sidecars.firelens.plan import FirelensSettings, plan_firelens
from sidecars.firelens.definitions import EXAMPLES, IDENTITY


def section(kind: str, *pairs: tuple[str, str]) -> Section:
    return Section(kind, list(pairs))


def quiet(level: str, text: str) -> None:
    """Nobody reads the log of a test."""


@pytest.mark.parametrize(
    "name", [name for name in EXAMPLES if name.startswith("fluentbit-") and "s3" not in name]
)
def test_every_generated_configuration_is_understood(name: str, tmp_path: Path) -> None:
    definition, mode = EXAMPLES[name]
    plan = plan_firelens(definition, IDENTITY, mode, FirelensSettings(folder="/state"))
    assert plan is not None
    path = tmp_path / "fluent-bit.conf"
    path.write_text(plan.text.replace("/fluent-bit/configs/parse-json.conf", str(tmp_path / "more.conf")))
    (tmp_path / "more.conf").write_text("[OUTPUT]\n    Name stdout\n    Match *\n")
    sections = load(path, {"apikey_0": "a", "apikey_2": "b"}, lambda _: None)
    kinds = [item.kind for item in sections]
    assert kinds.count("INPUT") == (3 if plan.configuration.interface else 1)
    assert [item.get("Match") for item in sections if item.kind == "OUTPUT" and item.name != "null"] == (
        [f"{output.container}-firelens*" for output in plan.configuration.outputs] or ["*"]
    )


def test_included_files_variables_and_merged_services(tmp_path: Path) -> None:
    (tmp_path / "a.conf").write_text("[SERVICE]\n    Flush 5\n\n@INCLUDE more/*.conf\n")
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "b.conf").write_text(
        "# a comment\n[SERVICE]\n    flush ${FLUSH}\n[OUTPUT]\n    Name x${GONE}y"
    )
    warnings: list[str] = []
    service, output = load(tmp_path / "a.conf", {"FLUSH": "2"}, warnings.append)
    assert (service.get("Flush"), output.get("name")) == ("2", "xy")
    assert warnings == ["[env] variable ${GONE} is used but not set"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("Name x\n", "invalid indentation level"),
        ("    Name x\n", "outside of any section"),
        ("[INPUT]\n    Name\n", "undefined value"),
        ("@INCLUDE gone.conf\n", "could not open"),
        ("@INCLUDE gone/*.conf\n", "no file matches"),
    ],
)
def test_a_broken_configuration_is_refused(text: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "a.conf").write_text(text)
    with pytest.raises(ConfigurationError, match=message):
        load(tmp_path / "a.conf", {}, lambda _: None)


BASE = (("region", "eu-west-1"), ("log_group_name", "/g"))
PREFIX = ("log_stream_prefix", "p-")


@pytest.mark.parametrize(
    ("pairs", "exit_code"),
    [
        ([("Name", "datadog")], 1),
        ([("Name", "cloudwatch_logs"), *BASE, PREFIX, ("mode", "non-blocking")], 255),
        ([("Name", "cloudwatch_logs"), *BASE, PREFIX, PREFIX], 255),
        ([("Name", "cloudwatch_logs"), *BASE], 255),
        ([("Name", "cloudwatch_logs"), ("region", "eu-west-1"), PREFIX], 255),
        ([("Name", "cloudwatch_logs"), *BASE, PREFIX, ("tls", "On")], 1),
    ],
)
async def test_an_output_that_fluent_bit_refuses_is_refused(
    pairs: list[tuple[str, str]], exit_code: int
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        Router([section("SERVICE"), section("OUTPUT", *pairs)], quiet)
    assert caught.value.exit_code == exit_code


async def test_the_go_plugin_takes_options_it_does_not_know() -> None:
    output = section("OUTPUT", ("Name", "cloudwatch"), *BASE, PREFIX, ("mode", "non-blocking"))
    assert Router([section("SERVICE"), output], quiet).routes[0].label == "cloudwatch.0"


def test_filters_keep_drop_and_add() -> None:
    rules = (("Regex", "log ^ERROR|warn"), ("Exclude", "log health"))
    grep = make_filter(section("FILTER", ("Name", "grep"), *rules))
    lines = ["ERROR x", "a warning", "info", "ERROR health"]
    assert [line for line in lines if grep({"log": line}) is not None] == ["ERROR x", "a warning"]
    assert grep({"other": "ERROR"}) is None
    changes = (("Record", "ecs_cluster prod"), ("Remove_key", "a"))
    modify = make_filter(section("FILTER", ("Name", "record_modifier"), *changes))
    assert modify({"a": 1, "log": "x"}) == {"log": "x", "ecs_cluster": "prod"}
    parser = make_filter(
        section("FILTER", ("Name", "parser"), ("Key_Name", "log"), ("Parser", "json"), ("Reserve_Data", "On"))
    )
    assert parser({"log": '{"a": {"b": 1}}', "source": "stdout"}) == {"a": {"b": 1}, "source": "stdout"}
    assert parser({"log": "[1]"}) == {"log": "[1]"}


@pytest.mark.parametrize(
    ("pattern", "tag", "matches"),
    [
        ("*", "anything", True),
        ("web-firelens*", "web-firelens-0123", True),
        ("web-firelens*", "web.front-firelens-0123", False),
        ("a.b", "axb", False),
        (None, "x", False),
    ],
)
def test_only_the_star_is_a_wildcard(pattern: str | None, tag: str, matches: bool) -> None:
    assert matcher(pattern, None)(tag) is matches


TIME = msgpack.ExtType(0, (1_700_000_000).to_bytes(4) + (500_000_000).to_bytes(4))
RECORDS = [{"log": "a"}, {"log": "b"}]
PACKED = b"".join(msgpack.packb([TIME, record]) for record in RECORDS)


@pytest.mark.parametrize(
    ("message", "records"),
    [
        (["tag", TIME, {"log": "a"}], RECORDS[:1]),
        (["tag", TIME, {"log": "a"}, {"chunk": "c"}], RECORDS[:1]),
        (["tag", [[TIME, record] for record in RECORDS], {"chunk": "c"}], RECORDS),
        (["tag", PACKED, {"chunk": "c"}], RECORDS),
        (["tag", gzip.compress(PACKED), {"compressed": "gzip"}], RECORDS),
    ],
)
async def test_every_kind_of_message_is_understood(message: list[object], records: list[object]) -> None:
    taken: list[tuple[str, float, object]] = []
    async with forward_socket(lambda *entry: taken.append(entry)) as path:
        reader, writer = await asyncio.open_unix_connection(path)
        writer.write(msgpack.packb(message))
        writer.write_eof()
        answer = await reader.read()
        writer.close()
    assert taken == [("tag", 1_700_000_000.5, record) for record in records]
    wants_answer = isinstance(message[-1], dict) and "chunk" in message[-1]
    assert answer == (msgpack.packb({"ack": "c"}) if wants_answer else b"")


def test_a_record_with_a_key_chunk_is_no_request_for_an_answer() -> None:
    assert chunk_of(["tag", 1, {"chunk": "c"}]) is None
    assert [record for _, record in entries_of(["tag", 1, {"chunk": "c"}])] == [{"chunk": "c"}]


def leave_behind(path: str) -> str:
    """A socket of a router that was killed."""
    Path(path).write_text("")
    return path


@asynccontextmanager
async def forward_socket(ingest: object) -> AsyncIterator[str]:
    async def room() -> None:
        """There is always room in a test."""

    with tempfile.TemporaryDirectory() as folder:
        path = leave_behind(f"{folder}/fluent.sock")
        server = await start_input(
            section("INPUT", ("Name", "forward"), ("unix_path", path)),
            0,
            ingest,  # type: ignore[arg-type] # a lambda of the test
            room,
        )
        async with server:
            yield path


async def test_the_health_check_is_a_record_of_its_own() -> None:
    taken = asyncio.Event()
    records: list[tuple[str, object]] = []

    def ingest(tag: str, _: float, record: dict[str, object]) -> None:
        records.append((tag, record))
        taken.set()

    async def room() -> None:
        """There is always room in a test."""

    pairs = (("Name", "tcp"), ("Tag", "firelens-healthcheck"), ("Listen", "127.0.0.1"), ("Port", "0"))
    async with await start_input(section("INPUT", *pairs), 0, ingest, room) as server:
        _, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        writer.write(b'{"health": ')
        writer.write(b'"check"}\n')
        await asyncio.wait_for(taken.wait(), 5)
        writer.close()
    assert records == [("firelens-healthcheck", {"health": "check"})]


class Sometimes:
    """An output that fails a number of times."""

    def __init__(self, failures: int) -> None:
        self.failures = failures
        self.delivered: list[Entry] = []

    def deliver(self, entries: list[Entry]) -> None:
        if self.failures:
            self.failures -= 1
            raise DeliveryError("not now")
        self.delivered += entries


async def flushed(failures: int, **options: str) -> Route:
    route = Route(section("OUTPUT", ("Name", "null"), ("Match", "*"), *options.items()), 0, quiet)
    route.output = Sometimes(failures)
    route.waiting = [("tag", 1.0, {"log": "x"})]
    stopping = asyncio.Event()
    stopping.set()  # retries do not wait
    await route.flush(stopping)
    return route


@pytest.mark.parametrize(
    ("failures", "options", "sent", "dropped"),
    [
        (0, {}, 1, 0),
        (1, {}, 1, 0),
        (2, {}, 0, 1),
        (1, {"Retry_Limit": "no_retries"}, 0, 1),
        (2, {"Retry_Limit": "no_limits"}, 1, 0),
    ],
)
async def test_a_batch_is_tried_again_as_often_as_the_limit_says(
    failures: int, options: dict[str, str], sent: int, dropped: int
) -> None:
    route = await flushed(failures, **options)
    assert (route.sent, route.dropped) == (sent, dropped)


def test_the_signature_is_aws_own() -> None:
    """Compared with botocore, which signs the same request."""
    body = json.dumps({"logGroupName": "/g"}).encode()
    ours = signed_headers(
        Credentials("AKIA", "secret", "token"),
        host="logs.eu-west-1.amazonaws.com",
        region="eu-west-1",
        service="logs",
        target="Logs_20140328.CreateLogStream",
        body=body,
        at_s=time.time(),
    )
    request = AWSRequest(
        method="POST",
        url="https://logs.eu-west-1.amazonaws.com/",
        data=body,
        headers={
            "content-type": "application/x-amz-json-1.1",
            "x-amz-target": "Logs_20140328.CreateLogStream",
        },
    )
    SigV4Auth(BotocoreCredentials("AKIA", "secret", "token"), "logs", "eu-west-1").add_auth(request)
    assert ours["x-amz-date"] == request.headers["X-Amz-Date"]
    assert ours["authorization"] == request.headers["Authorization"]
