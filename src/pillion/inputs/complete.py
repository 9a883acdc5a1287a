"""Makes a definition whole: stand-ins for what only the deployment knows, where no stand-in can mislead.

A template of the CDK leaves roles and log groups open in nearly every definition. To run the task here they
may have any name; to plan or to rehearse it, images, secrets and values of variables may, too. Everything
else that is open (a name, a number, a condition) changes what the task does, and is refused.
"""

from __future__ import annotations

from typing import Any, Final

from msgspec import Struct

from pillion.core.findings import Path
from pillion.core.task_view import UNKNOWN
from pillion.inputs.subject import Road, Subject

_ROLES: Final = frozenset({"taskRoleArn", "executionRoleArn"})
_MEANINGLESS_TO_A_PLAN: Final = frozenset(
    {"image", "value", "valueFrom", "credentialsParameter", "fileSystemId", "accessPointId"}
)
"""Members whose value decides neither who waits for whom nor how long."""
_TEXTS_OF_NO_ORDER: Final = frozenset({"options", "dockerLabels", "command", "entryPoint"})
"""The same for everything below these."""

_UNNAMED: Final = "task"
"""The family of a list of containers, which has no name."""

STAND_IN: Final = "known-when-deployed"


class UnknownValuesError(Exception):
    """Some values are known only to the deployment, and no stand-in serves for them.

    Attributes:
        paths: Where they are in the definition.
    """

    def __init__(self, paths: tuple[Path, ...]) -> None:
        super().__init__(f"{len(paths)} values are known only to the deployment")
        self.paths = paths


class Completed(Struct, frozen=True, kw_only=True):
    """A definition's JSON value without unknown values, and where stand-ins were put."""

    value: dict[str, Any]
    stand_ins: tuple[Path, ...]


def complete_definition(subject: Subject, *, to_run: bool) -> Completed:
    """Return the definition with stand-ins for what is unknown and has no weight.

    What a bare list of containers does not say about its task is left out, and a family that is unknown is
    the definition's name in its document.

    Args:
        subject: The definition as it was found.
        to_run: Whether containers will be run; planning and rehearsing need fewer values to be true.

    Raises:
        UnknownValuesError: Some unknown values do have weight.
    """
    filler = _Filler(to_run=to_run)
    value = dict(subject.value)
    if subject.road is Road.CONTAINERS:
        value = {"family": _UNNAMED, **{key: item for key, item in value.items() if item is not UNKNOWN}}
    if subject.name and value.get("family", UNKNOWN) is UNKNOWN and "taskDefinition" not in value:
        value["family"] = subject.name
    filled = {key: filler.fill(item, (key,)) for key, item in value.items()}
    if filler.refused:
        raise UnknownValuesError(tuple(filler.refused))
    return Completed(value=filled, stand_ins=tuple(filler.filled))


class _Filler:
    def __init__(self, *, to_run: bool) -> None:
        self._to_run = to_run
        self.filled: list[Path] = []
        self.refused: list[Path] = []

    def fill(self, value: object, path: Path) -> object:
        if isinstance(value, dict):
            return {key: self.fill(item, (*path, key)) for key, item in value.items()}
        if isinstance(value, list):
            return [self.fill(item, (*path, index)) for index, item in enumerate(value)]
        if value is not UNKNOWN:
            return value
        stand_in = self._stand_in(path)
        (self.refused if stand_in is None else self.filled).append(path)
        return stand_in

    def _stand_in(self, path: Path) -> str | None:
        member = path[-1]
        if member in _ROLES:
            return f"arn:aws:iam::123456789012:role/{STAND_IN}"
        if member == "awslogs-group":
            return STAND_IN
        if self._to_run:
            return None
        of_no_order = isinstance(member, str) and member in _MEANINGLESS_TO_A_PLAN
        return STAND_IN if of_no_order or not _TEXTS_OF_NO_ORDER.isdisjoint(path[:-1]) else None
