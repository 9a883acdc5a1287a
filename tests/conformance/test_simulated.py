"""The conformance suite over the simulated engine, in virtual time."""

from __future__ import annotations

import pytest

from conformance.simulated_bench import SimulatedBench
from pillion.engines.simulated.virtual_time import run_in_virtual_time
from pillion.testing.engine_suite import CHECKS, Check


@pytest.mark.parametrize("check", CHECKS, ids=str)
def test_the_simulated_engine(check: Check) -> None:
    bench = SimulatedBench()
    for need in check.needs - bench.abilities:
        pytest.skip(f"not simulated: {need.value}")
    run_in_virtual_time(check.run(bench))
