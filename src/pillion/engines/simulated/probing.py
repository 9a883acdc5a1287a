"""What a health check's answers add up to, as Docker Engine counts them. Pure values.

A failure that begins within the start period does not count, unless the container has been healthy before;
`retries` failures in a row make it unhealthy; one success makes it healthy at any time.
"""

from __future__ import annotations

from msgspec import Struct

from pillion.core.lifecycle.states import HealthStatus
from pillion.core.plan.model import HealthProbe
from pillion.engines.simulated.behaviour import Life


class Probed(Struct, frozen=True, kw_only=True):
    """How one probe went: `ended_after_s` from its beginning. `exit_code` is -1 where it took too long."""

    passed: bool
    ended_after_s: float
    output: str = ""
    exit_code: int = 0


class Health(Struct, frozen=True, kw_only=True):
    """What the probes of one process have come to so far."""

    status: HealthStatus = HealthStatus.UNKNOWN
    failing_streak: int = 0
    last: Probed | None = None


def run_probe(probe: HealthProbe, life: Life, age_s: float) -> Probed:
    """Return how a probe goes that begins at this age of the process."""
    if life.probe_s > probe.timeout_s:
        output = f"Health check exceeded timeout ({probe.timeout_s:g}s)"
        return Probed(passed=False, ended_after_s=probe.timeout_s, output=output, exit_code=-1)
    passed = life.passes_probe(age_s)
    return Probed(passed=passed, ended_after_s=life.probe_s, exit_code=0 if passed else 1)


def fold(health: Health, probe: HealthProbe, probed: Probed, age_s: float) -> Health:
    """Return the health after a probe that began at this age of the process."""
    if probed.passed:
        return Health(status=HealthStatus.HEALTHY, last=probed)
    if health.status is HealthStatus.UNKNOWN and age_s < probe.start_period_s:
        return Health(status=health.status, failing_streak=health.failing_streak, last=probed)
    streak = health.failing_streak + 1
    status = HealthStatus.UNHEALTHY if streak >= probe.retries else health.status
    return Health(status=status, failing_streak=streak, last=probed)


def is_settled(health: Health, life: Life, age_s: float) -> bool:
    """Say whether every later probe would leave the status as it is."""
    if health.last is None or life.probes_change_after(age_s):
        return False
    return health.status is (HealthStatus.HEALTHY if health.last.passed else HealthStatus.UNHEALTHY)
