"""Every boto3 client of pillion is made here: endpoint, region, credentials, time limits.

Calls run in threads, because boto3 blocks. Its exceptions stop here: what comes out is `AwsCallError`, whose
text has AWS's code and message, never a request's parameters.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeVar

from msgspec import Struct

from pillion.core.inputs.secret import SecretValue
from pillion.ports.aws import AwsCallError

CONNECT_TIMEOUT_S: Final = 5.0
READ_TIMEOUT_S: Final = 30.0
"""The ECS agent's own limit for fetching a file from S3."""

Result = TypeVar("Result")


class StaticKeys(Struct, frozen=True, kw_only=True):
    """Credentials that are not the user's own: those of an emulator."""

    access_key_id: str
    secret_access_key: SecretValue


EMULATOR_KEYS: Final = StaticKeys(
    access_key_id="AKIAPILLIONLOCAL0000", secret_access_key=SecretValue("local")
)
"""Emulators check no signature; the key must only look like one."""


class AwsClients:
    """Clients by service and region, made at first use.

    Args:
        region: where calls go that name none.
        endpoint: awaited before a call; returns the endpoint's URL, or None for AWS itself.
        keys: credentials; None takes the user's own, as every AWS tool finds them.
    """

    def __init__(
        self, *, region: str, endpoint: Callable[[], Awaitable[str | None]], keys: StaticKeys | None
    ) -> None:
        self.region = region
        self._endpoint = endpoint
        self._keys = keys
        self._clients: dict[tuple[str, str, str | None], Any] = {}
        self._session: Any = None
        self._lock = threading.Lock()

    async def call(
        self, service: str, operation: str, *, region: str | None = None, **parameters: object
    ) -> dict[str, Any]:
        """Make one API call; `operation` is boto3's name for it (`get_parameters`).

        Raises:
            AwsCallError: it failed, or there is no AWS to call.
        """
        return await self.use(
            service,
            lambda client: getattr(client, operation)(**parameters),
            operation=operation,
            region=region,
        )

    async def use(
        self, service: str, action: Callable[[Any], Result], *, operation: str, region: str | None = None
    ) -> Result:
        """Run `action` with a client, in a thread. Raises AwsCallError."""
        url = await self._endpoint()
        return await asyncio.to_thread(self._use, service, region or self.region, url, action, operation)

    def _use(
        self, service: str, region: str, url: str | None, action: Callable[[Any], Result], operation: str
    ) -> Result:
        session = self.session()
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            return action(self._client(session, service, region, url))
        except ClientError as error:
            details = error.response.get("Error", {})
            code, message = details.get("Code", "Unknown"), details.get("Message", "")
            raise AwsCallError(error.operation_name, code, message) from error
        except BotoCoreError as error:
            raise AwsCallError(operation, type(error).__name__, str(error)) from error

    def session(self) -> Any:  # noqa: ANN401 - boto3 ships no types
        """Return the boto3 session. Imports boto3: not for the event loop's thread. Raises AwsCallError."""
        with self._lock:
            if self._session is None:
                try:
                    import boto3
                except ImportError as error:
                    raise AwsCallError(
                        "boto3", "NotInstalled", "it is not installed: pip install 'pillion[local]'"
                    ) from error
                keys = self._keys
                self._session = boto3.Session(
                    region_name=self.region,
                    aws_access_key_id=None if keys is None else keys.access_key_id,
                    aws_secret_access_key=None if keys is None else keys.secret_access_key.reveal(),
                )
            return self._session

    def _client(self, session: Any, service: str, region: str, url: str | None) -> Any:  # noqa: ANN401 - as above
        from botocore.config import Config

        with self._lock:  # making clients is not thread-safe, using them is
            key = (service, region, url)
            if key not in self._clients:
                self._clients[key] = session.client(
                    service,
                    region_name=region,
                    endpoint_url=url,
                    config=Config(
                        connect_timeout=CONNECT_TIMEOUT_S,
                        read_timeout=READ_TIMEOUT_S,
                        retries={"mode": "standard", "max_attempts": 3},
                    ),
                )
            return self._clients[key]
