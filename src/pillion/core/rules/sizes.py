"""Task sizes: which pairs of `cpu` and `memory` Fargate offers.

The pairs are AWS's table of Fargate task sizes. Surprising: memory goes in steps of 1 GiB up to 4 vCPU, and
then in steps of 4 GiB (8 vCPU) and 8 GiB (16 vCPU); many tools step by 1 GiB throughout.
"""

from __future__ import annotations

from typing import Final

FARGATE_SIZES: Final[dict[int, range | tuple[int, ...]]] = {
    256: (512, 1024, 2048),
    512: range(1024, 4096 + 1, 1024),
    1024: range(2048, 8192 + 1, 1024),
    2048: range(4096, 16384 + 1, 1024),
    4096: range(8192, 30720 + 1, 1024),
    8192: range(16384, 61440 + 1, 4096),
    16384: range(32768, 122880 + 1, 8192),
}
"""CPU units to the memory sizes, in MiB, that Fargate offers with them."""

FARGATE_WINDOWS_CPU_UNITS: Final = (1024, 2048, 4096)
"""Sizes that Fargate offers for Windows containers."""


def fargate_cpu_for(memory_mib: int) -> list[int]:
    """The CPU sizes that Fargate offers with this memory."""
    return [cpu for cpu, sizes in FARGATE_SIZES.items() if memory_mib in sizes]


def describe_fargate_memory(cpu_units: int) -> str:
    """Say which memory sizes go with this CPU, in words."""
    sizes = FARGATE_SIZES[cpu_units]
    if isinstance(sizes, range):
        return f"{sizes[0]} to {sizes[-1]} MiB in steps of {sizes.step}"
    return ", ".join(str(size) for size in sizes[:-1]) + f" or {sizes[-1]} MiB"
