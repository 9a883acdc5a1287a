"""What a file holds that can be checked: a task definition, and the road on which it reaches AWS."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from typing import Any

from msgspec import Struct

from pillion.core.findings import Path


class Road(Enum):
    """How a definition gets to AWS; each road treats mistakes in its own way."""

    ECS = "the AWS CLI and the SDKs"
    CONTAINERS = "a list of containers"
    CLOUDFORMATION = "CloudFormation"
    TERRAFORM = "Terraform"


class Subject(Struct, frozen=True, kw_only=True):
    """One task definition of a document.

    Attributes:
        name: Its family, or its logical id or address where the document has one.
        road: How it gets to AWS.
        value: The definition as the ECS API spells it, with `UNKNOWN` for what is not known yet.
        locate: From a path in the definition to the path in the document.
        misspelt: Members that the road wants spelt differently: path in the definition, what to write.
    """

    name: str
    road: Road
    value: dict[str, Any]
    locate: Callable[[Path], Path]
    misspelt: tuple[tuple[Path, str], ...] = ()

    def is_called(self, name: str) -> bool:
        """Is this its family, logical id or address?"""
        return name in (self.name, self.value.get("family"))

    @property
    def is_repairable(self) -> bool:
        """Does the document spell the definition as the API does, so that an edit can be made in its text?"""
        return self.road in (Road.ECS, Road.CONTAINERS)

    def locate_exactly(self, path: Path) -> Path | None:
        """The path in the document, where the document spells the definition as the API does."""
        return self.locate(path) if self.is_repairable else None
