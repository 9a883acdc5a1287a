"""Task definitions in Terraform's JSON: a plan, the state as `terraform show -json` prints it, a state file.

A plan marks what is known only after applying; those values become `UNKNOWN`. The provider keeps the
container definitions as a text of JSON inside the JSON, so findings in a container point to that text as a
whole.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from pillion.core.findings import Path
from pillion.core.task_view import UNKNOWN, Unknown
from pillion.inputs.subject import Road, Subject

RESOURCE_TYPE: Final = "aws_ecs_task_definition"

_PLAIN: Final = {
    "family": "family",
    "cpu": "cpu",
    "memory": "memory",
    "network_mode": "networkMode",
    "requires_compatibilities": "requiresCompatibilities",
    "task_role_arn": "taskRoleArn",
    "execution_role_arn": "executionRoleArn",
    "pid_mode": "pidMode",
    "ipc_mode": "ipcMode",
    "enable_fault_injection": "enableFaultInjection",
}
_BLOCKS: Final = {
    "volume": "volumes",
    "placement_constraints": "placementConstraints",
    "proxy_configuration": "proxyConfiguration",
    "runtime_platform": "runtimePlatform",
    "ephemeral_storage": "ephemeralStorage",
    "inference_accelerator": "inferenceAccelerators",
}


def definitions(document: Mapping[str, Any]) -> Iterator[Subject]:
    """Every task definition of a plan or state, named by its address."""
    changes = document.get("resource_changes")
    if isinstance(changes, list):
        yield from _from_changes(changes)
    elif isinstance(planned := document.get("planned_values"), dict):
        yield from _from_module(planned.get("root_module"), ("planned_values", "root_module"))
    elif isinstance(values := document.get("values"), dict):
        yield from _from_module(values.get("root_module"), ("values", "root_module"))
    elif isinstance(resources := document.get("resources"), list):
        yield from _from_state_file(resources)


def _from_changes(changes: list[Any]) -> Iterator[Subject]:
    for index, resource in enumerate(changes):
        if not isinstance(resource, dict) or resource.get("type") != RESOURCE_TYPE:
            continue
        change = resource.get("change")
        after = change.get("after") if isinstance(change, dict) else None
        if isinstance(after, dict):  # a resource that will be destroyed has no values afterwards
            values = _with_unknown(after, resource["change"].get("after_unknown"))
            path = ("resource_changes", index, "change", "after")
            yield _subject(str(resource.get("address", index)), values, path)


def _from_module(module: object, path: Path, depth: int = 0) -> Iterator[Subject]:
    if not isinstance(module, dict) or depth > 50:
        return
    for index, resource in _objects(module.get("resources")):
        if resource.get("type") == RESOURCE_TYPE and isinstance(values := resource.get("values"), dict):
            yield _subject(str(resource.get("address", index)), values, (*path, "resources", index, "values"))
    for index, child in _objects(module.get("child_modules")):
        yield from _from_module(child, (*path, "child_modules", index), depth + 1)


def _from_state_file(resources: list[Any]) -> Iterator[Subject]:
    for index, resource in _objects(resources):
        if resource.get("type") != RESOURCE_TYPE:
            continue
        for place, instance in _objects(resource.get("instances")):
            if isinstance(values := instance.get("attributes"), dict):
                module = f"{resource['module']}." if "module" in resource else ""
                key = f"[{json.dumps(instance['index_key'])}]" if "index_key" in instance else ""
                name = f"{module}{RESOURCE_TYPE}.{resource.get('name')}{key}"
                yield _subject(name, values, ("resources", index, "instances", place, "attributes"))


def _objects(value: object) -> Iterator[tuple[int, dict[str, Any]]]:
    if isinstance(value, list):
        for index, item in enumerate(value):
            if isinstance(item, dict):
                yield index, item


def _with_unknown(after: object, unknown: object, depth: int = 0) -> Any:  # noqa: ANN401 (any JSON value)
    """Lay the marks of `after_unknown` over the values of `after`."""
    if unknown is True or depth > 60:
        return UNKNOWN
    if isinstance(after, dict) and isinstance(unknown, dict):
        keys = [*after, *(key for key in unknown if key not in after)]
        return {key: _with_unknown(after.get(key), unknown.get(key), depth + 1) for key in keys}
    if isinstance(after, list) and isinstance(unknown, list):
        marks = [*unknown, *[None] * (len(after) - len(unknown))]
        return [_with_unknown(item, mark, depth + 1) for item, mark in zip(after, marks, strict=False)]
    return after


def _subject(address: str, values: Mapping[str, Any] | Unknown, path: Path) -> Subject:
    return Subject(
        name=address,
        road=Road.TERRAFORM,
        value=_definition(values),
        locate=lambda inner: path + _spelt_path(inner),
    )


def _definition(values: Mapping[str, Any] | Unknown) -> dict[str, Any]:
    if isinstance(values, Unknown):
        return {"family": UNKNOWN, "containerDefinitions": UNKNOWN}
    found: dict[str, Any] = {}
    for key, name in _PLAIN.items():
        if values.get(key):  # Terraform writes empty values for what nobody set
            found[name] = values[key]
    for key, name in _BLOCKS.items():
        blocks = values.get(key)
        if blocks is UNKNOWN:
            found[name] = UNKNOWN
        elif isinstance(blocks, list) and blocks:
            found[name] = _BLOCK_READERS[key](blocks)
    tags = values.get("tags_all") or values.get("tags")
    if isinstance(tags, dict) and tags:
        found["tags"] = [{"key": key, "value": value} for key, value in tags.items()]
    found["containerDefinitions"] = _containers(values.get("container_definitions"))
    return found


def _containers(value: object) -> object:
    if isinstance(value, str):
        try:
            return json.loads(value)
        except (ValueError, RecursionError):
            return value  # the structure check says that a text is no list
    return value


def _each(reader: Callable[[Mapping[str, Any]], Any]) -> Callable[[list[Any]], Any]:
    return lambda blocks: [reader(block) if isinstance(block, dict) else UNKNOWN for block in blocks]


def _only(reader: Callable[[Mapping[str, Any]], Any]) -> Callable[[list[Any]], Any]:
    return lambda blocks: reader(blocks[0]) if isinstance(blocks[0], dict) else UNKNOWN


def _renamed(names: Mapping[str, str]) -> Callable[[Mapping[str, Any]], dict[str, Any]]:
    """Reads a block; Terraform writes empty texts, lists, false and 0 for what nobody set."""
    return lambda block: {name: block[key] for key, name in names.items() if block.get(key)}


_DOCKER: Final = _renamed(
    {
        "scope": "scope",
        "autoprovision": "autoprovision",
        "driver": "driver",
        "driver_opts": "driverOpts",
        "labels": "labels",
    }
)
_EFS: Final = _renamed(
    {
        "file_system_id": "fileSystemId",
        "root_directory": "rootDirectory",
        "transit_encryption": "transitEncryption",
        "transit_encryption_port": "transitEncryptionPort",
    }
)
_EFS_AUTHORIZATION: Final = _renamed({"access_point_id": "accessPointId", "iam": "iam"})
_FSX: Final = _renamed({"file_system_id": "fileSystemId", "root_directory": "rootDirectory"})
_FSX_AUTHORIZATION: Final = _renamed({"credentials_parameter": "credentialsParameter", "domain": "domain"})
_S3FILES: Final = _renamed(
    {
        "file_system_arn": "fileSystemArn",
        "root_directory": "rootDirectory",
        "transit_encryption_port": "transitEncryptionPort",
        "access_point_arn": "accessPointArn",
    }
)


def _volume(block: Mapping[str, Any]) -> dict[str, Any]:
    found = _renamed({"name": "name"})(block)
    if block.get("configure_at_launch"):
        found["configuredAtLaunch"] = block["configure_at_launch"]
    if block.get("host_path"):
        found["host"] = {"sourcePath": block["host_path"]}
    for key, name, reader, authorization in (
        ("docker_volume_configuration", "dockerVolumeConfiguration", _DOCKER, None),
        ("efs_volume_configuration", "efsVolumeConfiguration", _EFS, _EFS_AUTHORIZATION),
        (
            "fsx_windows_file_server_volume_configuration",
            "fsxWindowsFileServerVolumeConfiguration",
            _FSX,
            _FSX_AUTHORIZATION,
        ),
        ("s3files_volume_configuration", "s3filesVolumeConfiguration", _S3FILES, None),
    ):
        blocks = block.get(key)
        if blocks is UNKNOWN:
            found[name] = UNKNOWN
        elif isinstance(blocks, list) and blocks and isinstance(blocks[0], dict):
            found[name] = reader(blocks[0])
            inner = blocks[0].get("authorization_config")
            if authorization is not None and isinstance(inner, list) and inner and isinstance(inner[0], dict):
                found[name]["authorizationConfig"] = authorization(inner[0])
    return found


def _proxy(block: Mapping[str, Any]) -> dict[str, Any]:
    found = _renamed({"type": "type", "container_name": "containerName"})(block)
    found.setdefault("type", "APPMESH")
    properties = block.get("properties")
    if isinstance(properties, dict):
        found["properties"] = [{"name": key, "value": value} for key, value in properties.items()]
    elif properties is UNKNOWN:
        found["properties"] = UNKNOWN
    return found


_BLOCK_READERS: Final[Mapping[str, Callable[[list[Any]], Any]]] = {
    "volume": _each(_volume),
    "placement_constraints": _each(_renamed({"type": "type", "expression": "expression"})),
    "proxy_configuration": _only(_proxy),
    "runtime_platform": _only(
        _renamed({"operating_system_family": "operatingSystemFamily", "cpu_architecture": "cpuArchitecture"})
    ),
    "ephemeral_storage": _only(_renamed({"size_in_gib": "sizeInGiB"})),
    "inference_accelerator": _each(_renamed({"device_name": "deviceName", "device_type": "deviceType"})),
}


_ATTRIBUTES: Final = {
    **{name: key for key, name in _PLAIN.items()},
    **{name: key for key, name in _BLOCKS.items()},
    "tags": "tags",
    "containerDefinitions": "container_definitions",
}


def _spelt_path(path: Path) -> Path:
    """The attribute that holds the value; what is inside a text of JSON cannot be pointed at."""
    if not path or path[0] not in _ATTRIBUTES:
        return ()
    attribute = (_ATTRIBUTES[str(path[0])],)
    return (*attribute, path[1]) if path[0] == "volumes" and len(path) > 1 else attribute
