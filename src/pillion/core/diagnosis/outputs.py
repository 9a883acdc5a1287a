"""What the last lines of a container's output, or of its health check's, give away."""

from __future__ import annotations

from typing import Final

from pillion.core.diagnosis.known import KnownText, Role

OUTPUTS: Final[tuple[KnownText, ...]] = (
    KnownText(
        code="output-exec-format",
        pattern=r"exec format error",
        cause="the program was built for another processor",
        advice=("Build the image for the task's platform, or set runtimePlatform.cpuArchitecture.",),
        member=("image",),
        role=Role.NOTE,
    ),
    KnownText(
        code="output-address-in-use",
        pattern=r"address already in use|EADDRINUSE|bind\(\) to .* failed",
        cause="a port is taken inside the task",
        explanation="In awsvpc mode all containers of a task share one network: two cannot listen on "
        "one port.",
        advice=("Let one of the containers listen on another port.",),
        member=("portMappings",),
        role=Role.NOTE,
    ),
    KnownText(
        code="output-heap",
        pattern=r"java\.lang\.OutOfMemoryError|heap out of memory|Cannot allocate memory|MemoryError",
        cause="the program ran out of the memory that its runtime allows",
        advice=("Raise the runtime's limit together with the container's memory.",),
        member=("memory",),
        role=Role.NOTE,
    ),
    KnownText(
        code="output-refused",
        pattern=r"connection refused|ECONNREFUSED|connect: no route|getaddrinfo|Name or service not known"
        r"|no such host|could not resolve host|name resolution",
        cause="it could not reach something that it needs",
        explanation="Perhaps it started before the other was ready: START waits for a start, HEALTHY "
        "for an answer.",
        advice=("Wait for it: dependsOn HEALTHY with a healthCheck there; or try again in the program.",),
        member=("dependsOn",),
        role=Role.NOTE,
    ),
    KnownText(
        code="output-no-credentials",
        pattern=r"Unable to locate credentials|NoCredentialProviders|CredentialsProviderError"
        r"|Could not load credentials",
        cause="it found no AWS credentials",
        explanation="A task has credentials only when its definition has a taskRoleArn.",
        advice=("Set taskRoleArn, and use an SDK that knows the container credentials endpoint.",),
        member=("taskRoleArn",),
        role=Role.NOTE,
    ),
    KnownText(
        code="output-denied-aws",
        pattern=r"AccessDenied(?:Exception)?|is not authorized to perform",
        cause="AWS refused something that it asked for",
        advice=("Add the action to the task role (not to the execution role).",),
        role=Role.NOTE,
    ),
    KnownText(
        code="output-read-only",
        pattern=r"read-only file system|EROFS",
        cause="it wrote to a read-only file system",
        advice=("Mount a volume or a tmpfs there, or drop readonlyRootFilesystem.",),
        member=("readonlyRootFilesystem",),
        role=Role.NOTE,
    ),
    KnownText(
        code="output-no-space",
        pattern=r"no space left on device|ENOSPC",
        cause="its disk is full",
        advice=("More ephemeralStorage, or fewer files.",),
        role=Role.NOTE,
    ),
    KnownText(
        code="output-not-found",
        pattern=r"(?:(?P<command>[\w./-]+): )?(?:command )?not found\s*$|executable file not found",
        cause="a program that is run there is not in the image",
        explanation="Slim images have no curl, wget or nc, and often no shell.",
        advice=("Install it in the image, or use what is there.",),
        role=Role.NOTE,
    ),
    KnownText(
        code="output-permission",
        pattern=r"permission denied|EACCES|operation not permitted",
        cause="it may not do something that it tried",
        explanation="Often the container's user may not write to a volume, or may not listen below port "
        "1024.",
        advice=("Look at user, at the owner of the mounted folder, and at linuxParameters.capabilities.",),
        member=("user",),
        role=Role.NOTE,
    ),
    KnownText(
        code="output-variable",
        pattern=r"KeyError: '(?P<name>[A-Z_][A-Z0-9_]*)'"
        r"|(?:environment variable|env var)\S* (?P<other>[A-Z_][A-Z0-9_]*)"
        r"|(?P<third>[A-Z_][A-Z0-9_]+)\S* (?:is not set|must be set|is required|is unset)",
        cause="an environment variable is missing: {name}{other}{third}",
        advice=("Add it to environment or secrets of the container.",),
        member=("environment",),
        role=Role.NOTE,
    ),
)
"""Hints in output; the first that fits the newest line counts."""
