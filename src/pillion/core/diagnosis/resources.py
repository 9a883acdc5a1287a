"""What is known about what a task needs before its containers start: secrets, logs, files, volumes."""

from __future__ import annotations

from typing import Final

from pillion.core.diagnosis.known import KnownText, Scope

_SECRETS: Final = ("secrets",)
_LOGS: Final = ("logConfiguration",)
_LOG_OPTIONS: Final = ("logConfiguration", "options")
_SECRETIVE: Final = r"(?:secret|asm|ssm|parameter|kms)"
_LOG_WORDS: Final = r"(?:log stream|log group|cloudwatch|logger args|logging driver|logs:)"

RESOURCES: Final[tuple[KnownText, ...]] = (
    KnownText(
        code="secret-json-key",
        pattern=r"did not contain json key (?P<key>[^\s,:]+)",
        cause="the secret has no JSON key {key}",
        explanation="valueFrom ends in :json-key:version-stage:version-id, and the secret's value is "
        "JSON that does not have this key.",
        advice=(
            "Look at the secret's value, and at the spelling of {key} in valueFrom.",
            "Keep the trailing colons: …:secret:name-AbCdEf:{key}::",
        ),
        member=_SECRETS,
    ),
    KnownText(
        code="log-group-unreachable",
        pattern=r"CloudWatch log group defined in the task definition\. There is a connection issue",
        cause="CloudWatch Logs cannot be reached from the task",
        explanation="The text names the log group, but it is the way there that is missing, not "
        "necessarily the group.",
        advice=(
            (
                "In a private subnet: a NAT gateway, or a VPC endpoint for logs whose security group lets "
                "443 in."
            ),
            "Then look whether the group exists.",
        ),
        member=_LOG_OPTIONS,
    ),
    KnownText(
        code="log-group-missing",
        pattern=r"specified log group does not exist|log group.*ResourceNotFoundException"
        r"|ResourceNotFoundException.*log group",
        cause="the CloudWatch log group does not exist",
        explanation="ECS does not create it by itself, and nobody looks for it when a definition is "
        "registered.",
        advice=(
            "Create the log group.",
            'Or let ECS do it: awslogs-create-group "true", with logs:CreateLogGroup for the execution role.',
        ),
        member=_LOG_OPTIONS,
    ),
    KnownText(
        code="log-option-missing",
        pattern=r"(?P<option>awslogs-[a-z-]+) is required",
        cause="the log option {option} is missing",
        advice=("Add {option} to the options.",),
        member=_LOG_OPTIONS,
    ),
    KnownText(
        code="log-options-empty",
        pattern=r"fluentd log driver arguments|no log configuration specified",
        cause="the log driver is awsfirelens and has no options",
        explanation="Without one option Fargate does not make the router an output for this container.",
        advice=("Give at least one option, for example Name with the output plugin's name.",),
        member=_LOGS,
    ),
    KnownText(
        code="log-router-unreachable",
        pattern=r"dial (?:unix|tcp) \S*(?:fluent\S*sock|:24224)|Bridge IP not available to use for firelens",
        cause="the log router cannot be reached, so a container that logs through it cannot start",
        explanation="The fluentd log driver connects when the container starts; the router has to "
        "listen by then.",
        advice=(
            "Look first why the log router does not run: its own reason, exit code and output.",
            (
                "A router with a dependsOn of its own gets no implicit edge: declare dependsOn START on the "
                "router."
            ),
        ),
        member=_LOGS,
    ),
    KnownText(
        code="log-denied",
        pattern=rf"{_LOG_WORDS}.*(?:AccessDenied|not authorized)|not authorized to perform: logs:",
        cause="the role may not write to CloudWatch Logs",
        explanation="awslogs uses the execution role (on EC2 without one, the instance's role); "
        "FireLens uses the task role.",
        advice=("Give the execution role logs:CreateLogStream and logs:PutLogEvents on the group.",),
        member=_LOGS,
    ),
    KnownText(
        code="secret-denied",
        pattern=rf"{_SECRETIVE}.*(?:AccessDenied|not authorized)"
        rf"|not authorized to perform: (?:secretsmanager|ssm|kms):",
        cause="the execution role may not read a secret",
        explanation="Secrets are read with the execution role before the container is made, not with "
        "the task role.",
        advice=(
            (
                "Give the execution role secretsmanager:GetSecretValue or ssm:GetParameters on exactly this "
                "resource."
            ),
            "With a KMS key of your own also kms:Decrypt, in the role and in the key's policy.",
        ),
        member=_SECRETS,
    ),
    KnownText(
        code="secret-missing",
        pattern=r"invalid (?:ssm )?parameters: \S+"
        r"|Secrets Manager can.t find the specified secret|ParameterNotFound"
        rf"|{_SECRETIVE}.*ResourceNotFoundException",
        cause="a secret or parameter does not exist",
        explanation="It was never created, has another name, or is in another region or account.",
        advice=(
            "Create it, or correct valueFrom.",
            "A name is looked up in the task's region and account; anything else needs the whole ARN.",
        ),
        local_advice=(
            "In pillion's local AWS: [aws.parameters] or [aws.secrets] of pillion.toml, or --aws-seed FILE.",
        ),
        member=_SECRETS,
    ),
    KnownText(
        code="secret-deleted",
        pattern=r"marked (?:for deletion|deleted)|scheduled for deletion",
        cause="the secret is about to be deleted and cannot be read",
        advice=("Restore it: aws secretsmanager restore-secret.",),
        member=_SECRETS,
    ),
    KnownText(
        code="secret-network",
        pattern=r"pull secrets or registry auth.*(?:timeout|timed out|deadline|dial tcp"
        r"|connection issue|canceled|no such host|unreachable|connection refused)"
        rf"|{_SECRETIVE}.*(?:i/o timeout|context deadline exceeded|dial tcp|connection issue)",
        cause="Secrets Manager, Systems Manager or ECR cannot be reached from the task",
        advice=(
            (
                "In a private subnet: a NAT gateway, or VPC endpoints for secretsmanager, ssm, kms and "
                "ecr.api, as used."
            ),
            "The endpoints' security groups have to let 443 in from the task.",
        ),
        member=_SECRETS,
    ),
    KnownText(
        code="registry-auth-failed",
        pattern=r"unable to pull secrets or registry auth",
        cause="a secret or the registry's login could not be fetched",
        explanation="The words behind it are in the evidence; they are not among those known here.",
        advice=("Look at the execution role's permissions and at the way from the task's subnet to AWS.",),
        scope=Scope.TASK,
        member=("executionRoleArn",),
    ),
    KnownText(
        code="role-not-assumable",
        pattern=r"unable to assume the role|role .* cannot be assumed|sts:AssumeRole",
        cause="ECS may not assume the role of the definition",
        explanation="The role's trust policy has to name ecs-tasks.amazonaws.com, and the role has to exist.",
        advice=("Correct the trust policy of the execution role and of the task role.",),
        scope=Scope.TASK,
        member=("executionRoleArn",),
    ),
    KnownText(
        code="env-file",
        pattern=r"env(?:ironment)?\s?files?\b",
        cause="an environment file could not be fetched",
        explanation="Environment files come from S3 with the execution role, before the container is made.",
        advice=(
            "Look whether the object exists, and whether its name ends in .env.",
            "The execution role needs s3:GetObject on it and s3:GetBucketLocation on the bucket.",
        ),
        member=("environmentFiles",),
    ),
    KnownText(
        code="volume-efs",
        pattern=r"\befs\b|mount\.nfs|elastic file system",
        cause="the EFS file system could not be mounted",
        explanation="It is mounted before any container starts, over NFS.",
        advice=(
            "A mount target in the task's availability zone, with a security group that lets 2049 in.",
            "With IAM authorization the task role needs elasticfilesystem:ClientMount (and ClientWrite).",
            "The access point and the root directory have to exist.",
        ),
        scope=Scope.TASK,
        member=("volumes",),
    ),
    KnownText(
        code="volume-failed",
        pattern=r"Cannot(?:Create|Inspect|Remove)VolumeError|InvalidVolumeError",
        cause="a volume could not be prepared",
        explanation="The volume's driver or its options are refused, or a host path is not there.",
        advice=("Look at the driver and driverOpts of the volume, and at host.sourcePath.",),
        scope=Scope.TASK,
        member=("volumes",),
    ),
    KnownText(
        code="log-driver-failed",
        pattern=r"failed to (?:initialize logging driver|validate logger args)"
        r"|{_LOG_WORDS}.*(?:timeout|timed out)|awslogs driver",
        cause="the log driver could not be started",
        explanation="A container does not start before its log driver does.",
        advice=("Look at the options, at the role, and at the way from the task to where the logs go.",),
        member=_LOGS,
    ),
    KnownText(
        code="resource-failed",
        pattern=r"ResourceInitializationError|resource cannot be initialized|Fetching secret data",
        cause="something that the task needs could not be prepared",
        explanation="Secrets, registry logins, log drivers, files and volumes are prepared before a "
        "container is made; the words behind it are in the evidence and not among those known here.",
        advice=("Look at the execution role's permissions and at the way from the task's subnet to AWS.",),
        scope=Scope.TASK,
        member=("executionRoleArn",),
    ),
)
"""Everything known about resources, what says most first."""
