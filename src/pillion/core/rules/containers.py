"""Rules about one container by itself: its name, its image, its limits, what restarts it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from pillion.core.rules.examples import app, task
from pillion.core.rules.rule import Hit, aws_says, container_rule, guide, set_to, we_say
from pillion.core.task_view import ContainerView, TaskView, absent, mapping, members, number, text

_PARAMETERS = guide("task_definition_parameters.html")
_CONTAINERS = guide("task_definition_parameters.html#container_definitions")
_NAME = re.compile(r"[A-Za-z0-9_-]{1,255}")
_IMAGE = re.compile(r"[A-Za-z0-9_.:/@#-]+")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")

IMAGE_MAX: Final = 255
RESTART_PERIOD_MIN_S: Final = 60
RESTART_PERIOD_MAX_S: Final = 1800
IGNORED_EXIT_CODES_MAX: Final = 50
CREDENTIAL_SPECS_MAX: Final = 1
TIMEOUT_MIN_S: Final = 2


@container_rule(
    code="E021",
    title="A container has no name",
    why="Everything that refers to a container does it by name.",
    fix="Give the container a name.",
    source=_CONTAINERS,
    bad=task(app(name="")),
    good=task(app()),
    blocks_run=True,
)
def name_missing(task: TaskView, container: ContainerView) -> Iterator[Hit]:
    """The name is present and not empty."""
    if container.name == "" or (container.name is None and absent(container.raw, "name")):
        yield aws_says(container.path, "Container.name should not be null or empty.")


@container_rule(
    code="E022",
    title="A container's name has characters that AWS does not take",
    why="AWS refuses a name with anything but letters, digits, hyphens and underscores.",
    fix="Use 1 to 255 letters, digits, hyphens and underscores.",
    source=_CONTAINERS,
    bad=task(app(name="my.app")),
    good=task(app(name="my-app")),
)
def name_characters(task: TaskView, container: ContainerView) -> Iterator[Hit]:
    """Characters and length of the name."""
    if container.name and not _NAME.fullmatch(container.name):
        message = f"The container name {container.name[:80]!r} is not 1 to 255 letters, digits, - and _."
        yield we_say(container.at("name"), message)


@container_rule(
    code="E023",
    title="A container has no image",
    why="There is nothing to run without one.",
    fix="Name an image, with its registry and tag.",
    source=_CONTAINERS,
    bad=task(app(image=None)),
    good=task(app()),
    blocks_run=True,
)
def image_missing(task: TaskView, container: ContainerView) -> Iterator[Hit]:
    """The image is present and not empty."""
    image = container.raw.get("image")
    if image is None or image == "":
        yield aws_says(container.path, "Container.image should not be null or empty.")


@container_rule(
    code="E024",
    title="An image name that AWS does not take",
    why="Usually a variable that nobody filled in (`$IMAGE_TAG`), or a space at the end.",
    fix="Write the image as registry/name:tag or registry/name@sha256:digest.",
    source=_CONTAINERS,
    bad=task(app(image="example/app:$TAG")),
    good=task(app(image="example/app:1.4.2")),
    on="image",
    blocks_run=True,
)
def image_characters(task: TaskView, container: ContainerView) -> Iterator[Hit]:
    """Characters, length and digest of the image."""
    image = container.image
    if not image:
        return
    name, at, digest = image.partition("@")
    if _IMAGE.fullmatch(image) and len(name) <= IMAGE_MAX and (not at or _DIGEST.fullmatch(digest)):
        return
    stripped = image.strip()
    edit = None
    if stripped != image and _IMAGE.fullmatch(stripped):
        edit = set_to(container.at("image"), stripped)
    detail = f"The image is {image[:300]!r}."
    yield aws_says(container.at("image"), "Container.image contains invalid characters.", detail, edit=edit)


@container_rule(
    code="E025",
    title="A startTimeout or stopTimeout below two seconds",
    why="Two seconds is the least that AWS takes.",
    fix="Use 2 or more, or leave the member out.",
    source=_PARAMETERS,
    bad=task(app(stopTimeout=1)),
    good=task(app(stopTimeout=2)),
)
def timeout_minimum(task: TaskView, container: ContainerView) -> Iterator[Hit]:
    """Both timeouts are at least two seconds."""
    for key in ("startTimeout", "stopTimeout"):
        seconds = number(container.raw, key)
        if seconds is not None and seconds < TIMEOUT_MIN_S:
            message = f"{key} is {seconds} s; the least is {TIMEOUT_MIN_S} s."
            yield we_say(container.at(key), message, edit=set_to(container.at(key), TIMEOUT_MIN_S))


@container_rule(
    code="E026",
    title="A restartAttemptPeriod outside 60 to 1800 seconds",
    why="The period says how long a container must have run before an exit is followed by a restart.",
    fix="Use 60 to 1800 seconds, or leave it out for 300.",
    source=guide("container-restart-policy.html"),
    bad=task(app(restartPolicy={"enabled": True, "restartAttemptPeriod": 30})),
    good=task(app(restartPolicy={"enabled": True, "restartAttemptPeriod": 60})),
    on="restartPolicy",
)
def restart_period(task: TaskView, container: ContainerView) -> Iterator[Hit]:
    """The period is in range."""
    period = number(mapping(container.raw, "restartPolicy"), "restartAttemptPeriod")
    if period is not None and not RESTART_PERIOD_MIN_S <= period <= RESTART_PERIOD_MAX_S:
        name = container.label
        message = f"The 'restartAttemptPeriod' setting for container '{name}' must be between 60 and 1800."
        yield aws_says(container.at("restartPolicy", "restartAttemptPeriod"), message, f"It is {period}.")


@container_rule(
    code="E027",
    title="More than 50 ignored exit codes",
    why="AWS takes 50 at most.",
    fix="List the codes that the program really uses.",
    source=guide("container-restart-policy.html"),
    bad=task(app(restartPolicy={"enabled": True, "ignoredExitCodes": list(range(51))})),
    good=task(app(restartPolicy={"enabled": True, "ignoredExitCodes": list(range(50))})),
    on="restartPolicy",
)
def ignored_exit_codes(task: TaskView, container: ContainerView) -> Iterator[Hit]:
    """At most fifty codes."""
    codes = mapping(container.raw, "restartPolicy").get("ignoredExitCodes")
    if isinstance(codes, list) and len(codes) > IGNORED_EXIT_CODES_MAX:
        message = f"There are {len(codes)} ignored exit codes; AWS takes {IGNORED_EXIT_CODES_MAX}."
        yield we_say(container.at("restartPolicy", "ignoredExitCodes"), message)


@container_rule(
    code="E028",
    title="More than one credential spec",
    why="A container has one gMSA identity.",
    fix="Keep one entry.",
    source=_CONTAINERS,
    bad=task(app(credentialSpecs=["credentialspec:a", "credentialspec:b"])),
    good=task(app(credentialSpecs=["credentialspec:a"])),
    on="credentialSpecs",
)
def credential_specs(task: TaskView, container: ContainerView) -> Iterator[Hit]:
    """At most one credential spec."""
    specs = container.raw["credentialSpecs"]
    if isinstance(specs, list) and len(specs) > CREDENTIAL_SPECS_MAX:
        message = f"There are {len(specs)} credential specs; AWS takes {CREDENTIAL_SPECS_MAX}."
        yield we_say(container.at("credentialSpecs"), message)


@container_rule(
    code="E029",
    title="A ulimit whose soft limit is above its hard limit",
    why="The hard limit is the ceiling of the soft one, so the container could not be started.",
    fix="Raise hardLimit to softLimit, or lower softLimit.",
    source=_CONTAINERS,
    bad=task(app(ulimits=[{"name": "nofile", "softLimit": 65535, "hardLimit": 1024}])),
    good=task(app(ulimits=[{"name": "nofile", "softLimit": 1024, "hardLimit": 65535}])),
    on="ulimits",
)
def ulimits(task: TaskView, container: ContainerView) -> Iterator[Hit]:
    """Soft limits do not exceed hard ones; -1 is no limit."""
    for index, limit in members(container.raw, "ulimits"):
        soft, hard = number(limit, "softLimit"), number(limit, "hardLimit")
        if soft is None or hard is None or hard == -1:
            continue
        if soft > hard or soft == -1:
            message = f"Soft limit exceeds hard limit for ulimit {text(limit, 'name') or ''}"
            path = container.at("ulimits", index, "softLimit")
            yield aws_says(path, message, f"softLimit is {soft}, hardLimit is {hard}.")
