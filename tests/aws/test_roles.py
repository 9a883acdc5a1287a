"""Credentials of a role: temporary, of that role, renewed in time. Against local AWS."""

import pytest

from pillion.aws.clients import EMULATOR_KEYS, AwsClients, StaticKeys
from pillion.aws.roles import REFRESH_BEFORE_S, RoleSessions, local_role_arn
from pillion.aws.settings import AwsMode
from pillion.core.inputs.secret import SecretValue

ROLE = "arn:aws:iam::111122223333:role/app/task-role"


async def test_the_task_is_its_role_in_local_aws(clients: AwsClients, local_url: str) -> None:
    sessions = RoleSessions(clients, mode=AwsMode.LOCAL, assume_role=False, now_s=lambda: 0.0)
    credentials = await sessions.credentials_of(ROLE, "0123/task id")
    assert credentials.role_arn == ROLE
    assert credentials.access_key_id.startswith("ASIA")

    async def endpoint() -> str:
        return local_url

    keys = StaticKeys(
        access_key_id=credentials.access_key_id, secret_access_key=credentials.secret_access_key
    )
    inside = AwsClients(region="eu-west-1", endpoint=endpoint, keys=keys)
    identity = await inside.call("sts", "get_caller_identity")
    assert (identity["Account"], identity["Arn"]) == (
        "123456789012",
        "arn:aws:sts::123456789012:assumed-role/task-role/0123-task-id",
    )


async def test_credentials_are_kept_until_they_are_nearly_over(clients: AwsClients) -> None:
    now_s = [0.0]
    sessions = RoleSessions(clients, mode=AwsMode.LOCAL, assume_role=False, now_s=lambda: now_s[0])
    first = await sessions.credentials_of(ROLE, "task")
    now_s[0] = first.expires_at_s - REFRESH_BEFORE_S
    assert await sessions.credentials_of(ROLE, "task") is first
    now_s[0] += 1
    assert await sessions.credentials_of(ROLE, "task") is not first
    assert await sessions.credentials_of(ROLE, "another task") is not first


async def test_long_lived_keys_of_the_user_become_a_session(clients: AwsClients) -> None:
    sessions = RoleSessions(clients, mode=AwsMode.REAL, assume_role=False, now_s=lambda: 0.0)
    credentials = await sessions.credentials_of(ROLE, "task")
    assert credentials.session_token != SecretValue("")
    assert credentials.access_key_id != EMULATOR_KEYS.access_key_id
    assert credentials.secret_access_key != EMULATOR_KEYS.secret_access_key


@pytest.mark.parametrize(
    ("arn", "local"),
    [
        (ROLE, "arn:aws:iam::123456789012:role/app/task-role"),
        ("arn:aws-cn:iam::111122223333:role/r", "arn:aws-cn:iam::123456789012:role/r"),
        ("plain", "arn:aws:iam::123456789012:role/plain"),
    ],
)
def test_a_role_of_any_account_is_one_of_local_aws(arn: str, local: str) -> None:
    assert local_role_arn(arn) == local
