"""How long a rehearsal and a drill take, in the process and as commands.

Run by `make bench`. Goal: a drill of a definition of five containers in less than a second, without the start
of the process and with it.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from pillion.cli.definitions import read_task
from pillion.core.plan.options import RunOptions
from pillion.preparing import prepare_task
from pillion.rehearsing.matrix import drill_text
from pillion.rehearsing.rehearsal import behaviours_for, rehearse_task, run_drill

DEFINITION = Path(__file__).resolve().parent.parent / "examples" / "everything" / "task.json"
ROUNDS = 7
GOAL_S = 1.0


def seconds(work: Callable[[], object]) -> float:
    """The median time of a few calls, the first left out."""
    work()
    times = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        work()
        times.append(time.perf_counter() - began)
    return statistics.median(times)


def command(*arguments: str) -> None:
    subprocess.run([sys.executable, "-m", "pillion", *arguments], check=False, stdout=subprocess.DEVNULL)


def main() -> None:
    document = read_task(str(DEFINITION), to_run=False)
    prepared = prepare_task(document.definition, None, RunOptions(), cluster="default")
    behaviours = behaviours_for(prepared.plan.spec, {}, [])
    drill = run_drill(prepared, behaviours)
    containers, trials = len(document.definition.container_definitions or ()), len(drill.trials)
    times = {
        "one rehearsal, an hour of the task": seconds(
            lambda: rehearse_task(prepared, behaviours, stop_after_s=3600)
        ),
        f"drill: {containers} containers, {trials} mishaps": seconds(
            lambda: drill_text(run_drill(prepared, behaviours))
        ),
        "pillion rehearse FILE --drill, as a command": seconds(
            lambda: command("rehearse", str(DEFINITION), "--drill")
        ),
        "bare Python, for comparison": seconds(
            lambda: subprocess.run([sys.executable, "-c", "pass"], check=True)
        ),
    }
    for what, took_s in times.items():
        print(f"{what:45} {took_s * 1000:7.1f} ms")
    met = max(times.values()) < GOAL_S
    print(f"goal: a drill in less than {GOAL_S:g} s, the command included: {'met' if met else 'NOT met'}")


if __name__ == "__main__":
    main()
