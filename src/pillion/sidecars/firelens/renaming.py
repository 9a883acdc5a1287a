"""What a router needs that has only Fluent Bit's own plugins, and none of AWS's in Go.

AWS's image has three outputs written in Go: `cloudwatch`, `firehose` and `kinesis`. On any other build of
Fluent Bit their names end the router at once. `cloudwatch` can be renamed to the core's `cloudwatch_logs`
for the usual options; group, stream and records stay the same, the bytes of a whole-record message do not
(order of keys, escapes), so compare parsed JSON. Nothing here is applied by itself: it is offered.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from msgspec import Struct

from pillion.core.plan.model import TaskIdentity
from pillion.sidecars.firelens.configuration import Output

CORE_NAMES: Final = {
    "cloudwatch": "cloudwatch_logs",
    "firehose": "kinesis_firehose",
    "kinesis": "kinesis_streams",
}
"""AWS's Go plugins, and the core plugin that does the same."""

_SHARED_OPTIONS: Final = frozenset(
    {"region", "log_group_name", "log_stream_name", "log_stream_prefix", "log_key", "log_format", "role_arn"}
    | {
        "external_id",
        "auto_create_group",
        "log_retention_days",
        "endpoint",
        "sts_endpoint",
        "extra_user_agent",
    }
)
_HARMLESS_OPTIONS: Final = frozenset({"default_log_group_name", "default_log_stream_name"})
_NAME_OPTIONS: Final = ("log_group_name", "log_stream_name", "log_stream_prefix")
_TAG_TEMPLATE: Final = "$(tag)"


class Renaming(Struct, frozen=True, kw_only=True):
    """An output for the core plugin. `notes` say what is different, for the person who decides."""

    output: Output
    notes: tuple[str, ...] = ()


class RenamingError(ValueError):
    """An output that cannot be renamed without changing what it does. The message names the option."""


def needs_go_plugin(output: Output) -> bool:
    """Say whether an output exists only in images with AWS's Go plugins."""
    return output.plugin.lower() in CORE_NAMES


def rename(output: Output, identity: TaskIdentity) -> Renaming:
    """Return a `cloudwatch` output written for `cloudwatch_logs`.

    Raises:
        RenamingError: another plugin, or an option that has no counterpart.
    """
    if output.plugin.lower() != "cloudwatch":
        raise RenamingError(
            f"{output.plugin} has a counterpart, {CORE_NAMES.get(output.plugin.lower(), 'none')}, "
            "with other options: write that output by hand"
        )
    options: dict[str, str] = {}
    notes: list[str] = []
    for key, value in output.options.items():
        if key in _HARMLESS_OPTIONS or (key == "auto_create_stream" and value.lower() == "true"):
            notes.append(f"{key} is left out: cloudwatch_logs has no such option, and does not need it here")
        elif key not in _SHARED_OPTIONS:
            raise RenamingError(
                f"{key} has no counterpart in cloudwatch_logs, and leaving it out changes what happens"
            )
        elif key == "endpoint" and value.startswith("http://"):
            raise RenamingError("endpoint: cloudwatch_logs speaks TLS only, and takes a host name, not a URL")
        else:
            options[key] = value
    options |= _booleans(options)
    options = _fill_templates(options, identity)
    return Renaming(
        output=Output(container=output.container, plugin="cloudwatch_logs", options=options),
        notes=tuple(notes),
    )


def _booleans(options: Mapping[str, str]) -> dict[str, str]:
    """The Go plugin takes only true and false; `On` leaves the default, which is not to create the group."""
    value = options.get("auto_create_group")
    return {} if value is None else {"auto_create_group": "true" if value.lower() == "true" else "false"}


def _fill_templates(options: Mapping[str, str], identity: TaskIdentity) -> dict[str, str]:
    known = {
        "$(ecs_task_id)": identity.task_id,
        "$(ecs_cluster)": identity.cluster,
        "$(ecs_task_arn)": identity.task_arn,
    }
    filled = dict(options)
    for key in _NAME_OPTIONS:
        if key not in filled:
            continue
        for template, value in known.items():
            filled[key] = filled[key].replace(template, value)
        if key == "log_stream_name" and filled[key] == _TAG_TEMPLATE:
            # The plain name is still required, and is what records without a tag would get.
            filled |= {"log_stream_name": "no-tag", "log_stream_template": "$TAG"}
        elif "$(" in filled[key]:
            raise RenamingError(f"{key} {filled[key]}: cloudwatch_logs cannot fill in this template")
    return filled
