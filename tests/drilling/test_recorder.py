from __future__ import annotations

import asyncio

from drilling.definitions import SHOP, WELL, well
from pillion.core.lifecycle.states import TaskStatus
from pillion.drilling.recorder import Recorder
from pillion.drilling.recording import Lines
from pillion.ports.aws import PipelineReport
from pillion.ports.engine import LogLine

HISTORY = well(SHOP.plan, WELL).history


async def test_whoever_waits_for_a_state_goes_on_when_it_comes() -> None:
    recorder = Recorder()
    waiting = asyncio.create_task(recorder.until(lambda state: state.known is TaskStatus.RUNNING, 10))
    for at_s, state in HISTORY[:-1]:
        recorder.settled(state, at_s)
        await asyncio.sleep(0)
        if state.known is TaskStatus.RUNNING:
            break
    assert await waiting


async def test_and_when_the_run_is_over_or_the_time_without_it() -> None:
    recorder = Recorder()
    recorder.settled(HISTORY[0][1], 0.0)
    assert not await recorder.until(lambda state: state.known is TaskStatus.RUNNING, 0.0)
    waiting = asyncio.create_task(recorder.until(lambda state: state.known is TaskStatus.RUNNING, 10))
    await asyncio.sleep(0)
    recorder.end()
    assert not await waiting
    assert await recorder.until_ended(0.0)


async def test_a_recording_has_the_states_and_what_became_of_the_lines() -> None:
    recorder = Recorder()
    for at_s, state in HISTORY:
        recorder.settled(state, at_s)
    for _ in range(3):
        recorder.log(LogLine(container="web", stream="stdout", message="hello", at_s=1.0))
    recorder.log(LogLine(container="cache", stream="stdout", message="hello", at_s=1.0))
    recorder.counted(PipelineReport(container="web", pipeline="awslogs g s", written=3, arrived=2))
    recording = recorder.recording(99.0)
    assert recording.history == tuple(HISTORY)
    assert recording.lines == (
        Lines(container="web", written=3, arrived=2, pipeline="awslogs g s"),
        Lines(container="cache", written=1, arrived=None),
    )
    assert (recording.struck_at_s, recording.ended_at_s) == (None, 99.0)


async def test_lines_that_a_filter_takes_out_are_not_counted_as_lost() -> None:
    recorder = Recorder()
    recorder.counted(
        PipelineReport(container="web", pipeline="firelens x", written=3, arrived=2, filtered=True)
    )
    recorder.settled(HISTORY[0][1], 0.0)
    assert recorder.recording(1.0).lines[0].lost is None
