"""Watches one task: its figures and their history, its alarms, its sidecars, what it needed.

An observer in front of the one that is told everything: it hears where the task is and what its containers
write. Looks are taken by the `Monitor`, for all tasks at once. What is noticed is told as notices.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping

from msgspec import Struct, field

from pillion.core.lifecycle.state import TaskState
from pillion.core.lifecycle.states import ContainerKind, ContainerStatus
from pillion.core.monitoring.alarm_list import alarms_of, strangers_of
from pillion.core.monitoring.alarms import Alarm, AlarmState, evaluate
from pillion.core.monitoring.figures import TaskFigures, Written, figures_of, runtime_ids
from pillion.core.monitoring.history import History, Look
from pillion.core.monitoring.insights import MINUTE_S, log_group, log_stream, records_of
from pillion.core.monitoring.metrics import Machine, dimensions_of, values_of
from pillion.core.monitoring.notes import WatchNotes
from pillion.core.monitoring.sample import Sample
from pillion.core.monitoring.settings import MonitorSettings
from pillion.core.monitoring.watched import WatchedTask
from pillion.core.plan.model import Notice
from pillion.core.usage import Observed, observe
from pillion.ports.aws import AwsCallError
from pillion.ports.engine import Engine, LogLine
from pillion.ports.metrics import Measured, MetricSink, Minute
from pillion.runtime.observer import Observer, PassingObserver
from pillion.runtime.sidecar_watch import SidecarWatch

HISTORY_S = 900.0
"""How far the history of a task reaches back where no alarm looks further."""

NOTE_S = 20.0
"""How often notes for other processes are written where nothing happens that has to be noted at once."""

LAST_WRITE_S = 10.0
"""How long what is still to be written to CloudWatch is waited for at the end."""


class WatchPlan(Struct, frozen=True, kw_only=True):
    """What is watched, and how.

    Attributes:
        task: who the task is and what it was given.
        settings: how it is watched.
        machine: what the engine's machine has.
        written: what its containers had written before this process.
        usage: what they were seen to use before this process.
    """

    task: WatchedTask
    settings: MonitorSettings
    machine: Machine
    written: Mapping[str, Written] = field(default_factory=dict)
    usage: Mapping[str, Observed] = field(default_factory=dict)


class TaskWatch(PassingObserver):
    """Watches one task.

    Args:
        observer: who is told everything.
        plan: what is watched, and how.
        engine: where the task runs.
        sink: takes what is measured; None where nobody wants it.
        keep: takes notes for other processes.
        woken: called when a container began to run.
    """

    def __init__(
        self,
        observer: Observer,
        plan: WatchPlan,
        *,
        engine: Engine,
        sink: MetricSink | None,
        keep: Callable[[WatchNotes], None],
        woken: Callable[[], None],
    ) -> None:
        super().__init__(observer)
        self.engine = engine
        self.due_at_s = 0.0
        self.is_fresh = False
        self.figures: TaskFigures | None = None
        self.alarms: tuple[Alarm, ...] = ()
        self._plan = plan
        self._sink = sink
        self._keep = keep
        self._woken = woken
        self._state: TaskState | None = None
        self._running: frozenset[str] = frozenset()
        self._lines = Counter({name: item.lines for name, item in plan.written.items()})
        self._bytes = Counter({name: item.bytes for name, item in plan.written.items()})
        self._history = History(keep_s=HISTORY_S)
        self._before: Mapping[str, Sample] = {}
        self._minute: tuple[float, Mapping[str, Sample]] | None = None
        self._usage = dict(plan.usage)
        self._sidecars = SidecarWatch(plan.task, engine)
        self._silent: dict[str, str] = {}
        self._writes: set[asyncio.Task[None]] = set()
        self._order = asyncio.Lock()
        self._is_refused = False
        self._noted_at_s = float("-inf")

    @property
    def interval_s(self) -> float:
        """How often the task is to be looked at, in seconds."""
        return self._plan.settings.interval_s

    @property
    def usage(self) -> Mapping[str, Observed]:
        """What its containers were seen to use so far, by name; those that were never seen are not in it."""
        return dict(self._usage)

    @property
    def runtime_ids(self) -> tuple[str, ...]:
        """The engine's ids of its containers."""
        return () if self._state is None else runtime_ids(self._state)

    def settled(self, state: TaskState, at_s: float) -> None:
        """Take note of where the task is, and pass it on."""
        super().settled(state, at_s)
        self.take(state)

    def take(self, state: TaskState) -> None:
        """Take note of where the task is, and tell nobody."""
        if self._state is None:
            self._begin(state)
        self._state = state
        running = frozenset(
            name for name, item in state.containers.items() if item.known is ContainerStatus.RUNNING
        )
        if running - self._running:
            self.is_fresh = True
            self._woken()
        self._running = running

    def log(self, line: LogLine) -> None:
        """Count a line, and pass it on."""
        super().log(line)
        message = line.message
        self._lines[line.container] += 1
        self._bytes[line.container] += len(message if message.isascii() else message.encode(errors="replace"))
        self._sidecars.log(line)

    def look(self, samples: Mapping[str, Sample], now_s: float) -> None:
        """Take what the engine says of the task's containers.

        Args:
            samples: by the engine's id; also those of other tasks.
            now_s: the time (POSIX seconds).
        """
        state = self._state
        if state is None:
            return
        own = {item: samples[item] for item in runtime_ids(state) if item in samples}
        # A look because another container has just begun comes too soon after the last one for a rate.
        soon = {
            item: before
            for item, before in self._before.items()
            if item in own and own[item].at_s - before.at_s < self.interval_s / 2
        }
        before = {item: sample for item, sample in self._before.items() if item not in soon}
        figures = self._figures(state, own, before, now_s)
        self._observe(state, own, before)
        self._history = self._history.with_look(
            Look(at_s=now_s, values=values_of(figures, self._plan.machine))
        )
        self.figures = figures
        self._judge_alarms(now_s)
        self._judge_sidecars(figures)
        self._turn_minute(state, own, now_s)
        self._before = {**own, **soon}
        self.is_fresh = False
        if not 0 <= now_s - self._noted_at_s < NOTE_S:  # less than 0: the wall clock went back
            self._note(now_s)

    async def close(self, now_s: float) -> None:
        """Write what is left to be written."""
        await self._sidecars.close()
        if self._minute is not None:
            self._write_minute(self._minute[0], ())
        if self._writes:
            await asyncio.wait(self._writes, timeout=LAST_WRITE_S)
        for job in self._writes:
            job.cancel()
        self._note(now_s)

    # Within

    def _begin(self, state: TaskState) -> None:
        definitions = alarms_of(self._plan.settings, self._plan.task, state.spec)
        self.alarms = tuple(Alarm(definition=item) for item in definitions)
        keep_s = max([HISTORY_S, *(item.needs_s for item in definitions)])
        self._history = History(keep_s=keep_s)
        names = [item.name for item in state.spec.containers if item.kind is ContainerKind.NORMAL]
        for item in strangers_of(self._plan.settings, state.spec):
            text = (
                f"[[monitor.alarms]] watches {item.metric.container}, which this task does not have; "
                f"it has {', '.join(names)}"
            )
            self.notice(Notice(code="alarm-of-nobody", text=text))

    def _figures(
        self, state: TaskState, own: Mapping[str, Sample], before: Mapping[str, Sample], now_s: float
    ) -> TaskFigures:
        return figures_of(
            self._plan.task, state, at_s=now_s, samples=own, before=before, written=self._written()
        )

    def _written(self) -> dict[str, Written]:
        return {name: Written(lines=count, bytes=self._bytes[name]) for name, count in self._lines.items()}

    def _observe(self, state: TaskState, own: Mapping[str, Sample], before: Mapping[str, Sample]) -> None:
        for item in self._plan.task.containers:
            runtime_id = state.containers[item.name].runtime_id if item.name in state.containers else None
            sample = own.get(runtime_id or "")
            if runtime_id is not None and sample is not None:
                known = self._usage.get(item.name, Observed())
                self._usage[item.name] = observe(known, before.get(runtime_id), sample)

    def _judge_alarms(self, now_s: float) -> None:
        before, self.alarms = self.alarms, tuple(evaluate(item, self._history, now_s) for item in self.alarms)
        changed = [now for then, now in zip(before, self.alarms, strict=True) if then.state is not now.state]
        for then, now in zip(before, self.alarms, strict=True):
            if then.state is not now.state and AlarmState.ALARM in (then.state, now.state):
                text = f"alarm {now.definition.name} is {now.state.value}: {now.reason}"
                self.notice(Notice(code="alarm", text=text, container=now.definition.metric.container))
        if changed:
            self._note(now_s)
            if self._sink is not None and self._minute is not None:
                sink = self._sink
                self._begin_write(lambda: sink.tell_states(changed))

    def _judge_sidecars(self, figures: TaskFigures) -> None:
        silent = self._sidecars.judge(figures, self._written())
        for name, text in silent.items():
            if name not in self._silent:
                self.notice(Notice(code="silent-sidecar", text=f"alive, but silent: {text}", container=name))
        for name in self._silent.keys() - silent.keys():
            if figures.container(name).is_running:
                text = "what was wrong with it has ended"
                self.notice(Notice(code="silent-sidecar-over", text=text, container=name))
        is_news = silent.keys() != self._silent.keys()
        self._silent = silent
        if is_news:
            self._note(figures.at_s)

    def _turn_minute(self, state: TaskState, own: Mapping[str, Sample], now_s: float) -> None:
        """Write what there is to write when a minute is over; rates are told over the whole minute."""
        begin_s = now_s // MINUTE_S * MINUTE_S
        if self._minute is None:
            self._minute = (begin_s, own)
            self._put_alarms()
        elif begin_s != self._minute[0]:
            over, samples = self._minute
            figures = self._figures(state, own, samples, now_s)
            self._write_minute(over, tuple(records_of(figures, self._plan.machine)))
            self._minute = (begin_s, own)
        else:
            self._minute = (begin_s, {**own, **self._minute[1]})  # some began to run within the minute

    def _put_alarms(self) -> None:
        sink, figures = self._sink, self.figures
        if sink is None or figures is None or not self.alarms:
            return
        alarms = self.alarms
        dimensions = [dimensions_of(figures, item.definition.metric) for item in alarms]

        async def put() -> None:
            await sink.put_alarms(alarms, dimensions)
            await sink.tell_states(alarms)

        self._begin_write(put)

    def _write_minute(self, begin_s: float, records: tuple[Mapping[str, object], ...]) -> None:
        sink, figures = self._sink, self.figures
        if sink is None or figures is None:
            return
        identity = self._plan.task.identity
        looks = [item for item in self._history.looks if begin_s <= item.at_s < begin_s + MINUTE_S]
        metrics = sorted(
            {metric for look in looks for metric in look.values},
            key=lambda item: (item.container or "", item.name),
        )
        minute = Minute(
            at_s=begin_s,
            group=log_group(identity.cluster),
            stream=log_stream(identity.launch_type),
            records=records,
            measured=tuple(
                Measured(
                    name=metric.name,
                    unit=metric.unit,
                    dimensions=dimensions_of(figures, metric),
                    values=tuple(look.values[metric] for look in looks if metric in look.values),
                )
                for metric in metrics
            ),
        )
        self._begin_write(lambda: sink.write(minute))

    def _begin_write(self, write: Callable[[], Awaitable[None]]) -> None:
        """Write in the background, one after the other; what fails is told once until it works again."""

        async def in_order() -> None:
            async with self._order:
                try:
                    await write()
                except AwsCallError as error:
                    if not self._is_refused:
                        text = f"metrics and alarms do not reach CloudWatch: {error}"
                        self.notice(Notice(code="no-insights", text=text))
                    self._is_refused = True
                else:
                    self._is_refused = False

        job = asyncio.create_task(in_order())
        self._writes.add(job)
        job.add_done_callback(self._writes.discard)

    def _note(self, now_s: float) -> None:
        self._noted_at_s = now_s
        self._keep(
            WatchNotes(at_s=now_s, alarms=self.alarms, silent=dict(self._silent), usage=dict(self._usage))
        )
