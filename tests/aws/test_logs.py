"""A sink delivers every line it took, in order, in batches, and counts what it could not deliver."""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pillion.aws.clients import EMULATOR_KEYS, AwsClients
from pillion.aws.log_calls import LogCalls
from pillion.aws.logs import BLOCKING_BACKLOG_BYTES, TRIES_MAX, AwslogsSink, LogTarget
from pillion.core.awslogs.events import LogEvent
from pillion.core.awslogs.options import read_awslogs_options
from pillion.ports.aws import AwsCallError, LogReport
from pillion.ports.engine import LogLine

TARGET = LogTarget(container="app", group="/web", stream="web/app/0123")


class CloudWatch:
    """Takes batches; can be told to fail, or to wait."""

    def __init__(self, *failures: AwsCallError) -> None:
        self.batches: list[list[str]] = []
        self.tries = 0
        self.pauses: list[float] = []
        self.open = asyncio.Event()
        self.open.set()
        self.arrived = asyncio.Event()
        self._failures = list(failures)

    async def put(self, events: Sequence[LogEvent]) -> Mapping[str, int]:
        self.tries += 1
        await self.open.wait()
        if self._failures:
            raise self._failures.pop(0)
        self.batches.append([event.message for event in events])
        self.arrived.set()
        return {}

    async def pause(self, pause_s: float) -> None:
        self.pauses.append(pause_s)

    @property
    def messages(self) -> list[str]:
        return [message for batch in self.batches for message in batch]


def sink_to(
    cloudwatch: CloudWatch, *, settled: Callable[[int], None] = lambda lines: None, **options: str
) -> AwslogsSink:
    named = {key.replace("_", "-"): value for key, value in options.items()}
    read = read_awslogs_options({"awslogs-group": "/web", **named})
    return AwslogsSink(
        TARGET, read, cloudwatch.put, pause=cloudwatch.pause, now_ms=lambda: 10**12, settled=settled
    )


def line(message: str, at_s: float = 1.0) -> LogLine:
    return LogLine(container="app", stream="stdout", message=message, at_s=at_s)


def report(**counts: object) -> LogReport:
    return LogReport(container="app", group="/web", stream="web/app/0123", **counts)  # type: ignore[arg-type] # test only


async def test_everything_is_delivered_in_order_when_the_container_ends() -> None:
    cloudwatch = CloudWatch()
    sink = sink_to(cloudwatch)
    for number in range(25_000):
        await sink.write(line(f"line {number}", at_s=float(number)))
    await sink.write(line(""))
    assert await sink.close() == report(written=25_001, delivered=25_000, blank=1)
    assert cloudwatch.messages == [f"line {number}" for number in range(25_000)]
    assert max(map(len, cloudwatch.batches)) == 10_000


async def test_a_sink_that_got_nothing_sends_nothing() -> None:
    cloudwatch = CloudWatch()
    assert await sink_to(cloudwatch).close() == report()
    assert cloudwatch.tries == 0


@pytest.mark.slow
async def test_a_batch_is_sent_when_its_time_has_come() -> None:
    cloudwatch = CloudWatch()
    sink = sink_to(cloudwatch, awslogs_force_flush_interval_seconds="1")
    await sink.write(line("early"))
    await asyncio.wait_for(cloudwatch.arrived.wait(), 3)
    assert cloudwatch.batches == [["early"]]
    await sink.close()


async def test_the_lines_of_an_event_stay_together() -> None:
    cloudwatch = CloudWatch()
    sink = sink_to(cloudwatch, awslogs_multiline_pattern="^ERROR")
    for text in ("ERROR one", "  at x", "ERROR two"):
        await sink.write(line(text))
    assert await sink.close() == report(written=3, delivered=3)
    assert cloudwatch.messages == ["ERROR one\n  at x\n", "ERROR two\n"]


async def test_a_passing_failure_is_tried_again_with_growing_pauses() -> None:
    failures = [AwsCallError("PutLogEvents", "ThrottlingException", "Rate exceeded")] * 3
    cloudwatch = CloudWatch(*failures)
    sink = sink_to(cloudwatch)
    await sink.write(line("x"))
    assert await sink.close() == report(written=1, delivered=1)
    assert cloudwatch.pauses == [0.1, 0.2, 0.4]


async def test_a_failure_that_goes_on_is_counted_with_its_cause() -> None:
    failures = [AwsCallError("PutLogEvents", "ThrottlingException", "Rate exceeded")] * TRIES_MAX
    cloudwatch = CloudWatch(*failures)
    sink = sink_to(cloudwatch)
    await sink.write(line("x"))
    await sink.write(line("y"))
    assert await sink.close() == report(written=2, failed=2, causes={"ThrottlingException: Rate exceeded": 2})


async def test_a_failure_that_another_try_does_not_cure_is_not_tried_again() -> None:
    cloudwatch = CloudWatch(AwsCallError("PutLogEvents", "ResourceNotFoundException", "gone"))
    sink = sink_to(cloudwatch)
    await sink.write(line("x"))
    assert await sink.close() == report(written=1, failed=1, causes={"ResourceNotFoundException: gone": 1})
    assert cloudwatch.tries == 1


