"""What a definition asks of AWS."""

from pillion.core.inputs.needs import (
    EnvironmentFileNeed,
    RegistryNeed,
    SecretNeed,
    environment_file_needs,
    registry_needs,
    resources_of,
    secret_needs,
)
from pillion.core.inputs.references import Parameter, Secret
from pillion.core.taskdef.enums import EnvironmentFileType, FirelensConfigurationType, LogDriver
from pillion.core.taskdef.model import (
    ContainerDefinition,
    EnvironmentFile,
    FirelensConfiguration,
    LogConfiguration,
    RepositoryCredentials,
    TaskDefinition,
)
from pillion.core.taskdef.model import Secret as SecretEntry

TOKEN = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:token-AbCdEf"

APP = ContainerDefinition(
    name="app",
    environment_files=(EnvironmentFile(value="arn:aws:s3:::b/app.env", type=EnvironmentFileType.S3),),
    secrets=(SecretEntry(name="DB", value_from="/app/db"),),
    log_configuration=LogConfiguration(
        log_driver=LogDriver.AWSFIRELENS,
        secret_options=(SecretEntry(name="apikey", value_from=TOKEN),),
    ),
    repository_credentials=RepositoryCredentials(credentials_parameter=TOKEN),
)
ROUTER = ContainerDefinition(
    name="router", firelens_configuration=FirelensConfiguration(type=FirelensConfigurationType.FLUENTBIT)
)
PLAIN = ContainerDefinition(name="plain")
TASK = TaskDefinition(family="web", container_definitions=(APP, ROUTER, PLAIN))


def test_every_reference_of_a_definition_is_found() -> None:
    assert secret_needs(TASK, region="us-east-1") == (
        SecretNeed(container="app", name="DB", source=Parameter(region="us-east-1", name="/app/db")),
        SecretNeed(
            container="app", name="apikey", source=Secret(region="eu-west-1", arn=TOKEN), is_option=True
        ),
    )
    assert environment_file_needs(TASK) == (
        EnvironmentFileNeed(container="app", arn="arn:aws:s3:::b/app.env"),
    )
    assert registry_needs(TASK) == (RegistryNeed(container="app", arn=TOKEN),)


def test_the_router_waits_for_the_secret_options_of_its_clients() -> None:
    assert {item.name: resources_of(TASK, item) for item in TASK.container_definitions} == {
        "app": ("secrets", "environment files"),
        "router": ("secrets", "firelens"),
        "plain": (),
    }
