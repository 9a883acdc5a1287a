"""What is known about images that cannot be pulled.

Surprising: "pull access denied" and "denied: requested access" are what registries answer for an image that
does not exist, too, because they do not tell strangers which images exist. And ECS keeps a container's first
error for ever: a pull that failed may stand on a container that runs well, from an older image.
"""

from __future__ import annotations

from typing import Final

from pillion.core.diagnosis.known import KnownText, Role

_PULL: Final = r"\b(?:CannotPull\w*|pull(?:ing)?\b(?! secrets)|manifest\b|resolve ref\b)"
_IMAGE: Final = ("image",)
_ECR_ACTIONS: Final = (
    "ecr:GetAuthorizationToken, ecr:BatchCheckLayerAvailability, ecr:GetDownloadUrlForLayer and "
    "ecr:BatchGetImage"
)
_ROUTE: Final = (
    "In a private subnet: a NAT gateway, or VPC endpoints for ecr.api and ecr.dkr and a gateway one for S3.",
    "In a public subnet on Fargate: assignPublicIp ENABLED.",
    "The task's security group has to let 443 out, and that of the endpoints has to let it in.",
)
_LOCALLY: Final = (
    "On this machine another image can stand in: pillion run --image REF=OTHER, or --build REF=FOLDER.",
)

