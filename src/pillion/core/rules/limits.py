"""Rules about cpu and memory: task sizes, container limits, and how they add up."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from pillion.core.rules.examples import app, fargate, sidecar, task
from pillion.core.rules.rule import Hit, aws_says, container_rule, guide, task_rule, we_say
from pillion.core.rules.sizes import (
    FARGATE_SIZES,
    FARGATE_WINDOWS_CPU_UNITS,
    describe_fargate_memory,
    fargate_cpu_for,
)
from pillion.core.task_view import EC2, EXTERNAL, FARGATE, ContainerView, TaskView, absent, number, text

_TASK_SIZE = guide("task_definition_parameters.html#task_size")
_FARGATE_SIZE = guide("fargate-tasks-services.html#fargate-tasks-size")
_CPU_ERROR = guide("task-cpu-memory-error.html")
_CONTAINER_MEMORY = guide("task_definition_parameters.html#container_definition_memory")
_EPHEMERAL = guide("fargate-task-storage.html")

EC2_CPU_UNITS_MIN: Final = 128
EC2_CPU_UNITS_MAX: Final = 196_608
MEMORY_MIB_MIN: Final = 4
EPHEMERAL_GIB_MIN: Final = 21
EPHEMERAL_GIB_MAX: Final = 200


@container_rule(
    code="E201",
    title="Neither the container nor the task says how much memory",
    why="ECS places tasks by memory, so it has to know how much one needs.",
    fix="Give the container memory (hard limit) or memoryReservation (soft limit), or the task memory.",
    source=_CONTAINER_MEMORY,
    bad=task(app(memory=None)),
    good=task(app(memory=None, memoryReservation=128)),
)
def memory_missing(task: TaskView, container: ContainerView) -> Iterator[Hit]:
    """Without task memory, each container has a hard or a soft limit."""
    raw = container.raw
    if absent(raw, "memory") and absent(raw, "memoryReservation") and absent(task.raw, "memory"):
        name = container.label
        yield aws_says(
            container.path,
            f"Invalid setting for container '{name}'. "
            "At least one of 'memory' or 'memoryReservation' must be specified.",
        )


@container_rule(
    code="E202",
    title="A container's memory is below its memoryReservation",
    why="The hard limit is the ceiling of what the container may use, the reservation what it is promised.",
    fix="Raise memory to memoryReservation or above; equal values are fine.",
    source=_CONTAINER_MEMORY,
    bad=task(app(memory=128, memoryReservation=256)),
    good=task(app(memory=256, memoryReservation=256)),
    on="memoryReservation",
)
def memory_below_reservation(task: TaskView, container: ContainerView) -> Iterator[Hit]:
    """`memory` >= memoryReservation."""
    memory, reservation = number(container.raw, "memory"), number(container.raw, "memoryReservation")
    if memory is not None and reservation is not None and memory < reservation:
        yield aws_says(
            container.at("memory"),
            f"Invalid setting for container '{container.label}'. "
            "'memory' must be greater than or equal to 'memoryReservation'.",
            f"memory is {memory} MiB, memoryReservation is {reservation} MiB.",
        )


@task_rule(
    code="E203",
    title="Fargate: the task has no cpu",
    why="Fargate sizes a task by its cpu and memory.",
    fix='Give the task a cpu, such as "256" for a quarter of a vCPU.',
    source=_FARGATE_SIZE,
    bad=fargate(cpu=None),
    good=fargate(),
    launch_type=FARGATE,
)
def fargate_cpu_missing(task: TaskView) -> Iterator[Hit]:
    """A task for Fargate has a cpu."""
    if absent(task.raw, "cpu"):
        yield aws_says((), "Fargate requires that 'cpu' be defined at the task level.")


@task_rule(
    code="E204",
    title="Fargate: the task has no memory",
    why="Fargate sizes a task by its cpu and memory.",
    fix='Give the task a memory that goes with its cpu, such as "512".',
    source=_FARGATE_SIZE,
    bad=fargate(memory=None),
    good=fargate(),
    launch_type=FARGATE,
)
def fargate_memory_missing(task: TaskView) -> Iterator[Hit]:
    """A task for Fargate has a memory."""
    if absent(task.raw, "memory"):
        yield aws_says((), "Fargate requires that 'memory' be defined at the task level.")


@task_rule(
    code="E205",
    title="Fargate has no task of this size",
    why="Fargate offers certain pairs of cpu and memory and refuses all others, even beside EC2.",
    fix="Choose a pair from AWS's table of task sizes.",
    source=_FARGATE_SIZE,
    bad=fargate(cpu="256", memory="4096"),
    good=fargate(cpu="512", memory="4096"),
    launch_type=FARGATE,
)
def fargate_size(task: TaskView) -> Iterator[Hit]:
    """The pair is one of the 74; Windows needs one to four vCPU."""
    cpu, memory = task.cpu_units, task.memory_mib
    if cpu is None or memory is None:
        return
    windows_misfit = task.is_windows and cpu not in FARGATE_WINDOWS_CPU_UNITS
    if memory in FARGATE_SIZES.get(cpu, ()) and not windows_misfit:
        return
    message = (
        f"No Fargate configuration exists for given values: {cpu} CPU, {memory} memory. "
        "See the Amazon ECS documentation for the valid values."
    )
    if windows_misfit:
        yield aws_says(("cpu",), message, "Windows on Fargate takes 1024, 2048 or 4096 CPU units.")
    elif cpu not in FARGATE_SIZES:
        detail = f"Fargate offers {', '.join(str(size) for size in FARGATE_SIZES)} CPU units."
        yield aws_says(("cpu",), message, detail)
    else:
        detail = f"With {cpu} CPU units go {describe_fargate_memory(cpu)}."
        if others := " or ".join(str(other) for other in fargate_cpu_for(memory)):
            detail += f" {memory} MiB go with {others} CPU units."
        yield aws_says(("memory",), message, detail)


@task_rule(
    code="E206",
    title="A task cpu that cannot be read",
    why="AWS reads whole CPU units or vCPUs.",
    fix='Write CPU units ("256") or vCPUs (".25 vCPU").',
    source=_CPU_ERROR,
    bad=task(cpu="lots"),
    good=task(cpu="1 vCPU"),
    on="cpu",
)
def cpu_unreadable(task: TaskView) -> Iterator[Hit]:
    """The task's cpu is whole units or vCPUs."""
    if task.cpu_units is None and (value := text(task.raw, "cpu")) is not None:
        yield aws_says(("cpu",), "Invalid 'cpu' setting for task.", f"cpu is {value[:40]!r}.")


