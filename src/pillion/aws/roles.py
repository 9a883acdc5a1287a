"""Temporary credentials of a task's roles.

Local AWS: a session of STS for the role's name, in local AWS's one account, so that GetCallerIdentity says
the role and everything the task makes is where the seed is. Real AWS: the role itself if the user asked for
it (`assume_role`), else a session of the user's own credentials; long-lived keys never reach a container.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

from pillion.aws.clients import AwsClients
from pillion.aws.settings import AwsMode
from pillion.core.inputs.secret import SecretValue
from pillion.ports.aws import AwsCallError, RoleCredentials

SESSION_DURATION_S: Final = 3600
REFRESH_BEFORE_S: Final = 15 * 60.0
"""Credentials are renewed when less than this is left of them."""

LOCAL_ACCOUNT: Final = "123456789012"

_ACCOUNT: Final = re.compile(r"(arn:[^:]*:iam::)[^:]*(:)")
_NOT_IN_SESSION_NAME: Final = re.compile(r"[^\w+=,.@-]", re.ASCII)


class RoleSessions:
    """Gives out credentials of roles and keeps them until they are nearly over.

    Args:
        clients: of the AWS in question.
        mode: which AWS that is.
        assume_role: real AWS only: assume the role itself.
        now_s: the time in POSIX seconds.
    """

    def __init__(
        self, clients: AwsClients, *, mode: AwsMode, assume_role: bool, now_s: Callable[[], float]
    ) -> None:
        self._clients = clients
        self._mode = mode
        self._assume_role = assume_role or mode is not AwsMode.REAL
        self._now_s = now_s
        self._known: dict[tuple[str, str], RoleCredentials] = {}
        self._lock = asyncio.Lock()

    async def credentials_of(self, role_arn: str, session_name: str) -> RoleCredentials:
        """Return credentials that are valid for at least 15 minutes, where AWS gives them for that long.

        Raises:
            AwsCallError: AWS refuses, or the user has no credentials to begin with.
        """
        async with self._lock:  # containers that start together ask together
            key = (role_arn, session_name)
            known = self._known.get(key)
            if known is None or known.expires_at_s - self._now_s() < REFRESH_BEFORE_S:
                known = self._known[key] = await self._fetch(role_arn, session_name)
            return known

    async def _fetch(self, role_arn: str, session_name: str) -> RoleCredentials:
        if not self._assume_role:
            return await self._own_session(role_arn)
        answer = await self._clients.call(
            "sts",
            "assume_role",
            RoleArn=role_arn if self._mode is AwsMode.REAL else local_role_arn(role_arn),
            RoleSessionName=_NOT_IN_SESSION_NAME.sub("-", session_name)[:64],
            DurationSeconds=SESSION_DURATION_S,
        )
        return _from_answer(role_arn, answer["Credentials"])

    async def _own_session(self, role_arn: str) -> RoleCredentials:
        """The user's session as it is if it is temporary, else a temporary one made of it."""
        own = await asyncio.to_thread(self._own_credentials)
        if own.token:
            frozen = own.get_frozen_credentials()
            expiry = getattr(own, "_expiry_time", None)  # botocore tells it nowhere else
            over = expiry if isinstance(expiry, datetime) else None
            expires_at_s = over.timestamp() if over is not None else self._now_s() + SESSION_DURATION_S
            return RoleCredentials(
                role_arn=role_arn,
                access_key_id=frozen.access_key,
                secret_access_key=SecretValue(frozen.secret_key),
                session_token=SecretValue(frozen.token),
                expires_at_s=expires_at_s,
            )
        answer = await self._clients.call("sts", "get_session_token", DurationSeconds=SESSION_DURATION_S)
        return _from_answer(role_arn, answer["Credentials"])

    def _own_credentials(self) -> Any:  # noqa: ANN401 - botocore ships no types
        own = self._clients.session().get_credentials()
        if own is None:
            raise AwsCallError(
                "credentials",
                "NoCredentialsError",
                "you have no AWS credentials here: log in (aws sso login), set AWS_PROFILE, "
                "or use --aws local",
            )
        return own


def local_role_arn(role_arn: str) -> str:
    """Return a role's ARN in local AWS's account; a plain role name becomes an ARN."""
    if not role_arn.startswith("arn:"):
        return f"arn:aws:iam::{LOCAL_ACCOUNT}:role/{role_arn}"
    return _ACCOUNT.sub(rf"\g<1>{LOCAL_ACCOUNT}\g<2>", role_arn, count=1)


def _from_answer(role_arn: str, credentials: dict[str, Any]) -> RoleCredentials:
    return RoleCredentials(
        role_arn=role_arn,
        access_key_id=credentials["AccessKeyId"],
        secret_access_key=SecretValue(credentials["SecretAccessKey"]),
        session_token=SecretValue(credentials["SessionToken"]),
        expires_at_s=credentials["Expiration"].timestamp(),
    )
