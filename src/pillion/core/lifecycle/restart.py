"""The restart policy: may a container that just exited be started again?

There is no delay, no back-off and no limit; exit code 0 is not special. A container that ends before it
has run for the attempt period is not restarted, so a fast crash ends it for good.
"""

from __future__ import annotations

from pillion.core.lifecycle.spec import ContainerSpec
from pillion.core.lifecycle.state import ContainerState
from pillion.core.lifecycle.states import ContainerStatus


def refusal(spec: ContainerSpec, state: ContainerState, exit_code: int | None, now_s: float) -> str | None:
    """Say why the policy does not restart the container, or None where it does.

    The order of the tests is the agent's. Times are POSIX seconds.
    """
    policy = spec.restart
    if policy is None:
        return "no restart policy"
    if state.desired is ContainerStatus.STOPPED:
        return "the task is stopping"
    if exit_code is None:
        return "the exit code is unknown"
    if exit_code in policy.ignored_exit_codes:
        return f"exit code {exit_code} is in ignoredExitCodes"
    since_s = state.last_restart_at_s if state.last_restart_at_s is not None else state.started_at_s
    if since_s is None or now_s - since_s < policy.attempt_period_s:
        return f"it ran for less than restartAttemptPeriod ({policy.attempt_period_s:g} s)"
    return None