async def test_a_full_buffer_drops_new_lines_in_non_blocking_mode() -> None:
    cloudwatch = CloudWatch()
    sink = sink_to(cloudwatch, mode="non-blocking", max_buffer_size="10")
    for number in range(5):
        await sink.write(line(f"line{number}"))  # 5 bytes each; nothing is sent before the next await
    assert await sink.close() == report(written=5, delivered=2, dropped=3)
    assert cloudwatch.messages == ["line0", "line1"]


async def test_a_full_buffer_makes_the_writer_wait_in_blocking_mode() -> None:
    cloudwatch = CloudWatch()
    cloudwatch.open.clear()
    sink = sink_to(cloudwatch, mode="blocking")
    long = "x" * 100_000
    count = 3 * BLOCKING_BACKLOG_BYTES // len(long)

    async def write_all() -> None:
        for _ in range(count):
            await sink.write(line(long))

    writer = asyncio.create_task(write_all())
    done, _ = await asyncio.wait([writer], timeout=0.05)
    assert not done
    cloudwatch.open.set()
    await writer
    assert await sink.close() == report(written=count, delivered=count)


async def test_what_cloudwatch_rejects_is_counted() -> None:
    cloudwatch = CloudWatch()

    async def put(events: Sequence[LogEvent]) -> Mapping[str, int]:
        await cloudwatch.put(events)
        return {"too old": 1}

    sink = AwslogsSink(TARGET, read_awslogs_options({"awslogs-group": "/web"}), put)
    await sink.write(line("old"))
    await sink.write(line("new"))
    assert await sink.close() == report(written=2, delivered=1, failed=1, causes={"too old": 1})


@pytest.mark.parametrize("pattern", [None, "^#"])
@given(
    messages=st.lists(st.sampled_from(["", "#a", "b", "LONG"]), max_size=40),
    places=st.sets(st.integers(0, 39), max_size=4),
)
def test_what_is_settled_has_been_delivered_and_the_rest_begins_an_event(
    pattern: str | None, messages: list[str], places: set[int]
) -> None:
    """Whoever takes a task over delivers what is behind the settled lines: together that is everything."""
    options = {} if pattern is None else {"awslogs_multiline_pattern": pattern}

    async def live(lines: list[str], noted: list[tuple[int, int]]) -> list[str]:
        cloudwatch = CloudWatch()
        sink = sink_to(
            cloudwatch, settled=lambda count: noted.append((count, len(cloudwatch.messages))), **options
        )
        for number, message in enumerate(lines):
            await sink.write(line(message.replace("LONG", "x" * 200_000)))
            if number in places:
                await asyncio.sleep(0)  # the worker takes what is there
        await sink.close()
        return cloudwatch.messages

    noted: list[tuple[int, int]] = []
    whole = asyncio.run(live(messages, noted))
    assert [count for count, _ in noted] == sorted(count for count, _ in noted)
    for count, delivered in noted:
        rest = asyncio.run(live(messages[count:], []))
        assert whole[:delivered] + rest == whole


async def test_local_cloudwatch_holds_what_was_delivered(clients: AwsClients) -> None:
    calls = LogCalls(clients)
    made = [await calls.ensure_group("/web", region=None) for _ in range(2)]
    for _ in range(2):
        await calls.ensure_stream("/web", TARGET.stream, region=None)

    async def put(events: Sequence[LogEvent]) -> Mapping[str, int]:
        return await calls.put("/web", TARGET.stream, events, region=None)

    sink = AwslogsSink(TARGET, read_awslogs_options({"awslogs-group": "/web"}), put)
    now_s = time.time()
    for number, message in enumerate(["plain", 'quotes " and \\', "ünïcode \N{SNOWMAN}", "tab\t\x1b[31m"]):
        await sink.write(line(message, at_s=now_s + number / 1000))
    assert (await sink.close()).delivered == 4
    held = await clients.call(
        "logs", "get_log_events", logGroupName="/web", logStreamName=TARGET.stream, startFromHead=True
    )
    assert [event["message"] for event in held["events"]] == [
        "plain",
        'quotes " and \\',
        "ünïcode \N{SNOWMAN}",
        "tab\t\x1b[31m",
    ]
    assert held["events"][0]["timestamp"] == int(now_s * 1000)
    assert made == [True, False]
    await calls.close()


async def test_a_missing_group_is_said_with_awss_own_code(clients: AwsClients) -> None:
    calls = LogCalls(clients)
    with pytest.raises(AwsCallError) as caught:
        await calls.ensure_stream("/gone", "s", region=None)
    assert (caught.value.code, caught.value.message) == (
        "ResourceNotFoundException",
        "The specified log group does not exist.",
    )
    with pytest.raises(AwsCallError) as caught:
        await calls.put("/gone", "s", [LogEvent(1, "x", 1, 1)], region=None)
    assert caught.value.code == "ResourceNotFoundException"
    await calls.close()


async def test_a_server_that_is_not_there_is_a_failure_that_may_pass() -> None:
    async def endpoint() -> str:
        return "http://127.0.0.1:9"  # discard: nobody listens

    calls = LogCalls(AwsClients(region="eu-west-1", endpoint=endpoint, keys=EMULATOR_KEYS))
    with pytest.raises(AwsCallError) as caught:
        await calls.put("/web", "s", [LogEvent(1, "x", 1, 1)], region=None)
    assert caught.value.code == "ConnectionError"
    await calls.close()
