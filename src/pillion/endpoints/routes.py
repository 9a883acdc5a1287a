"""Which path asks for what. Pure: a path in, a route out, None where the agent has nothing there.

An id may be empty (`/v4/`): the path is known, and looking the id up fails with the agent's own text.
"""

from __future__ import annotations

import posixpath
from enum import Enum, auto

from msgspec import Struct

from pillion.endpoints.metadata import Version


class Asked(Enum):
    """What a path asks for."""

    CONTAINER = auto()
    CONTAINER_STATS = auto()
    TASK = auto()
    TASK_WITH_TAGS = auto()
    TASK_STATS = auto()
    ASSOCIATIONS = auto()
    ASSOCIATION = auto()
    CREDENTIALS = auto()
    PROTECTION = auto()
    FAULT = auto()


class Route(Struct, frozen=True, kw_only=True):
    """A path that the agent knows.

    `id` is an endpoint id (versions 3, 4 and api), the engine's container id (version 2) or a credentials
    id; `names` are type and name of an association. `version` is as in the path.
    """

    asked: Asked
    version: str
    id: str | None = None
    names: tuple[str, ...] = ()


_OF_AN_ID = {
    (): Asked.CONTAINER,
    ("stats",): Asked.CONTAINER_STATS,
    ("task",): Asked.TASK,
    ("taskWithTags",): Asked.TASK_WITH_TAGS,
    ("task", "stats"): Asked.TASK_STATS,
}
_OF_V2 = {
    "metadata": (Asked.TASK, Asked.CONTAINER),
    "stats": (Asked.TASK_STATS, Asked.CONTAINER_STATS),
    "metadataWithTags": (Asked.TASK_WITH_TAGS, None),
    "credentials": (Asked.CREDENTIALS, Asked.CREDENTIALS),
}
_FAULTS = ("network-blackhole-port", "network-latency", "network-packet-loss")
_FAULT_STEPS = ("start", "stop", "status")


def clean_path(path: str) -> str:
    """Return a path without doubled slashes and dots; a slash at its end stays.

    >>> clean_path("//v4//id/../x/")
    '/v4/x/'
    """
    cleaned = posixpath.normpath("/" + path.lstrip("/"))  # two leading slashes would both stay
    return cleaned + "/" if path.endswith("/") and cleaned != "/" else cleaned


def find_route(path: str) -> Route | None:
    """Return what a clean path asks for."""
    _, version, *rest = path.split("/")
    match version:
        case Version.V3.value | Version.V4.value if rest:
            return _of_endpoint_id(version, rest[0], tuple(rest[1:]))
        case "v2" if rest:
            return _of_v2(rest[0], tuple(rest[1:]))
        case "v1" if rest == ["credentials"]:
            return Route(asked=Asked.CREDENTIALS, version=version)
        case "api" if rest:
            return _of_api(rest[0], tuple(rest[1:]))
        case _:
            return None


def _of_endpoint_id(version: str, endpoint_id: str, rest: tuple[str, ...]) -> Route | None:
    if rest in _OF_AN_ID:
        return Route(asked=_OF_AN_ID[rest], version=version, id=endpoint_id)
    if rest[0] != "associations" or len(rest) < 2:
        return None
    kind, name = rest[1], "/".join(rest[2:])
    if len(rest) == 2:
        return Route(asked=Asked.ASSOCIATIONS, version=version, id=endpoint_id, names=(kind,))
    return Route(asked=Asked.ASSOCIATION, version=version, id=endpoint_id, names=(kind, name))


def _of_v2(what: str, rest: tuple[str, ...]) -> Route | None:
    if what not in _OF_V2 or len(rest) > 1:
        return None
    of_task, of_container = _OF_V2[what]
    if rest in ((), ("",)):
        return Route(asked=of_task, version="v2")
    return Route(asked=of_container, version="v2", id=rest[0]) if of_container else None


def _of_api(endpoint_id: str, rest: tuple[str, ...]) -> Route | None:
    match rest:
        case ("task-protection", "v1", "state"):
            return Route(asked=Asked.PROTECTION, version="api", id=endpoint_id)
        case ("fault", "v1", fault, step) if fault in _FAULTS and step in _FAULT_STEPS:
            return Route(asked=Asked.FAULT, version="api", id=endpoint_id)
        case _:
            return None
