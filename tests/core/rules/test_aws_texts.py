"""AWS's own texts, byte for byte; people search for them."""

from __future__ import annotations

import pytest

from pillion.core.rules.catalogue import BY_CODE, RULES
from pillion.core.rules.check import check_definition

TEXTS = {
    "E001": "Family contains invalid characters.",
    "E002": "Container list cannot be empty.",
    "E004": "Actual length: '65678'. Max allowed length is '65536' bytes.",
    "E005": "Task definition doesn't have any essential container",
    "E006": "Container names must be unique within a task definition",
    "E009": "Unsupported field 'inferenceAccelerators'.",
    "E010": "Role is not valid",
    "E021": "Container.name should not be null or empty.",
    "E023": "Container.image should not be null or empty.",
    "E024": "Container.image contains invalid characters.",
    "E026": "The 'restartAttemptPeriod' setting for container 'app' must be between 60 and 1800.",
    "E029": "Soft limit exceeds hard limit for ulimit nofile",
    "E101": "Cannot depend on container + 'database' because it does not exist",
    "E102": "A dependency container with SUCCESS or COMPLETE condition cannot be an essential container",
    "E103": "A dependency container with HEALTHY condition must have health check configured",
    "E106": "Invalid 'volumesFrom' setting. Unknown container: 'data'.",
    "E201": (
        "Invalid setting for container 'app'. "
        "At least one of 'memory' or 'memoryReservation' must be specified."
    ),
    "E202": (
        "Invalid setting for container 'app'. 'memory' must be greater than or equal to 'memoryReservation'."
    ),
    "E203": "Fargate requires that 'cpu' be defined at the task level.",
    "E204": "Fargate requires that 'memory' be defined at the task level.",
    "E205": (
        "No Fargate configuration exists for given values: 256 CPU, 4096 memory. "
        "See the Amazon ECS documentation for the valid values."
    ),
    "E206": "Invalid 'cpu' setting for task.",
    "E207": "Invalid 'memory' setting for task.",
    "E208": "Invalid 'cpu' setting for task.",
    "E209": "The sum of all container 'cpu' values cannot be greater than the value of the task 'cpu'.",
    "E210": "The 'memory' setting for container 'app' is greater than for the task",
    "E213": "EphemeralStorage size should be at least 21",
    "E221": "Fargate only supports network mode \u2018awsvpc\u2019.",
    "E222": "Tasks using the EC2 launch type do not support EphemeralStorage.",
    "E223": (
        "Tasks using the Fargate launch type do not support pidMode 'host'. "
        "The supported value for pidMode is 'task'."
    ),
    "E224": "Fargate compatible task definitions do not support ipcMode",
    "E225": "Fargate compatible task definitions do not support constraints",
    "E226": (
        "Fargate requires that \u2018privileged\u2019 setting be \u2018false\u2019 at the container level."
    ),
    "E227": "Fargate compatible task definitions do not support sharedMemorySize",
    "E228": "Fargate compatible task definitions do not support dockerSecurityOptions",
    "E229": "NET_ADMIN is not allowed on Fargate.",
    "E230": "Tasks using the Fargate launch type do not support GPU resource requirements.",
    "E231": (
        "Tasks using the Fargate launch type must have a container stop timeout of less than 120 seconds."
    ),
    "E301": "When networkMode=awsvpc, the host ports and container ports in port mappings must match.",
    "E302": "TCP container port '8080' is used multiple times in task when networkMode=awsvpc.",
    "E303": "When networkMode=awsvpc, port mapping name is already used",
    "E304": "Invalid 'containerPortRange' setting for container 'app'.",
    "E305": "Invalid port mapping for container 'app', cannot specify both single port and port range.",
    "E309": "Links are not supported when networkMode=awsvpc.",
    "E310": "hostname is not supported on container when networkMode=awsvpc.",
    "E401": "Unknown volume 'data'.",
    "E402": "Volumes [data] are not referenced by any of the containers",
    "E406": "EFS IAM authorization requires TransitEncryption to be enabled.",
    "E407": ('When using an EFS access point, the root directory must either be set to "/" or be omitted.'),
    "E408": "TransitEncryptionPort requires that TransitEncryption is enabled.",
    "E409": "Fargate compatible task definitions do not support sourcePath",
    "E410": "Fargate compatible task definitions do not support dockerVolumeConfiguration",
    "E501": (
        "The Systems Manager parameter ARN has a different account ID than the current account. "
        "The current account ID is 111122223333 and the ARN account ID is 444455556666. "
        "Cross-account access for ARNs is not currently supported."
    ),
    "E502": (
        "When you are specifying container secrets, you must also specify a value for 'executionRoleArn'."
    ),
    "E504": (
        "The Systems Manager parameter name specified for secret DB_PASSWORD is invalid. "
        "The parameter name can be up to 2048 characters and include the following letters and symbols: "
        "a-zA-Z0-9_.-,"
    ),
    "E505": (
        "The secret name must be unique and not shared with any new or existing environment variables set on "
        "the container, such as 'DB_PASSWORD'."
    ),
    "E506": "The maximum number of environment files was exceeded. Specify ten or less and try again.",
    "E507": "Invalid arn syntax.",
    "E508": "Fargate requires task definition to have execution role ARN to support ECR images.",
    "E601": "json-file is not a valid log driver. Must be one of [awslogs,splunk,awsfirelens]",
    "E602": "Log driver awslogs requires options: awslogs-group",
    "E603": (
        "Fargate requires log configuration options to include awslogs-stream-prefix "
        "to support log driver awslogs."
    ),
    "E604": "Fargate requires task definition to have execution role ARN to support log driver awslogs.",
    "E701": (
        "When a firelensConfiguration object is specified, at least one container has to be configured with "
        "the awsfirelens log driver."
    ),
    "E702": (
        "When awsfirelens log driver is specified in log configuration, a firelens configuration object must "
        "be configured in one of the containers."
    ),
    "E705": "Invalid arn syntax.",
    "E801": (
        "Health check interval must be less than or equal to the maximum allowed value 300 "
        "for container 'app'"
    ),
    "E901": "APPMESH proxy configuration is only supported in networkMode=awsvpc",
    "E902": "Proxy container [proxy] does not exist.",
    "E903": "Ingress port not found",
    "W501": (
        "an invalid ARN format for the AWS Secrets Manager secret was specified. "
        "Specify a valid ARN and try again."
    ),
    "W701": "missing output key Name which is required for firelens configuration of type fluentbit",
}


