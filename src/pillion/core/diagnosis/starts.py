"""What is known about containers that cannot be made, started, stopped or found again."""

from __future__ import annotations

from typing import Final

from pillion.core.diagnosis.known import KnownText, Role

_EDGE: Final = (
    r"\[(?P<dependency>[^(\]]+?)(?:\((?P<image>.*?)\) \(\w+->\w+\)(?: - Exit: (?P<exit>-?\d+))?)?\]"
    r" for target \[(?P<target>[^(\]]+)"
)
"""How the agent prints the two ends of a dependency that does not hold."""

_DEPENDS_ON: Final = ("dependsOn",)
_COMMAND: Final = ("command",)

STARTS: Final[tuple[KnownText, ...]] = (
    KnownText(
        code="out-of-memory",
        pattern=r"OutOfMemoryError|Container killed due to memory usage|OOM[ -]?killed",
        cause="the kernel killed it because it used more memory than it may",
        explanation="The limit is the container's memory, or the task's where the container has none; "
        "in a task limit a neighbour may be the one that eats it.",
        advice=(
            "Raise memory of this container (and of the task), or make the program use less.",
            "Tell the runtime its limit: -XX:MaxRAMPercentage, --max-old-space-size, GOMEMLIMIT.",
        ),
        member=("memory",),
    ),
    KnownText(
        code="dependency-timed-out",
        pattern=rf"container ordering dependency {_EDGE}.*has timed out",
        cause="{dependency} did not get there within its startTimeout",
        explanation="startTimeout belongs to the dependency and runs from its own start. It ends the "
        "wait of the dependant, not the dependency.",
        advice=(
            "Look at what {dependency} did in that time: its output, its health check.",
            "Raise the startTimeout of {dependency}, or leave it out: then there is no limit on EC2.",
        ),
        member=_DEPENDS_ON,
        role=Role.CONSEQUENCE,
    ),
    KnownText(
        code="dependency-not-successful",
        pattern=rf"container ordering dependency {_EDGE}.*did not exit successfully",
        cause="{dependency} did not exit with 0, and SUCCESS asks for that",
        explanation="The 143 that ECS records here is no exit code of a program: the container never ran.",
        advice=(
            "Repair {dependency}: its output says why it failed.",
            "If its failure does not matter, wait for COMPLETE instead of SUCCESS.",
        ),
        member=_DEPENDS_ON,
        role=Role.CONSEQUENCE,
    ),
    KnownText(
        code="dependency-never-starts",
        pattern=rf"container ordering dependency {_EDGE}.*dependency will never start",
        cause="{dependency} will never start",
        explanation="{dependency} could not be created or started, so nobody who waits for it can go on.",
        advice=("Look at the reason of {dependency}.",),
        member=_DEPENDS_ON,
        role=Role.CONSEQUENCE,
    ),
    KnownText(
        code="dependency-missing",
        pattern=r"container ordering dependency.*for target \[(?P<target>[^(\]]+).*does not exist",
        cause="it depends on a container that the task does not have",
        advice=("Correct the containerName in dependsOn.",),
        member=_DEPENDS_ON,
    ),
    KnownText(
        code="dependencies-circular",
        pattern=r"TaskDependencyError|Task dependencies cannot be resolved",
        cause="the dependencies cannot be resolved",
        explanation="Containers wait for each other in a circle, for one that does not exist, or for "
        "HEALTHY of one without a healthCheck in the definition.",
        advice=("pillion check FILE names the circle or the missing piece.",),
        member=_DEPENDS_ON,
    ),
    KnownText(
        code="dependency-failed",
        pattern=r"dependency graph:",
        cause="a dependency can never be satisfied",
        advice=("Look at the containers that it depends on.",),
        member=_DEPENDS_ON,
    ),
    KnownText(
        code="command-not-found",
        pattern=r'exec: "(?P<command>[^"]*)": (?:executable file not found|stat [^:]*: no such file'
        r"|.*no such file)",
        cause="there is no program {command} in the image",
        explanation="The whole text in the quotes was taken as the name of one program.",
        advice=(
            'Write one element of the array for each word: ["sh", "-c", "…"], not ["sh -c …"].',
            (
                "Look whether the program is in the image at that path, and whether a script names its "
                "shell rightly."
            ),
        ),
        member=_COMMAND,
    ),
    KnownText(
        code="exec-format",
        pattern=r"exec format error",
        cause="the program was built for another processor, or is a script without its #! line",
        advice=(
            (
                "Build the image for the task's platform (docker buildx build --platform), or set "
                "runtimePlatform."
            ),
            "Begin a script with #!/bin/sh.",
        ),
        member=("image",),
    ),
    KnownText(
        code="command-not-executable",
        pattern=r'exec: "(?P<command>[^"]*)": .*permission denied',
        cause="{command} may not be executed",
        explanation="The file has no execute permission, is a folder, or may not be run by the "
        "container's user.",
        advice=("chmod +x it when the image is built.", "Look at user."),
        member=_COMMAND,
    ),
    KnownText(
        code="working-directory",
        pattern=r"chdir to cwd|working directory .*(?:invalid|not an absolute)",
        cause="the working directory is not there or may not be entered",
        advice=("Make the folder in the image, or correct workingDirectory.",),
        member=("workingDirectory",),
    ),
    KnownText(
        code="port-taken",
        pattern=r"(?:Bind for \S*?:(?P<port>\d+) failed: port is already allocated"
        r"|listen (?:tcp|udp)\d? \S*?:(?P<other>\d+): bind: address already in use"
        r"|port is already allocated|failed to bind (?:host )?port)",
        cause="the host port {port}{other} is taken",
        explanation="Another task, or another program of the host, listens there. A fixed host port "
        "allows one task per host.",
        advice=(
            "hostPort 0 (or none) lets the host choose a free one (bridge mode).",
            "Or stop what listens there.",
        ),
        local_advice=("Choose another port of this machine: pillion run --publish NAME=HOST:PORT.",),
        member=("portMappings",),
    ),
    KnownText(
        code="no-space",
        pattern=r"devmapper: Thin Pool|no space left on device|disk quota exceeded",
        cause="the disk is full",
        advice=("Free space on the instance, or give the task more ephemeralStorage.",),
    ),
    KnownText(
        code="memory-too-small",
        pattern=r"Minimum memory limit(?: allowed)? is (?P<least>\d+ ?\w+)",
        cause="its memory is less than the engine takes ({least})",
        advice=("Raise memory.",),
        member=("memory",),
    ),
    KnownText(
        code="mount-failed",
        pattern=r"error mounting|invalid mount config|bind source path does not exist"
        r"|not a directory: unknown",
        cause="a mount could not be made",
        explanation="The source is not there, or a file is mounted on a folder or a folder on a file.",
        advice=("Look at mountPoints and at the volume they name.",),
        member=("mountPoints",),
    ),
    KnownText(
        code="user-unknown",
        pattern=r"unable to find user (?P<user>\S+?):|unable to find group",
        cause="the image has no such user or group",
        advice=("Use a numeric user (1000:1000), or make the user in the image.",),
        member=("user",),
    ),
    KnownText(
        code="transition-timed-out",
        pattern=r"(?:DockerTimeoutError|ContainerRuntimeTimeoutError).*transition to (?P<state>\w+)",
        cause="the engine did not bring it to {state} in time",
        explanation="The engine has 4 minutes to create a container and 3 to start one. A log driver or "
        "a volume that cannot be reached makes it wait.",
        advice=(
            "Look whether the log driver's destination and the volumes can be reached from the task.",
            "On an instance: load, disk, and the engine's own log.",
        ),
    ),
    KnownText(
        code="stop-failed",
        pattern=r"CannotStopContainerError",
        cause="it could not be stopped",
        explanation="The runtime did not manage to signal or to end the process; ECS then counts it as "
        "stopped.",
        advice=("If it comes back: look for a process in uninterruptible sleep (storage that hangs).",),
        role=Role.CONSEQUENCE,
    ),
    KnownText(
        code="vanished",
        pattern=r"ContainerVanishedError|NoSuchContainerError|No container matching saved ID found",
        cause="the container was no longer there",
        explanation="Somebody removed it behind the agent's back, or the engine lost it.",
        advice=("Look for whoever prunes or removes containers on that host.",),
    ),
    KnownText(
        code="network-setup-failed",
        pattern=r"ContainerNetworkingError|failed to set ?up (?:container )?networking|CNI",
        cause="the task's network could not be set up",
        advice=(
            (
                "Start the task again; if it comes back, look at the instance's network plug-ins and free "
                "addresses."
            ),
        ),
    ),
    KnownText(
        code="settings-refused",
        pattern=r"HostConfigError|DockerClientConfigError",
        cause="a setting of the container could not be made one of the engine's",
        explanation="A volume, a link, a secret or the health check cannot be translated as it stands.",
        advice=("The text after the name says which; pillion check FILE finds most of them.",),
    ),
    KnownText(
        code="engine-version",
        pattern=r"CannotGetDocker\w*Error",
        cause="the agent and the container engine do not understand each other",
        advice=("Bring the instance's agent and engine up to date.",),
    ),
    KnownText(
        code="create-failed",
        pattern=r"CannotCreateContainerError",
        cause="the engine could not make the container",
        explanation="The engine's own words are in the evidence; they are not among those known here.",
        advice=("Run it with pillion run FILE: the same engine call, with the same words, on your machine.",),
    ),
    KnownText(
        code="start-failed",
        pattern=r"CannotStartContainerError|OCI runtime|failed to create (?:shim )?task",
        cause="the engine could not start the container",
        explanation="The engine's own words are in the evidence; they are not among those known here.",
        advice=("Run it with pillion run FILE: the same engine call, with the same words, on your machine.",),
    ),
    KnownText(
        code="engine-error",
        pattern=r"DockerStateError",
        cause="the engine says something went wrong with the process",
        explanation="The engine's own words are in the evidence.",
        advice=("Look at the engine's log on the instance.",),
    ),
    KnownText(
        code="inspect-failed",
        pattern=r"Cannot(?:Inspect|Describe|List|Remove)Containers?Error",
        cause="the engine could not say how the container is",
        advice=("Look at the load and the engine's log on the instance.",),
    ),
    KnownText(
        code="agent-fault",
        pattern=r"ImpossibleStateTransitionError|UnrecogniedTaskError|TaskStateError",
        cause="the agent got stuck with this task",
        explanation="A fault of the agent, or a definition that is newer than the agent.",
        advice=("Bring the agent up to date and start the task again.",),
    ),
    KnownText(
        code="timed-out",
        pattern=r"DockerTimeoutError|ContainerRuntimeTimeoutError",
        cause="the engine did not answer in time",
        advice=("Look at the load, the disk and the engine's log on the instance.",),
    ),
)
"""Everything known about starting, stopping and losing containers, what says most first."""
