"""The checks that every engine has to pass, whatever it runs containers with.

`CHECKS` is the suite; each check is a coroutine that takes a `Bench` and raises ConformanceError. They say
what the runtime relies on, not how an engine does it. With pytest:

    @pytest.mark.parametrize("check", CHECKS, ids=str)
    async def test_my_engine(check):
        if missing := check.needs - bench.abilities:
            pytest.skip(...)
        await check.run(bench)

Checks about time allow for a busy machine upwards and never downwards.
"""

from __future__ import annotations

from pillion.testing.engine_suite import (
    ahead,
    errors,
    health,
    life,
    output,
    sampling,
    sharing,
    stopping,
    taking_over,
    tidiness,
)
from pillion.testing.engine_suite.check import Check

CHECKS: tuple[Check, ...] = (
    *life.CHECKS,
    *ahead.CHECKS,
    *errors.CHECKS,
    *stopping.CHECKS,
    *health.CHECKS,
    *output.CHECKS,
    *sampling.CHECKS,
    *tidiness.CHECKS,
    *taking_over.CHECKS,
    *sharing.CHECKS,
)
"""The suite, from the simple to the shared."""

__all__ = ["CHECKS", "Check"]
