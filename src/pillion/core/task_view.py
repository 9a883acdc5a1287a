"""A task definition as rules look at it: plain JSON values, some of which may not be known.

A definition from a CloudFormation template or a Terraform plan holds values that nobody knows before the
deployment. They appear here as `UNKNOWN`. The readers in this file are made so that a rule which asks in the
ordinary way stays silent about them: `text`, `number`, `flag` and `members` answer None or nothing for a
value that is unknown (or has the wrong type, which the structure check reports), and `absent` is true only
where the value is certainly not there.

Surprising: None and a missing key are the same thing here, as they are to AWS.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from pillion.core.findings import Path
from pillion.core.units import parse_cpu_units, parse_memory_mib

Json = Mapping[str, Any]

FARGATE: Final = "FARGATE"
EC2: Final = "EC2"
EXTERNAL: Final = "EXTERNAL"
MANAGED_INSTANCES: Final = "MANAGED_INSTANCES"


SEARCHED_MAX: Final = 1000
"""How much of a text is searched for patterns; some take time that grows with the square of the length."""


class Unknown:
    """The type of `UNKNOWN`; it fits no reader, so rules pass over it."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "UNKNOWN"


UNKNOWN: Final = Unknown()
"""A value that is only known once the definition is deployed."""

_EMPTY: Final[Json] = {}


def absent(value: Json, key: str) -> bool:
    """Is the member certainly not there? False for an unknown one."""
    return value.get(key) is None


def text(value: Json, key: str) -> str | None:
    """The member's text, or None where it is absent, unknown or no text."""
    found = value.get(key)
    return found if isinstance(found, str) else None


def number(value: Json, key: str) -> int | None:
    """The member's whole number, or None; true and false are no numbers here."""
    found = value.get(key)
    return found if isinstance(found, int) and not isinstance(found, bool) else None


def flag(value: Json, key: str, *, default: bool) -> bool | None:
    """The member's truth, `default` where it is absent, None where it cannot be known."""
    found = value.get(key)
    if found is None:
        return default
    return found if isinstance(found, bool) else None


def mapping(value: Json, key: str) -> Json:
    """The member as an object; an empty one where it is absent, unknown or something else."""
    found = value.get(key)
    return found if isinstance(found, dict) else _EMPTY


def members(value: Json, key: str) -> list[tuple[int, Json]]:
    """The objects in the member's list, each with its index; others are passed over."""
    found = value.get(key)
    if not isinstance(found, list):
        return []
    return [(index, item) for index, item in enumerate(found) if isinstance(item, dict)]


def strings(value: Json, key: str) -> list[tuple[int, str]]:
    """The texts in the member's list, each with its index; others are passed over."""
    found = value.get(key)
    if not isinstance(found, list):
        return []
    return [(index, item) for index, item in enumerate(found) if isinstance(item, str)]


def is_known(value: Json, key: str) -> bool:
    """Is the member, down to the elements of its list or object, free of unknown values?"""
    found = value.get(key)
    if isinstance(found, list):
        return UNKNOWN not in found
    if isinstance(found, dict):
        return UNKNOWN not in found.values()
    return found is not UNKNOWN


class ContainerView:
    """One container definition, with what rules ask for most.

    Attributes:
        index: Position among the task's containers.
        raw: The container's own JSON object.
        name: Its name, None where absent or unknown.
        path: Path of the container in the definition.
        essential: Whether it is essential (the default), None where that is not known.
        image: Its image, None where absent or unknown.
        searched_image: The image in small letters, to search for the names of known ones.
        log_driver: Name of its log driver, None where absent or unknown.
        dependencies: Entries of dependsOn: index, container name, condition; None where not known.
        role: What the container is for, once `roles.role_of` has guessed it.
    """

    __slots__ = (
        "dependencies",
        "essential",
        "image",
        "index",
        "log_driver",
        "name",
        "path",
        "raw",
        "role",
        "searched_image",
    )

    def __init__(self, index: int, raw: Json) -> None:
        self.index = index
        self.raw = raw
        self.name = text(raw, "name")
        self.path: Path = ("containerDefinitions", index)
        self.essential = flag(raw, "essential", default=True)
        self.image = text(raw, "image")
        self.searched_image = (self.image or "")[:SEARCHED_MAX].lower()
        self.log_driver = text(mapping(raw, "logConfiguration"), "logDriver")
        self.dependencies = [
            (place, text(entry, "containerName"), text(entry, "condition"))
            for place, entry in members(raw, "dependsOn")
        ]
        self.role: str | None = None

    @property
    def label(self) -> str:
        """The name, or the position for a container without one."""
        return self.name or f"#{self.index}"

    @property
    def has_health_check(self) -> bool:
        """Is there, or may there be, a health check in the definition?"""
        return not absent(self.raw, "healthCheck")

    def at(self, *parts: str | int) -> Path:
        """The path of something inside this container."""
        return self.path + parts


class TaskView:
    """A whole definition and the launch types that it is checked for.

    Attributes:
        raw: The definition's own JSON object.
        launch_types: What `requiresCompatibilities` asks for, and what the caller adds.
        launch_types_known: False where the definition's own list is not known.
        containers: The containers that can be looked at, in order.
        containers_known: Whether that is all of them, with all their names.
        by_name: First container of each name.
        awaited_to_end: Names of containers that others wait for with COMPLETE or SUCCESS.
        network_mode: The mode, ECS's default where it is absent, None where it is not known.
        cpu_units: Task size in CPU units, or None where absent, unknown or unreadable.
        memory_mib: Task size in MiB, likewise.
    """

    __slots__ = (
        "awaited_to_end",
        "by_name",
        "containers",
        "containers_known",
        "cpu_units",
        "launch_types",
        "launch_types_known",
        "memory_mib",
        "network_mode",
        "raw",
    )

    def __init__(self, raw: Json, launch_types: frozenset[str] = frozenset()) -> None:
        self.raw = raw
        self.launch_types_known = is_known(raw, "requiresCompatibilities")
        self.launch_types = launch_types.union(item for _, item in strings(raw, "requiresCompatibilities"))
        self.containers = [ContainerView(index, item) for index, item in members(raw, "containerDefinitions")]
        self.by_name: dict[str, ContainerView] = {}
        for container in self.containers:
            if container.name is not None:
                self.by_name.setdefault(container.name, container)
        self.containers_known = is_known(raw, "containerDefinitions") and all(
            container.name is not None or absent(container.raw, "name") for container in self.containers
        )
        self.awaited_to_end = {
            name
            for container in self.containers
            for _, name, condition in container.dependencies
            if condition in ("COMPLETE", "SUCCESS")
        }
        self.network_mode = text(raw, "networkMode")
        if absent(raw, "networkMode"):
            self.network_mode = "awsvpc" if self.is_fargate else "bridge"
        self.cpu_units = parse_cpu_units(raw.get("cpu"))
        self.memory_mib = parse_memory_mib(raw.get("memory"))

    @property
    def is_fargate(self) -> bool:
        """Is the definition checked for Fargate?"""
        return FARGATE in self.launch_types

    @property
    def is_windows(self) -> bool:
        """Does it ask for a Windows host?"""
        family = text(mapping(self.raw, "runtimePlatform"), "operatingSystemFamily")
        return family is not None and family.startswith("WINDOWS")
