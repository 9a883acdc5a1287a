"""What a container asks reaches AWS unchanged, and so does the answer. boto3 against local AWS."""

import asyncio
import gzip
import socket
from collections.abc import AsyncIterator

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from pillion.aws.clients import EMULATOR_KEYS, AwsClients
from pillion.aws.gateway import gateway_app, gateway_runner
from pillion.ports.aws import AwsCallError


@pytest.fixture
async def inside(local_url: str) -> AsyncIterator[AwsClients]:
    async def behind() -> str:
        return local_url

    async with TestServer(gateway_app(behind)) as server:

        async def endpoint() -> str:
            return str(server.make_url("")).rstrip("/")

        yield AwsClients(region="eu-west-1", endpoint=endpoint, keys=EMULATOR_KEYS)


async def test_boto3_works_through_the_gateway(inside: AwsClients, clients: AwsClients) -> None:
    await inside.call("ssm", "put_parameter", Name="/a", Value="ü", Type="String")
    assert (await clients.call("ssm", "get_parameter", Name="/a"))["Parameter"]["Value"] == "ü"
    queue = (await inside.call("sqs", "create_queue", QueueName="q"))["QueueUrl"]
    await inside.call("sqs", "send_message", QueueUrl=queue, MessageBody="hello")
    received = await inside.call("sqs", "receive_message", QueueUrl=queue)
    assert [message["Body"] for message in received["Messages"]] == ["hello"]
    with pytest.raises(AwsCallError) as caught:
        await inside.call("ssm", "get_parameter", Name="/gone")
    assert caught.value.code == "ParameterNotFound"


async def test_large_objects_and_odd_names_pass_unchanged(inside: AwsClients) -> None:
    body = bytes(range(256)) * 4096
    where = {"LocationConstraint": "eu-west-1"}
    await inside.call("s3", "create_bucket", Bucket="bucket", CreateBucketConfiguration=where)
    await inside.call("s3", "put_object", Bucket="bucket", Key="a b/ü+%2F?.bin", Body=body)
    read = await inside.use(
        "s3",
        lambda s3: s3.get_object(Bucket="bucket", Key="a b/ü+%2F?.bin")["Body"].read(),
        operation="GetObject",
    )
    assert read == body
    listed = await inside.call("s3", "list_objects_v2", Bucket="bucket")
    assert [item["Key"] for item in listed["Contents"]] == ["a b/ü+%2F?.bin"]


async def test_what_was_compressed_on_the_way_in_stays_compressed() -> None:
    """As Fluent Bit's output s3 sends it with `compression gzip`."""
    seen: list[bytes] = []

    async def remember(request: web.Request) -> web.Response:
        seen.append(await request.read())
        return web.Response()

    packed = gzip.compress(b"a line\n" * 1000)
    upstream = web.Application()
    upstream.router.add_put("/bucket/key", remember)
    behind = TestServer(upstream)
    await behind.start_server(auto_decompress=False)

    async def endpoint() -> str:
        return str(behind.make_url("")).rstrip("/")

    runner = gateway_runner(endpoint)
    await runner.setup()
    listener = socket.create_server(("127.0.0.1", 0))
    await web.SockSite(runner, listener).start()
    url = f"http://127.0.0.1:{listener.getsockname()[1]}/bucket/key"
    headers = {"Content-Encoding": "gzip"}
    async with aiohttp.ClientSession() as session, session.put(url, data=packed, headers=headers) as answer:
        assert answer.status == 200
    await runner.cleanup()
    await behind.close()
    assert seen == [packed]


@pytest.mark.parametrize("message", ["there is no AWS in this run (--aws none)"])
async def test_without_aws_the_sdk_shows_why(message: str) -> None:
    async def nowhere() -> str:
        raise AwsCallError("AWS", "Unavailable", message)

    async with (
        TestServer(gateway_app(nowhere)) as server,
        aiohttp.ClientSession() as session,
        session.post(server.make_url("/"), data=b"{}") as answer,
    ):
        document = await answer.json(content_type=None)
        assert (answer.status, document["__type"]) == (503, "ServiceUnavailable")
        assert message in document["message"]


async def test_requests_are_passed_on_byte_for_byte() -> None:
    seen: list[tuple[str, str, str, bytes]] = []

    async def remember(request: web.Request) -> web.Response:
        seen.append((request.method, request.raw_path, request.headers["Host"], await request.read()))
        return web.Response(status=418, headers={"X-Amzn-RequestId": "r"}, body=b"tea")

    upstream = web.Application()
    upstream.router.add_route("*", "/{path:.*}", remember)
    async with TestServer(upstream) as behind:

        async def endpoint() -> str:
            return str(behind.make_url("")).rstrip("/")

        async with TestServer(gateway_app(endpoint)) as server:
            reader, writer = await asyncio.open_connection(server.host, server.port)
            writer.write(
                b"PUT /a%20b/%2F?x=%2B&y HTTP/1.1\r\nHost: logs.eu-west-1.amazonaws.com\r\n"
                b"Content-Length: 3\r\nConnection: close\r\n\r\n\x00\xff1"
            )
            answer = await reader.read()
            writer.close()
    assert seen == [("PUT", "/a%20b/%2F?x=%2B&y", "logs.eu-west-1.amazonaws.com", b"\x00\xff1")]
    assert answer.startswith(b"HTTP/1.1 418")
    assert b"X-Amzn-RequestId: r" in answer
    assert answer.endswith(b"tea")
