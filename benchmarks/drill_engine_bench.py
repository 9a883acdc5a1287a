"""How long a drill on the engine takes: each container of `examples/everything` killed, alone and at once.

Run by `make bench`. A case cannot be quicker than the task is well, which its health checks decide: that time
is printed beside. Needs a Docker Engine and the images of the examples. Leaves nothing behind.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

DEFINITION = Path(__file__).resolve().parent.parent / "examples" / "everything" / "task.json"
JOBS = (1, 4)


def drill(jobs: int) -> dict[str, Any]:
    """Run the cases in which a container is killed; return the report."""
    options = ("--fault", "kill", "--format", "json", "--quiet", "--jobs", str(jobs))
    done = subprocess.run(
        [sys.executable, "-m", "pillion", "drill", str(DEFINITION), *options],
        stdout=subprocess.PIPE,
        check=False,
    )
    report: dict[str, Any] = json.loads(done.stdout)
    return report


def main() -> None:
    took: dict[int, float] = {}
    for jobs in JOBS:
        report = drill(jobs)
        well_s, took[jobs] = report["well"]["askedToStopAt"], report["seconds"]
        slowest_s = max(case["run"]["endedAt"] for case in report["cases"])
        print(
            f"{len(report['cases'])} cases and the run without a fault, {jobs} at once: {took[jobs]:.1f} s; "
            f"the task is well after {well_s:.1f} s, the slowest case took {slowest_s:.1f} s"
        )
    print(f"{JOBS[1]} at once against {JOBS[0]}: {took[JOBS[0]] / took[JOBS[1]]:.1f} times as fast")


if __name__ == "__main__":
    main()