PULLS: Final[tuple[KnownText, ...]] = (
    KnownText(
        code="stopped-before-pull",
        pattern=r"TaskStoppedBeforePullBeginError|Task stopped before image pull could begin",
        cause="the task was stopped before its image was pulled",
        role=Role.CONSEQUENCE,
    ),
    KnownText(
        code="image-rate-limit",
        pattern=r"toomanyrequests|pull rate limit",
        cause="the registry refuses more pulls for now (rate limit)",
        explanation="Docker Hub counts pulls by address, and tasks behind one NAT gateway share an address.",
        advice=(
            "Pull through ECR: a pull-through cache rule, or a copy of the image in ECR.",
            "Or log in to Docker Hub with repositoryCredentials: the limit of an account is higher.",
        ),
        member=_IMAGE,
    ),
    KnownText(
        code="image-no-space",
        pattern=rf"{_PULL}.*no space left on device",
        cause="the disk is full, so the image cannot be unpacked",
        explanation="Layers are unpacked beside those of the task's other images; Fargate gives 20 GiB "
        "in all.",
        advice=(
            (
                "Make the image smaller, or give the task more: ephemeralStorage on Fargate, a larger "
                "volume on EC2."
            ),
            "On an instance of your own: remove images nobody uses.",
        ),
        member=_IMAGE,
    ),
    KnownText(
        code="image-platform",
        pattern=r"(?:descriptor matching platform '?"
        r"|no match(?:ing)? (?:manifest )?for )(?P<platform>[\w/.-]+)",
        cause="the image was not built for {platform}",
        explanation="An image built on an arm64 laptop does not run on x86, and the other way round.",
        advice=(
            "Build it for {platform} (docker buildx build --platform {platform}), or for both.",
            "Or set runtimePlatform.cpuArchitecture to what the image is built for.",
        ),
        local_advice=_LOCALLY,
        member=_IMAGE,
    ),
    KnownText(
        code="image-role",
        pattern=r"CannotPullECRContainerError|engine ecr credentials: not found"
        r"|Check that the role has the permissions|not authorized to perform: ecr:"
        r"|unable to (?:retrieve|get) ecr registry auth.*AccessDenied",
        cause="the execution role may not pull the image from ECR",
        explanation="Images are pulled with the execution role, not with the task role.",
        advice=(
            f"Give the execution role {_ECR_ACTIONS} (AWS's AmazonECSTaskExecutionRolePolicy has them).",
            "For a repository of another account its repository policy has to allow the role, too.",
        ),
        local_advice=_LOCALLY,
        member=_IMAGE,
    ),
    KnownText(
        code="image-credentials",
        pattern=r"CannotPullContainerAuthError|private registry credentials",
        cause="the credentials of the private registry are missing",
        explanation="repositoryCredentials names a secret, and the execution role has to be able to read it.",
        advice=(
            "The secret holds JSON with username and password, in the task's region.",
            (
                "The execution role needs secretsmanager:GetSecretValue on it, and kms:Decrypt for a key of "
                "your own."
            ),
        ),
        member=("repositoryCredentials",),
    ),
    KnownText(
        code="image-stalled",
        pattern=r"inactivity time exceeded timeout while pulling|transition to (?:pulled|pullBegin"
        r"|MANIFEST_PULLED)",
        cause="the pull of the image stood still for too long",
        explanation="The agent gives up when no byte comes for a minute, or no first byte within five.",
        advice=(
            (
                "Start the task again; if it comes back, look at the way to the registry (NAT, endpoints, "
                "proxy)."
            ),
        ),
        member=_IMAGE,
    ),
    KnownText(
        code="image-denied",
        pattern=rf"{_PULL}.*(?:403 Forbidden|401 Unauthorized|pull access denied|no basic auth credentials"
        r"|authentication required|unauthorized)",
        cause="the registry refuses the image",
        explanation="Either nobody logged in, or the login may not pull it, or there is no such image: "
        "registries do not tell a stranger which.",
        advice=(
            "Look whether the name is right, registry and tag included.",
            f"ECR: the execution role needs {_ECR_ACTIONS}.",
            (
                "Another private registry: repositoryCredentials, with a secret that the execution role can "
                "read."
            ),
        ),
        local_advice=_LOCALLY,
        member=_IMAGE,
    ),
    KnownText(
        code="image-not-found",
        pattern=rf"{_PULL}.*(?::\s*not found|manifest unknown|name unknown|does not exist|404 Not Found"
        r"|no such image|Check whether the image exists|requested access to the resource is denied"
        r"|Requested image not found)|No such image",
        cause="there is no such image, or no such tag",
        explanation="ECS does not look whether an image exists when a definition is registered. A tag "
        "that was pinned to a digest fails, too, when a lifecycle policy has removed that digest.",
        advice=(
            "Look at the name, the tag, the account and the region; push the image if it was never pushed.",
            "Keep the digests that running services use out of the lifecycle policy.",
        ),
        local_advice=_LOCALLY,
        member=_IMAGE,
    ),
    KnownText(
        code="image-network",
        pattern=rf"{_PULL}.*(?:i/o timeout|connection issue between the task and Amazon ECR"
        r"|Check your (?:task )?network configuration|request canceled while waiting for connection|dial tcp"
        r"|no such host|connection refused|connection reset|TLS handshake timeout|context deadline exceeded"
        r"|Client\.Timeout|network is unreachable)",
        cause="the registry cannot be reached",
        explanation="The image is pulled over the task's own network interface on Fargate, over the "
        "instance's on EC2.",
        advice=_ROUTE,
        local_advice=_LOCALLY,
        member=_IMAGE,
    ),
    KnownText(
        code="image-reference",
        pattern=r"invalid reference format|invalid image name|could not parse reference",
        cause="the image's name is not one that an engine can read",
        explanation="A variable that was never filled in, a capital letter or a space does that.",
        advice=("Write it as registry/repository:tag or registry/repository@sha256:….",),
        member=_IMAGE,
    ),
    KnownText(
        code="image-certificate",
        pattern=rf"{_PULL}.*(?:x509:|certificate)",
        cause="the registry's certificate is not trusted",
        explanation="A proxy that opens TLS, or a registry with a certificate of its own, looks like that.",
        advice=(
            "Use the registry by a name that its certificate has, or trust its authority on the instance.",
        ),
        member=_IMAGE,
    ),
    KnownText(
        code="image-pull-failed",
        pattern=r"CannotPull\w*Error|Cannot pull|CannotPullImageManifestError",
        cause="the image could not be pulled",
        explanation="The registry's own words are in the evidence; they are not among those known here.",
        advice=("Pull the image by hand from the same network and with the same role.",),
        local_advice=_LOCALLY,
        member=_IMAGE,
    ),
)
"""Everything known about pulling, what says most first."""
