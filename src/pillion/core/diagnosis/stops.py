"""What is known about why a whole task stopped or was never placed: stoppedReason and stopCode."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from pillion.core.diagnosis.known import KnownText, Role, Scope

_TASK: Final = Scope.TASK
_CAPACITY: Final = (
    "More or larger instances, or a capacity provider that scales; or ask for less cpu and memory.",
    "Fargate has no instances that could be full.",
)

STOPS: Final[tuple[KnownText, ...]] = (
    KnownText(
        code="scaled-in",
        pattern=r"Scaling activity initiated by",
        cause="its service needed it no more: scaled in, or replaced by a newer deployment",
        role=Role.EXPECTED,
        advice=("Nothing to do; finish what is under way when SIGTERM comes.",),
        scope=_TASK,
    ),
    KnownText(
        code="elb-unhealthy",
        pattern=r"failed ELB health checks in(?: \(?(?P<target>[^)]*)\)?)?",
        cause="the load balancer called its target unhealthy, and the service replaced it",
        explanation="It is the target group's own check, from the load balancer's subnets; ECS's health "
        "check has nothing to do with it.",
        advice=(
            (
                "Path, port, protocol and success codes of the target group's check; try it inside the "
                "container."
            ),
            "The task's security group has to let the load balancer in on that port.",
            "healthCheckGracePeriodSeconds of the service longer than the application takes to start.",
        ),
        member=("portMappings",),
    ),
    KnownText(
        code="health-check-failed",
        pattern=r"failed container health checks",
        cause="an essential container was UNHEALTHY, and the service replaced the task",
        explanation="Only a service stops tasks for that; a task of RunTask goes on.",
        advice=(
            "Run the command inside the image: is curl there at all? Does the address answer from within?",
            "startPeriod longer than the application takes to start; timeout longer than one answer takes.",
        ),
        member=("healthCheck",),
    ),
    KnownText(
        code="maintenance",
        pattern=r"performing maintenance on the underlying infrastructure|task retirement",
        cause="AWS retired the machine under the task",
        explanation="Fargate announces it beforehand; a service starts a replacement first.",
        advice=("Handle SIGTERM, run more than one task; nothing else is needed.",),
        role=Role.EXPECTED,
        scope=_TASK,
    ),
    KnownText(
        code="spot-interrupted",
        pattern=r"Spot Task was interrupted|SpotInterruption",
        cause="AWS took the Spot capacity back",
        explanation="There are two minutes between the warning and the end; SIGTERM comes first.",
        advice=(
            "A stopTimeout of up to 120 seconds, and SIGTERM handled within it.",
            "A base on FARGATE beside FARGATE_SPOT in the capacity provider strategy.",
        ),
        role=Role.EXPECTED,
        member=("stopTimeout",),
    ),
    KnownText(
        code="host-gone",
        pattern=r"Host EC2 \(instance (?P<instance>[^)]*)\) (?P<what>terminated|stopped)",
        cause="the instance {instance} was {what}",
        advice=(
            "Look who did it: scale-in of the Auto Scaling group, Spot, or a person. Drain instances first.",
        ),
        role=Role.EXPECTED,
        scope=_TASK,
    ),
    KnownText(
        code="instance-deregistered",
        pattern=r"Container instance deregistration forced",
        cause="its container instance was deregistered by force",
        advice=("Drain an instance before it is deregistered.",),
        role=Role.EXPECTED,
        scope=_TASK,
    ),
    KnownText(
        code="journal-unwritable",
        pattern=r"journal cannot be written|The journal .*cannot be used",
        cause="pillion could not write its journal, and stopped the task rather than lose it",
        advice=("Free some space, or choose another folder with PILLION_STATE_DIR.",),
        scope=_TASK,
    ),
    KnownText(
        code="no-addresses",
        pattern=r"attempting to Create Network Interface.*subnet '?(?P<subnet>[\w-]+)'?",
        cause="EC2 could not make a network interface in subnet {subnet}",
        explanation="Most often the subnet has no free address; the code after the colon says it.",
        advice=("A larger subnet, or more subnets in the network configuration.",),
        scope=_TASK,
        member=("networkMode",),
    ),
    KnownText(
        code="network-interface-slow",
        pattern=r"Timeout waiting for network interface provisioning",
        cause="the task's network interface was not ready in time",
        explanation="EC2 was slow or throttled, or a limit of interfaces is reached.",
        advice=(
            "Start the task again.",
            "Look at the subnet's free addresses and the account's interface limit.",
        ),
        scope=_TASK,
        member=("networkMode",),
    ),
    KnownText(
        code="storage-slow",
        pattern=r"Timeout waiting for EphemeralStorage provisioning",
        cause="the task's storage was not ready in time",
        advice=("Start the task again.",),
        scope=_TASK,
        member=("ephemeralStorage",),
    ),
    KnownText(
        code="no-device-index",
        pattern=r"Unable to attach network interface to unused device index",
        cause="the instance has no free slot for another network interface",
        advice=("Turn awsvpcTrunking on, or take a larger instance type.",),
        scope=_TASK,
        member=("networkMode",),
    ),
    KnownText(
        code="no-capacity",
        pattern=r"RESOURCE:(?P<what>\w+)|(?P<other>NO ACTIVE INSTANCES|EMPTY CAPACITY PROVIDER)"
        r"|Capacity is unavailable",
        cause="no instance had room for it ({what}{other})",
        explanation="A capacity provider waited for an instance and gave up.",
        advice=_CAPACITY,
        scope=_TASK,
        member=("cpu",),
    ),
    KnownText(
        code="no-matching-instance",
        pattern=r"\bATTRIBUTE\b|MemberOf placement constraint unsatisfied",
        cause="no instance has what the task asks for",
        explanation="An attribute (log driver, architecture, a constraint) that no instance of the "
        "cluster has.",
        advice=("Compare requiresAttributes and placementConstraints with the instances' attributes.",),
        scope=_TASK,
        member=("placementConstraints",),
    ),
    KnownText(
        code="agent-disconnected",
        pattern=r"(?:TaskFailedToStart: |^)AGENT\b|agent disconnected",
        cause="the agent of the instance was not connected",
        advice=("Look at the ECS agent on the instance, and at its way to the ECS endpoints.",),
        scope=_TASK,
    ),
    KnownText(
        code="wrong-compute",
        pattern=r"not compatible with the selected compute strategy",
        cause="the definition does not fit the launch type or capacity provider",
        advice=(
            (
                "Set requiresCompatibilities to what the task is started on; pillion check --launch-type "
                "says why."
            ),
        ),
        scope=_TASK,
        member=("requiresCompatibilities",),
    ),
    KnownText(
        code="platform-error",
        pattern=r"InternalError: ?(?P<what>.*)",
        cause="AWS had an internal error",
        advice=("Start the task again; if it comes back, ask AWS Support with the task's ARN.",),
        scope=_TASK,
    ),
    KnownText(
        code="stopped-by-user",
        pattern=r"Task stopped by user|^the task was killed$",
        cause="somebody stopped it",
        role=Role.EXPECTED,
        scope=_TASK,
    ),
)
"""Everything known about stoppedReason, what says most first."""

SAYS_NOTHING: Final = ("Essential container in task exited", "Task failed to start")
"""Reasons that only repeat the stop code: the cause is in the containers."""

STOP_CODES: Final[Mapping[str, str]] = {
    "TaskFailedToStart": "the task failed to start",
    "EssentialContainerExited": "an essential container ended, and that ends the task",
    "UserInitiated": "somebody asked for the stop",
    "ServiceSchedulerInitiated": "the service that owns it stopped it",
    "SpotInterruption": "AWS took the Spot capacity back",
    "TerminationNotice": "AWS announced the end of the machine under it",
    "InfrastructureHealth": "AWS found the machine under it unhealthy",
}
"""What each stopCode means."""

BY_STOP_CODE: Final[Mapping[str, KnownText]] = {
    "UserInitiated": KnownText(
        code="stopped-by-user", pattern="", cause="somebody stopped it", role=Role.EXPECTED, scope=_TASK
    ),
    "ServiceSchedulerInitiated": KnownText(
        code="stopped-by-service",
        pattern="",
        cause="the service that owns it stopped it",
        role=Role.EXPECTED,
        advice=("The service's events say why: aws ecs describe-services.",),
        scope=_TASK,
    ),
    "SpotInterruption": next(item for item in STOPS if item.code == "spot-interrupted"),
    "TerminationNotice": next(item for item in STOPS if item.code == "maintenance"),
    "InfrastructureHealth": KnownText(
        code="infrastructure-unhealthy",
        pattern="",
        cause="AWS found the machine under it unhealthy",
        advice=("Run more than one task; the service replaces this one.",),
        role=Role.EXPECTED,
        scope=_TASK,
    ),
}
"""What a stopCode alone says, where its reason is unknown."""