@task_rule(
    code="E207",
    title="A task memory that cannot be read",
    why="AWS reads whole MiB or GB.",
    fix='Write MiB ("512") or GB ("1GB").',
    source=_CPU_ERROR,
    bad=task(memory="512m"),
    good=task(memory="512"),
    on="memory",
)
def memory_unreadable(task: TaskView) -> Iterator[Hit]:
    """The task's memory is whole MiB or GB."""
    if task.memory_mib is None and (value := text(task.raw, "memory")) is not None:
        yield aws_says(("memory",), "Invalid 'memory' setting for task.", f"memory is {value[:40]!r}.")


@task_rule(
    code="E208",
    title="A task cpu outside what EC2 and external instances take",
    why="A task may have 128 to 196,608 CPU units, which is 0.125 to 192 vCPU.",
    fix="Use a value in that range, or leave the task's cpu out.",
    source=_TASK_SIZE,
    bad=task(cpu="64", requiresCompatibilities=["EC2"]),
    good=task(cpu="128", requiresCompatibilities=["EC2"]),
    on="cpu",
)
def cpu_range(task: TaskView) -> Iterator[Hit]:
    """The task's cpu is in range for EC2 and EXTERNAL; Fargate has its own table."""
    cpu = task.cpu_units
    if cpu is None or EC2_CPU_UNITS_MIN <= cpu <= EC2_CPU_UNITS_MAX or task.is_fargate:
        return
    if task.launch_types & {EC2, EXTERNAL} or not task.launch_types:
        detail = f"cpu is {cpu}; {EC2_CPU_UNITS_MIN} to {EC2_CPU_UNITS_MAX} units are possible."
        yield aws_says(("cpu",), "Invalid 'cpu' setting for task.", detail)


@task_rule(
    code="E209",
    title="The containers' cpu adds up to more than the task's",
    why="The task's cpu is all that its containers can share.",
    fix="Lower the containers' cpu, or choose a larger task.",
    source=_TASK_SIZE,
    bad=task(app(cpu=256), sidecar("agent", cpu=1), cpu="256"),
    good=task(app(cpu=192), sidecar("agent", cpu=64), cpu="256"),
    on="cpu",
)
def cpu_sum(task: TaskView) -> Iterator[Hit]:
    """The sum of container cpu is at most the task's."""
    total = sum(number(container.raw, "cpu") or 0 for container in task.containers)
    if task.cpu_units is not None and total > task.cpu_units:
        message = "The sum of all container 'cpu' values cannot be greater than the value of the task 'cpu'."
        yield aws_says(("cpu",), message, f"The containers ask for {total}, the task has {task.cpu_units}.")