@pytest.mark.parametrize(("code", "text"), TEXTS.items(), ids=list(TEXTS))
def test_the_text_is_aws_own(code: str, text: str) -> None:
    found = next(finding for finding in check_definition(BY_CODE[code].bad) if finding.code == code)
    assert (found.message, found.aws_text) == (text, True)


def test_no_other_text_is_passed_off_as_aws_own() -> None:
    spoken_for = {
        finding.code for rule in RULES for finding in check_definition(rule.bad) if finding.aws_text
    }
    assert spoken_for == set(TEXTS)


@pytest.mark.parametrize("key", ["extraHosts", "dnsServers", "disableNetworking"])
def test_awsvpc_has_a_text_for_each_setting_that_it_rules_out(key: str) -> None:
    value = {"extraHosts": [{"hostname": "a", "ipAddress": "10.0.0.1"}], "dnsServers": ["10.0.0.2"]}
    container = {"name": "app", "image": "a:1", "memory": 64, key: value.get(key, True)}
    definition = {"family": "web", "networkMode": "awsvpc", "containerDefinitions": [container]}
    texts = {
        "extraHosts": "Extra hosts are not supported on container when networkMode=awsvpc.",
        "dnsServers": "DNS servers are not supported on container when networkMode=awsvpc.",
        "disableNetworking": "Disable Networking is not supported on container when networkMode=awsvpc.",
    }
    messages = [finding.message for finding in check_definition(definition) if finding.code == "E310"]
    assert messages == [texts[key]]
