"""One look at what a container uses, and what two looks say together. Pure.

Counters grow from the start of the container's process and begin at zero when it is started anew, so a rate
is only told where every counter that it needs has grown or stayed.
"""

from __future__ import annotations

from msgspec import Struct

from pillion.core.units import CPU_UNITS_PER_VCPU

NS_PER_S = 1_000_000_000


class Traffic(Struct, frozen=True, kw_only=True):
    """What went one way through a network namespace since it was made, without its loopback."""

    bytes: int
    packets: int = 0
    errors: int = 0
    dropped: int = 0


class Sample(Struct, frozen=True, kw_only=True):
    """What a running container uses and has used.

    Attributes:
        at_s: when it was looked at (POSIX seconds).
        cpu_ns: CPU time of all its processes, in nanoseconds.
        throttled_ns: how long they were kept from running by a CPU quota, in nanoseconds.
        memory_bytes: memory in use as `docker stats` counts it, and ECS under version 2 of Linux's control
            groups: without the file pages that nobody has used of late.
        memory_limit_bytes: the most that the kernel lets it have; None where there is no limit.
        received: network traffic into its namespace; None where that is the machine's own, or where the
            engine tells it for the namespace's owner only.
        sent: network traffic out of it, likewise.
        read_bytes: what it read from block devices.
        written_bytes: what it wrote to them.
        processes: how many processes and threads it has; None where the engine does not say.
    """

    at_s: float
    cpu_ns: int
    throttled_ns: int = 0
    memory_bytes: int
    memory_limit_bytes: int | None = None
    received: Traffic | None = None
    sent: Traffic | None = None
    read_bytes: int = 0
    written_bytes: int = 0
    processes: int | None = None


class Rates(Struct, frozen=True, kw_only=True):
    """What a container did from one sample to the next, a second.

    Attributes:
        cpu_units: CPU, 1024 for one vCPU all the time.
        throttled: the share of the time that it was kept from running; above 1 with several threads.
        received_bytes_per_s: None where the samples have no network.
        sent_bytes_per_s: likewise.
    """

    cpu_units: float
    throttled: float = 0.0
    received_bytes_per_s: float | None = None
    sent_bytes_per_s: float | None = None
    read_bytes_per_s: float = 0.0
    written_bytes_per_s: float = 0.0


def rates_between(before: Sample, now: Sample) -> Rates | None:
    """Return what happened from one sample to the next.

    None where the two cannot be compared: no time went by, or the container was started anew between them.
    """
    elapsed_s = now.at_s - before.at_s
    grown_ns = now.cpu_ns - before.cpu_ns
    if elapsed_s <= 0 or grown_ns < 0:
        return None
    return Rates(
        cpu_units=grown_ns / NS_PER_S / elapsed_s * CPU_UNITS_PER_VCPU,
        throttled=max(0, now.throttled_ns - before.throttled_ns) / NS_PER_S / elapsed_s,
        received_bytes_per_s=_flow(before.received, now.received, elapsed_s),
        sent_bytes_per_s=_flow(before.sent, now.sent, elapsed_s),
        read_bytes_per_s=max(0, now.read_bytes - before.read_bytes) / elapsed_s,
        written_bytes_per_s=max(0, now.written_bytes - before.written_bytes) / elapsed_s,
    )


def _flow(before: Traffic | None, now: Traffic | None, elapsed_s: float) -> float | None:
    if before is None or now is None or now.bytes < before.bytes:
        return None
    return (now.bytes - before.bytes) / elapsed_s