@container_rule(
    code="E210",
    title="A container's memory is more than the task's",
    why="A container cannot use more than its task has.",
    fix="Lower the container's memory, or choose a larger task.",
    source=_TASK_SIZE,
    bad=task(app(memory=1024), memory="512"),
    good=task(app(memory=512), memory="512"),
    on="memory",
)
def memory_above_task(task: TaskView, container: ContainerView) -> Iterator[Hit]:
    """Container memory is at most the task's."""
    memory = number(container.raw, "memory")
    if memory is not None and task.memory_mib is not None and memory > task.memory_mib:
        message = f"The 'memory' setting for container '{container.label}' is greater than for the task"
        detail = f"The container asks for {memory} MiB, the task has {task.memory_mib}."
        yield aws_says(container.at("memory"), message, detail)


@task_rule(
    code="E211",
    title="What the containers reserve adds up to more than the task's memory",
    why=(
        "What a container reserves (memoryReservation, or memory where there is none) is promised to it, "
        "and a task cannot promise more than it has."
    ),
    fix="Lower the reservations, or choose a larger task.",
    source=_TASK_SIZE,
    bad=task(app(memory=400), sidecar("agent", memory=None, memoryReservation=200), memory="512"),
    good=task(app(memory=400), sidecar("agent", memory=None, memoryReservation=112), memory="512"),
    on="memory",
)
def reservation_sum(task: TaskView) -> Iterator[Hit]:
    """The sum of reservations is at most the task's memory."""
    if task.memory_mib is None:
        return
    total = sum(reserved_mib(container) for container in task.containers)
    if total > task.memory_mib:
        message = f"The containers reserve {total} MiB together, and the task has {task.memory_mib} MiB."
        yield we_say(("memory",), message)


def reserved_mib(container: ContainerView) -> int:
    """What the container is promised: its reservation, else its limit, else nothing."""
    reservation = number(container.raw, "memoryReservation")
    if reservation is None and absent(container.raw, "memoryReservation"):
        reservation = number(container.raw, "memory")
    return reservation or 0


@container_rule(
    code="E212",
    title="A container limit below what is possible",
    why="AWS takes no negative cpu, and no memory limit below 4 MiB.",
    fix="Use at least 4 MiB (newer engines need 6), and 0 or more CPU units.",
    source=_CONTAINER_MEMORY,
    bad=task(app(memory=2)),
    good=task(app(memory=6)),
)
def limit_minimum(task: TaskView, container: ContainerView) -> Iterator[Hit]:
    """`cpu` is not negative, memory at least 4 MiB."""
    cpu = number(container.raw, "cpu")
    if cpu is not None and cpu < 0:
        yield we_say(container.at("cpu"), f"cpu is {cpu}; it cannot be negative.")
    for key in ("memory", "memoryReservation"):
        memory = number(container.raw, key)
        if memory is not None and memory < MEMORY_MIB_MIN and not (memory == 0 and task.memory_mib):
            yield we_say(container.at(key), f"{key} is {memory} MiB; the least is {MEMORY_MIB_MIN} MiB.")


@task_rule(
    code="E213",
    title="Ephemeral storage outside 21 to 200 GiB",
    why="Twenty GiB come with every Fargate task; one can ask for 21 to 200 instead.",
    fix="Use 21 to 200, or leave ephemeralStorage out for 20.",
    source=_EPHEMERAL,
    bad=fargate(ephemeralStorage={"sizeInGiB": 20}),
    good=fargate(ephemeralStorage={"sizeInGiB": 21}),
    on="ephemeralStorage",
)
def ephemeral_storage_size(task: TaskView) -> Iterator[Hit]:
    """`sizeInGiB` is in range."""
    storage = task.raw["ephemeralStorage"]
    size = number(storage, "sizeInGiB") if isinstance(storage, dict) else None
    path = ("ephemeralStorage", "sizeInGiB")
    if size is not None and size < EPHEMERAL_GIB_MIN:
        message = f"EphemeralStorage size should be at least {EPHEMERAL_GIB_MIN}"
        yield aws_says(path, message, f"It is {size}.")
    elif size is not None and size > EPHEMERAL_GIB_MAX:
        message = f"EphemeralStorage size should be at most {EPHEMERAL_GIB_MAX}"
        yield aws_says(path, message, f"It is {size}.")
