"""The calls of CloudWatch Logs that deliver events.

PutLogEvents does not go through boto3: checking each of 10,000 events against the service model costs it more
than everything else together. The request is signed by botocore and sent by aiohttp (imported for a batch and
not before); the rare calls (groups, streams) go through boto3.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from pillion.aws.clients import CONNECT_TIMEOUT_S, READ_TIMEOUT_S, AwsClients
from pillion.core.awslogs.events import LogEvent
from pillion.core.awslogs.rejections import rejected_lines
from pillion.ports.aws import AwsCallError

if TYPE_CHECKING:
    import aiohttp

_TARGET: Final = "Logs_20140328.PutLogEvents"


class LogCalls:
    """CloudWatch Logs, for sinks; one for all sinks of a run. Close it at the end."""

    def __init__(self, clients: AwsClients) -> None:
        self._clients = clients
        self._session: aiohttp.ClientSession | None = None
        self._urls: dict[str | None, str] = {}

    async def ensure_group(self, group: str, *, region: str | None) -> bool:
        """Create a log group; return False if there was one. Raises AwsCallError."""
        try:
            await self._clients.call("logs", "create_log_group", region=region, logGroupName=group)
        except AwsCallError as error:
            if error.code != "ResourceAlreadyExistsException":
                raise
            return False
        return True

    async def ensure_stream(self, group: str, stream: str, *, region: str | None) -> None:
        """Create a log stream unless there is one. Raises AwsCallError."""
        try:
            await self._clients.call(
                "logs", "create_log_stream", region=region, logGroupName=group, logStreamName=stream
            )
        except AwsCallError as error:
            if error.code != "ResourceAlreadyExistsException":
                raise

    async def put(
        self, group: str, stream: str, events: Sequence[LogEvent], *, region: str | None
    ) -> Mapping[str, int]:
        """Send one batch; return how many lines CloudWatch did not take, by cause. Raises AwsCallError."""
        from aiohttp import ClientError

        url = self._urls.get(region)
        if url is None:
            url = self._urls[region] = await self._clients.use(
                "logs", lambda client: str(client.meta.endpoint_url), operation="PutLogEvents", region=region
            )
        session = self._http()
        request = await asyncio.to_thread(self._signed, url, group, stream, events, region)
        try:
            async with session.post(url, data=request.body, headers=dict(request.headers)) as response:
                answer = await response.read()
                status = response.status
        except (ClientError, TimeoutError, OSError) as error:
            raise AwsCallError(
                "PutLogEvents", "ConnectionError", str(error) or type(error).__name__
            ) from error
        document = _decoded(answer)
        if status != 200:
            raise _failure(status, document)
        return rejected_lines(events, document.get("rejectedLogEventsInfo") or {})

    async def close(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    def _http(self) -> aiohttp.ClientSession:
        if self._session is None:
            from aiohttp import ClientSession, ClientTimeout

            timeout = ClientTimeout(total=READ_TIMEOUT_S, connect=CONNECT_TIMEOUT_S)
            self._session = ClientSession(timeout=timeout, trust_env=True)
        return self._session

    def _signed(
        self, url: str, group: str, stream: str, events: Sequence[LogEvent], region: str | None
    ) -> Any:  # noqa: ANN401 - botocore ships no types
        from botocore.auth import SigV4Auth
        from botocore.awsrequest import AWSRequest

        body = json.dumps(
            {
                "logGroupName": group,
                "logStreamName": stream,
                "logEvents": [{"timestamp": event[0], "message": event[1]} for event in events],
            },
            ensure_ascii=False,
            separators=(",", ":"),
        ).encode()
        headers = {"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": _TARGET}
        request = AWSRequest(method="POST", url=url, data=body, headers=headers)
        credentials = self._clients.session().get_credentials()
        if credentials is None:
            raise AwsCallError("PutLogEvents", "NoCredentialsError", "you have no AWS credentials here")
        SigV4Auth(credentials.get_frozen_credentials(), "logs", region or self._clients.region).add_auth(
            request
        )
        return request.prepare()


def _decoded(answer: bytes) -> dict[str, Any]:
    try:
        document = json.loads(answer or b"{}")
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}


def _failure(status: int, document: Mapping[str, Any]) -> AwsCallError:
    code = str(document.get("__type") or f"HTTP {status}").rpartition("#")[2]
    if status >= 500 and not code.startswith("HTTP 5"):
        code = f"HTTP {status} {code}"
    message = document.get("message") or document.get("Message") or ""
    return AwsCallError("PutLogEvents", code, str(message))
