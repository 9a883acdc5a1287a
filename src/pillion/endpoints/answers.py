"""What each path answers: queries asked, shapes made, errors in the agent's own words. No HTTP library here.

Surprising, and all of it the agent's: errors are JSON strings, except those of credentials, protection and
faults, which are objects. For an unknown id version 4 answers 404, version 3 answers 500 on metadata paths
and 400 on statistics, and associations answer 400 in both. Version 2 knows the task by who asks.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

from msgspec import Struct

from pillion.core.plan.model import ContainerPlan
from pillion.endpoints import protection
from pillion.endpoints.credentials import (
    NO_ID,
    SERVER_PROBLEM,
    UNKNOWN_ID,
    CredentialsProblem,
    credentials_shape,
    not_ready,
    problem_shape,
)
from pillion.endpoints.gojson import encode
from pillion.endpoints.metadata import Version, container_metadata, task_metadata
from pillion.endpoints.routes import Asked, Route
from pillion.endpoints.stats import container_stats, network_owner, task_stats
from pillion.ports.aws import AwsCallError
from pillion.ports.queries import (
    AskedContainer,
    ContainerStats,
    CredentialsNotReadyError,
    EndpointQueries,
    ProtectionCallError,
    TaskView,
)

KEPT_MAX = 256
"""Answers kept: a task has a dozen containers and two versions; an endpoint of many tasks starts over."""

JSON = "application/json"
TEXT = "text/plain; charset=utf-8"


class Request(Struct, frozen=True, kw_only=True):
    """What of an HTTP request matters: who asks, how, and with what."""

    method: str
    remote: str
    query: Mapping[str, str]
    body: bytes = b""


class Answer(Struct, frozen=True, kw_only=True):
    """What is sent back."""

    status: int = 200
    body: bytes = b""
    content_type: str = JSON


NOT_FOUND = Answer(status=404, body=b"404 page not found\n", content_type=TEXT)
_NOT_ALLOWED = Answer(status=405, content_type=TEXT)

_NO_CONTAINER = "unable to get container ID from request: unable to get docker ID from v3 endpoint ID: {}"
_NO_TASK = "unable to get task arn from request: unable to get task Arn from v3 endpoint ID: {}"
_NO_CONTAINER_FOR_ASSOCIATIONS = _NO_CONTAINER.replace("container ID", "container id", 1)
_NOT_IN_V2 = "Unable to get task arn from request: unable to associate '{}' with task"

# What an unknown id is told, and with which status in versions 3 and 4.
_UNKNOWN_ID = {
    Asked.CONTAINER: ("container metadata handler", _NO_CONTAINER, 500, 404),
    Asked.TASK: ("task metadata handler", _NO_TASK, 500, 404),
    Asked.TASK_WITH_TAGS: ("task metadata handler", _NO_TASK, 500, 404),
    Asked.CONTAINER_STATS: ("container stats handler", _NO_TASK, 400, 404),
    Asked.TASK_STATS: ("task stats handler", _NO_TASK, 400, 404),
    Asked.ASSOCIATIONS: ("container associations handler", _NO_CONTAINER_FOR_ASSOCIATIONS, 400, 400),
    Asked.ASSOCIATION: ("container associations handler", _NO_TASK, 400, 400),
}


class Answers:
    """Answers requests for known paths from what `queries` knows.

    Metadata is a function of the task's view, so an answer is kept and sent again as long as the view is
    the same: programs like to ask many times a second. `refused` is told why AWS gives no credentials,
    which the container is not.
    """

    def __init__(self, queries: EndpointQueries, *, refused: Callable[[AwsCallError], None]) -> None:
        self._queries = queries
        self._refused = refused
        self._kept: dict[tuple[Asked, Version, str, str], tuple[TaskView, Answer]] = {}

    async def answer(self, route: Route, request: Request) -> Answer:
        """Answer a request for a known path."""
        match route.asked:
            case Asked.CREDENTIALS:
                return await self._credentials(route, request)
            case Asked.PROTECTION:
                return await self._protection(route, request)
            case Asked.FAULT:
                return self._fault(route, request)
            case _ if route.version == Version.V2.value:
                return await self._by_address(route, request)
            case _:
                return await self._by_endpoint_id(route)

    async def _by_endpoint_id(self, route: Route) -> Answer:
        version, endpoint_id = Version(route.version), route.id or ""
        found = self._queries.container_of(endpoint_id)
        if found is None:
            handler, text, status_v3, status_v4 = _UNKNOWN_ID[route.asked]
            status = status_v4 if version is Version.V4 else status_v3
            return _json(f"{version.name} {handler}: {text.format(endpoint_id)}", status)
        match route.asked:
            case Asked.ASSOCIATIONS:
                return _associations(found, route.names[0])
            case Asked.ASSOCIATION:
                return _association(found.task, *route.names)
            case asked:
                return await self._about(found.task, found.name, asked, version)

    async def _by_address(self, route: Route, request: Request) -> Answer:
        task = self._queries.task_at(request.remote)
        if task is None:
            return _json(_NOT_IN_V2.format(request.remote), 400)
        name = ""
        if route.id is not None:
            container = _container_by_runtime_id(task, route.id)
            if container is None:
                return _json(_v2_unknown_container(route.asked, route.id), 400)
            name = container.name
        return await self._about(task, name, route.asked, Version.V2)

    async def _about(self, task: TaskView, name: str, asked: Asked, version: Version) -> Answer:
        match asked:
            case Asked.CONTAINER | Asked.TASK | Asked.TASK_WITH_TAGS:
                return self._metadata(task, name, asked, version)
            case Asked.CONTAINER_STATS:
                owner = network_owner(task, name)
                found = await self._stats(task, {name, owner})
                return _json(container_stats(found[name], found[owner], version))
            case _:
                existing = {item for item, state in task.state.containers.items() if state.runtime_id}
                return _json(task_stats(task, await self._stats(task, existing), version))

    def _metadata(self, task: TaskView, name: str, asked: Asked, version: Version) -> Answer:
        key = (asked, version, task.plan.identity.task_arn, name if asked is Asked.CONTAINER else "")
        kept = self._kept.get(key)
        if kept is not None and kept[0] == task:
            return kept[1]
        if asked is Asked.CONTAINER:
            made = _json(container_metadata(task, name, version))
        else:
            made = _json(task_metadata(task, version, with_tags=asked is Asked.TASK_WITH_TAGS))
        if len(self._kept) >= KEPT_MAX:
            self._kept.clear()
        self._kept[key] = (task, made)
        return made

    async def _stats(self, task: TaskView, names: set[str]) -> dict[str, ContainerStats | None]:
        ordered = sorted(names)
        found = await asyncio.gather(*(self._queries.stats(task, name) for name in ordered))
        return dict(zip(ordered, found, strict=True))

    async def _credentials(self, route: Route, request: Request) -> Answer:
        version = route.version.upper()
        credentials_id = request.query.get("id") if route.version == "v1" else route.id
        if not credentials_id:
            return _problem(NO_ID, version)
        try:
            found = await self._queries.role_credentials(credentials_id)
        except CredentialsNotReadyError:
            return _problem(not_ready(credentials_id), version)
        except AwsCallError as error:
            self._refused(error)
            return _problem(SERVER_PROBLEM, version)
        return _problem(UNKNOWN_ID, version) if found is None else _json(credentials_shape(found))

    async def _protection(self, route: Route, request: Request) -> Answer:
        if request.method not in ("GET", "PUT"):
            return _NOT_ALLOWED
        wish = None
        if request.method == "PUT":
            wish = protection.read_request(request.body)
            if wish is None:
                return _json(
                    protection.error_shape("InvalidParameterException", protection.NOT_READABLE), 400
                )
        found = self._queries.container_of(route.id or "")
        if found is None:
            return _json(protection.error_shape("ResourceNotFoundException", protection.NO_TASK), 404)
        arn = found.task.plan.identity.task_arn
        if wish is not None and wish.enabled is None:
            shape = protection.error_shape("InvalidParameterException", protection.NO_FLAG, task_arn=arn)
            return _json(shape, 400)
        if not found.task.has_task_role:
            shape = protection.error_shape("AccessDeniedException", protection.NO_ROLE, task_arn=arn)
            return _json(shape, 403)
        return await self._call_ecs(found.task, wish)

    async def _call_ecs(self, task: TaskView, wish: protection.ProtectionRequest | None) -> Answer:
        arn = task.plan.identity.task_arn
        try:
            async with asyncio.timeout(protection.CALL_TIMEOUT_S):
                if wish is None or wish.enabled is None:
                    result = await self._queries.protection(task)
                else:
                    result = await self._queries.protect(
                        task, enabled=wish.enabled, expires_in_minutes=wish.expires_in_minutes
                    )
        except TimeoutError:
            return _json(protection.error_shape("RequestCanceled", protection.TOO_SLOW, task_arn=arn), 504)
        except ProtectionCallError as error:
            return _json(protection.call_error_shape(arn, error), error.status)
        return _json(protection.answer_shape(arn, result))

    def _fault(self, route: Route, request: Request) -> Answer:
        """Faults are not injected here; a task that did not ask for them is told what the agent would say."""
        if request.method != "POST":
            return _NOT_ALLOWED
        found = self._queries.container_of(route.id or "")
        if found is None:
            text = f"unable to lookup container: {route.id}"
            return _json({"Error": text}, 404)
        if not found.task.definition.enable_fault_injection:
            arn = found.task.plan.identity.task_arn
            return _json({"Error": f"enableFaultInjection is not enabled for task: {arn}"}, 400)
        return _json({"Error": "internal error"}, 500)


def _associations(found: AskedContainer, kind: str) -> Answer:
    names = [
        item.name for item in found.task.associations if item.type == kind and found.name in item.containers
    ]
    return _json({"Associations": names or None})


def _association(task: TaskView, kind: str, name: str) -> Answer:
    for item in task.associations:
        if (item.type, item.name) == (kind, name):
            return Answer(body=item.content.encode())
    return _json(
        "Unable to write container association response: unable to get association from association type "
        f"{kind} and association name {name}",
        400,
    )


def _container_by_runtime_id(task: TaskView, runtime_id: str) -> ContainerPlan | None:
    states = task.state.containers
    return next((item for item in task.plan.containers if states[item.name].runtime_id == runtime_id), None)


def _v2_unknown_container(asked: Asked, runtime_id: str) -> str:
    if asked is Asked.CONTAINER_STATS:
        return f"Unable to get container stats for: {runtime_id}"
    return f"Unable to generate metadata for container '{runtime_id}'"


def _problem(problem: CredentialsProblem, version: str) -> Answer:
    return _json(problem_shape(problem, version), problem.status)


def _json(value: object, status: int = 200) -> Answer:
    return Answer(status=status, body=encode(value))
