"""What a task's containers should be given, after what they were seen to use; with the reasoning.

The rule is one for all: what is usual (the 95th percentile) is reserved, and the peak may fill four fifths
of a hard limit. AWS recommends alarms at 80 % of memory and CPU, so a task of these sizes is silent as it
was seen. CPU of a container is a share, not a cap: the usual need over four fifths.

Not here: who observed, and how the edits get into a file.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import ceil
from typing import Any, Final

from msgspec import Struct

from pillion.core.columns import format_age
from pillion.core.findings import Edit, EditAction, Path
from pillion.core.roles import Role, role_of
from pillion.core.rules.sizes import FARGATE_SIZES, FARGATE_WINDOWS_CPU_UNITS
from pillion.core.task_view import FARGATE, ContainerView, TaskView, number
from pillion.core.usage import Observed

FILLED: Final = 0.8
"""How much of what is given may be used: AWS's recommended alarms of Container Insights are at 80 %."""

USUAL_PERCENT: Final = 95.0

SEEN_FOR_S: Final = 300.0
"""How long a container has to have been seen, where nobody says otherwise."""

MEMORY_STEP_MIB: Final = 8
MEMORY_MIN_MIB: Final = 8
"""Docker refuses to start a container with less than 6 MiB."""

ROUTER_MIN_MIB: Final = 50
"""What AWS's examples give a log router; FireLens sizes the router's buffer by it."""

CPU_STEP_UNITS: Final = 16
TASK_CPU_STEP_UNITS: Final = 128
TASK_MEMORY_STEP_MIB: Final = 64

_AT_LIMIT: Final = 0.95


class Change(Struct, frozen=True, kw_only=True):
    """One value and what it should be; equal values say that it fits.

    Attributes:
        member: `cpu`, `memory` or `memoryReservation`.
        now: what the definition says; None where it says nothing.
        proposed: what it should say.
        why: the reasoning, in one sentence.
    """

    member: str
    now: int | None
    proposed: int
    why: str


class Advice(Struct, frozen=True, kw_only=True):
    """What is proposed for a container, or for the task (`container` is None).

    `reason` says why nothing is proposed, where nothing is.
    """

    container: str | None
    changes: tuple[Change, ...] = ()
    reason: str = ""


class Proposal(Struct, frozen=True, kw_only=True):
    """What is proposed for a task.

    Attributes:
        advice: for each container in the order of the definition, then for the task.
        edits: of the definition that make it so, each with its path.
    """

    advice: tuple[Advice, ...]
    edits: tuple[Edit, ...]

    @property
    def knows_enough(self) -> bool:
        """Whether anything could be said of any container."""
        return any(item.changes for item in self.advice if item.container is not None)


class _Need(Struct, frozen=True, kw_only=True):
    """What a container will need, as proposed or, where it was not seen, as the definition has it."""

    cpu_units: int
    memory_mib: int


def rightsize(
    definition: dict[str, Any], observed: Mapping[str, Observed], *, seen_for_s: float = SEEN_FOR_S
) -> Proposal:
    """Propose sizes for a definition, given as its plain JSON object.

    Args:
        definition: as the ECS API spells it.
        observed: what its containers were seen to use, by name.
        seen_for_s: how long a container has to have been seen; one that ends by itself need not.
    """
    task = TaskView(definition)
    advice: list[Advice] = []
    edits: list[Edit] = []
    needs: list[_Need] = []
    for container in task.containers:
        found = _container(task, container, observed.get(container.label), seen_for_s)
        advice.append(found)
        edits += _edits(container.path, container.raw, found.changes)
        needs.append(_need(container, found, observed.get(container.label)))
    knows = any(item.changes for item in advice)
    whole = _task(task, needs) if knows else None
    if whole is not None:
        advice.append(whole)
        edits += _edits((), definition, whole.changes, as_text=True)
    return Proposal(advice=tuple(advice), edits=tuple(edits))


def _container(task: TaskView, container: ContainerView, seen: Observed | None, seen_for_s: float) -> Advice:
    name = container.label
    if seen is None or seen.memory_mib is None:
        return Advice(container=name, reason="it was never seen to run")
    ends = role_of(task, container) is Role.JOB
    if not ends and seen.watched_s < seen_for_s:
        text = f"it was seen for {format_age(seen.watched_s)} only, and {format_age(seen_for_s)} are wanted"
        return Advice(container=name, reason=text)
    return Advice(container=name, changes=tuple(_changes(task, container, seen, seen.memory_mib)))


