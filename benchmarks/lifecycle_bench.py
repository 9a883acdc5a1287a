"""How many events the pure core takes a second, with and without a journal on disk.

Run by `make bench`. One event is one call of `handle`, settled to its fixed point, over whole lives of a
task of five containers with dependencies.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from pillion.core.lifecycle import events as ev
from pillion.core.lifecycle.machine import handle
from pillion.core.lifecycle.spec import ContainerSpec, Dependency, TaskSpec
from pillion.core.lifecycle.state import initial_state
from pillion.core.lifecycle.states import Condition, TaskStatus
from pillion.stores.sqlite import SqliteStore

LIVES = 400


def spec() -> TaskSpec:
    waits = tuple(Dependency(container=f"c{number}", condition=Condition.START) for number in range(2))
    containers = [ContainerSpec(name=f"c{number}", essential=number == 4) for number in range(2)]
    containers += [ContainerSpec(name=f"c{number}", depends_on=waits) for number in range(2, 5)]
    return TaskSpec(task_arn="arn:bench", containers=tuple(containers))


def one_life(task: TaskSpec) -> list[ev.Event]:
    events: list[ev.Event] = [ev.StartRequested()]
    for item in task.containers:
        events += [
            ev.ManifestResolved(container=item.name),
            ev.Pulled(container=item.name, pulled=False),
        ]
    for item in task.containers:
        events += [
            ev.Created(container=item.name, runtime_id="f" * 64),
            ev.Started(container=item.name, at_s=1.0),
        ]
    events.append(ev.StopRequested())
    events += [ev.Exited(container=item.name, exit_code=0) for item in reversed(task.containers)]
    return events


def main() -> None:
    task = spec()
    life = one_life(task)
    begin = time.perf_counter()
    for _ in range(LIVES):
        state = initial_state(task)
        for number, event in enumerate(life):
            state = handle(state, event, float(number)).state
    pure_s = time.perf_counter() - begin
    assert state.known is TaskStatus.STOPPED
    count = LIVES * len(life)
    print(f"core: {count / pure_s:,.0f} events/s ({count} events, {pure_s / count * 1e6:.0f} us each)")

    with tempfile.TemporaryDirectory() as folder:
        store = SqliteStore(Path(folder))
        begin = time.perf_counter()
        for number in range(LIVES // 4):
            journal = store.begin(f"{number:032x}", {}, 0.0)
            for event in life:
                journal.append(event, 0.0)
        journal_s = time.perf_counter() - begin
        store.close()
    kept = LIVES // 4 * len(life)
    print(f"journal: {kept / journal_s:,.0f} events/s committed ({journal_s / kept * 1e6:.0f} us each)")


if __name__ == "__main__":
    main()