def _changes(task: TaskView, container: ContainerView, seen: Observed, peak_mib: int) -> Iterator[Change]:
    usual_units = _usual(seen.cpu.percentile(USUAL_PERCENT), seen.cpu_units)
    if usual_units is not None and seen.cpu_units is not None:
        yield Change(
            member="cpu",
            now=number(container.raw, "cpu"),
            proposed=_up(usual_units / FILLED, CPU_STEP_UNITS),
            why=(
                f"it used {usual_units} units or less in {USUAL_PERCENT:.0f} of 100 looks, "
                f"and {seen.cpu_units} at most; {usual_units} / {FILLED}"
            ),
        )
    usual_mib = _usual(seen.memory.percentile(USUAL_PERCENT), peak_mib) or peak_mib
    is_router = role_of(task, container) is Role.LOG_ROUTER
    least_mib = ROUTER_MIN_MIB if is_router else MEMORY_MIN_MIB
    reserved_mib = max(_up(usual_mib, MEMORY_STEP_MIB), least_mib)
    hard_now = number(container.raw, "memory")
    if hard_now is not None:
        why = f"its peak was {peak_mib} MiB; {peak_mib} / {FILLED}"
        if peak_mib >= hard_now * _AT_LIMIT:
            why += "; it was at its limit, so it may want more still"
        hard_mib = max(_up(peak_mib / FILLED, MEMORY_STEP_MIB), reserved_mib)
        yield Change(member="memory", now=hard_now, proposed=hard_mib, why=why)
    yield Change(
        member="memoryReservation",
        now=number(container.raw, "memoryReservation"),
        proposed=reserved_mib,
        why=(
            f"it held {usual_mib} MiB or less in {USUAL_PERCENT:.0f} of 100 looks"
            f"{_router_word(reserved_mib, least_mib)}"
        ),
    )


def _router_word(reserved_mib: int, least_mib: int) -> str:
    if least_mib != ROUTER_MIN_MIB or reserved_mib != least_mib:
        return ""
    return "; but FireLens makes its buffer half as large as this, and less than 25 MB is little"


def _task(task: TaskView, needs: list[_Need]) -> Advice | None:
    """Propose a size of the task, where it has one or Fargate wants one."""
    is_fargate = FARGATE in task.launch_types
    if not is_fargate and task.cpu_units is None and task.memory_mib is None:
        return None
    cpu_units, memory_mib = sum(item.cpu_units for item in needs), sum(item.memory_mib for item in needs)
    together = f"its containers need {cpu_units} CPU units and {memory_mib} MiB together"
    if is_fargate:
        size = _fargate_size(cpu_units, memory_mib, windows=task.is_windows)
        if size is None:
            return Advice(container=None, reason=f"{together}, and Fargate offers nothing so large")
        why = f"{together}; this is the smallest size that Fargate offers for that"
    else:
        size = _up(cpu_units, TASK_CPU_STEP_UNITS), _up(memory_mib, TASK_MEMORY_STEP_MIB)
        why = together
    now = (task.cpu_units, task.memory_mib)
    return Advice(
        container=None,
        changes=tuple(
            Change(member=member, now=before, proposed=after, why=why)
            for member, before, after in zip(("cpu", "memory"), now, size, strict=True)
            if is_fargate or before is not None
        ),
    )


def _need(container: ContainerView, advice: Advice, seen: Observed | None) -> _Need:
    proposed = {item.member: item.proposed for item in advice.changes}
    peak_mib = None if seen is None else seen.memory_mib
    memory_mib = (
        proposed.get("memory")
        or (_up(peak_mib / FILLED, MEMORY_STEP_MIB) if peak_mib is not None and proposed else None)
        or number(container.raw, "memory")
        or number(container.raw, "memoryReservation")
        or MEMORY_MIN_MIB
    )
    reserved_mib = proposed.get("memoryReservation", 0)
    return _Need(
        cpu_units=proposed.get("cpu") or number(container.raw, "cpu") or 0,
        memory_mib=max(memory_mib, reserved_mib),
    )


def _fargate_size(cpu_units: int, memory_mib: int, *, windows: bool) -> tuple[int, int] | None:
    for cpu, sizes in FARGATE_SIZES.items():
        if cpu < cpu_units or (windows and cpu not in FARGATE_WINDOWS_CPU_UNITS):
            continue
        memory = next((size for size in sizes if size >= memory_mib), None)
        if memory is not None:
            return cpu, memory
    return None


def _edits(
    path: Path, raw: Mapping[str, Any], changes: tuple[Change, ...], *, as_text: bool = False
) -> Iterator[Edit]:
    """Yield the edits that changes ask for; the task's own sizes are texts in the API."""
    for change in changes:
        if change.now != change.proposed:
            text = as_text and not isinstance(raw.get(change.member), int)
            value = str(change.proposed) if text else change.proposed
            yield Edit(path=(*path, change.member), action=EditAction.SET, value=value)


def _usual(percentile: int | None, peak: int | None) -> int | None:
    """A percentile is rounded up, and never above the peak."""
    return peak if percentile is None or peak is None else min(percentile, peak)


def _up(amount: float, step: int) -> int:
    return max(step, ceil(amount / step) * step)


def proposal_lines(proposal: Proposal) -> list[str]:
    """Return a proposal with its reasoning as lines of text."""
    lines = []
    for item in proposal.advice:
        lines.append(item.container or "the task")
        if item.reason:
            lines.append(f"  stays as it is: {item.reason}")
        for change in item.changes:
            now = "not set" if change.now is None else str(change.now)
            verdict = "fits" if change.now == change.proposed else f"{now} -> {change.proposed}"
            lines.append(f"  {change.member:<17} {verdict:<16}  {change.why}")
    return lines


def proposal_shape(proposal: Proposal) -> list[dict[str, Any]]:
    """Return a proposal as a JSON value."""
    return [
        {
            "container": item.container,
            "reason": item.reason,
            "changes": [
                {"member": change.member, "now": change.now, "proposed": change.proposed, "why": change.why}
                for change in item.changes
            ],
        }
        for item in proposal.advice
    ]
