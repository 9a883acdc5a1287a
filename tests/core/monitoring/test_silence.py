"""Sidecars that are alive and do not do their work."""

from __future__ import annotations

import json
from typing import Any

import pytest

from pillion.core.monitoring.silence import (
    ProxyLook,
    RouterCounts,
    Sign,
    envoy_state,
    judge_proxy,
    judge_router,
    sign_of,
    with_line,
    with_metrics,
)

RETRY = (
    "[2026/11/24 10:00:00.1] [ warn] [engine] failed to flush chunk '1-1700000000.1.flb', retry in 9 "
    "seconds: task_id=0, input=forward.1 > output=cloudwatch_logs.1 (out_id=1)"
)
LOST = "[2026/11/24 10:00:09.1] [error] [engine] chunk '1-1700000000.1.flb' cannot be retried: task_id=0"
PAUSED = "[2026/11/24 10:00:00.1] [ warn] [input] forward.0 paused (mem buf overlimit - event of size 9)"
RESUMED = "[2026/11/24 10:00:01.1] [ info] [input] forward.0 resume (mem buf overlimit - buf size 0B)"


@pytest.mark.parametrize(
    ("line", "sign"),
    [
        (RETRY, Sign.RETRY),
        (LOST, Sign.LOST),
        (PAUSED, Sign.PAUSED),
        (RESUMED, Sign.RESUMED),
        ("[2026/11/24 10:00:00.1] [ info] [sp] stream processor started", None),
        ("an application that failed to flush chunk", None),
    ],
)
def test_lines_of_fluent_bit_are_read(line: str, sign: Sign | None) -> None:
    assert sign_of(line) is sign


def test_counts_follow_the_routers_own_log() -> None:
    counts = RouterCounts(at_s=0.0)
    for line in (RETRY, RETRY, LOST, PAUSED, "[ info] something else"):
        counts = with_line(counts, line)
    assert counts == RouterCounts(at_s=0.0, retries=2, lost=1, paused=True, last_words=PAUSED)
    assert with_line(counts, RESUMED).paused is False


def metrics(**changes: int) -> str:
    output = {"proc_records": 40, "errors": 0, "retries": 5, "retries_failed": 1, "dropped_records": 0}
    return json.dumps({"input": {}, "output": {"cloudwatch_logs.1": {**output, **changes}, "null.0": output}})


def test_counts_follow_its_metrics_where_it_serves_them() -> None:
    counts = RouterCounts(at_s=0.0, retries=2)
    assert with_metrics(counts, metrics()) == RouterCounts(at_s=0.0, retries=10, lost=2, delivered=80)


@pytest.mark.parametrize("body", ["", "[]", "{}", '{"output": 5}', '{"output": {"x": {}}}', "not json"])
def test_other_answers_than_metrics_change_nothing(body: str) -> None:
    counts = RouterCounts(at_s=0.0, retries=2)
    assert with_metrics(counts, body) == counts


def counted(*rows: dict[str, Any]) -> tuple[RouterCounts, ...]:
    """Return counts ten seconds apart."""
    return tuple(RouterCounts(**{"at_s": 10.0 * number, **row}) for number, row in enumerate(rows))


def test_a_router_whose_retries_grow_does_not_deliver() -> None:
    history = counted({"retries": 1}, {"retries": 2}, {"retries": 4, "last_words": RETRY})
    assert judge_router(history) == (
        f"3 flushes failed in the last 20 s and will be retried; last it said: {RETRY}"
    )
    assert judge_router(counted({"retries": 7}, {"retries": 9})) is None
    assert judge_router(counted({"retries": 7})) is None


def test_a_chunk_that_was_given_up_is_told_at_once() -> None:
    assert judge_router(counted({}, {"lost": 1, "retries": 1})) == (
        "it lost 1 chunk of lines that no retry could deliver in the last 10 s"
    )


def test_a_full_buffer_is_told() -> None:
    assert judge_router(counted({}, {"paused": True})) == "its buffer is full, and it takes no more lines"


def test_a_router_that_delivers_nothing_while_lines_wait_stands_still() -> None:
    rows = [{"waiting": 10 * number, "delivered": 5, "cpu_ns": number} for number in range(5)]
    assert judge_router(counted(*rows)) == "it delivered nothing for 30 s, while 30 lines were written"


def test_a_router_that_tells_nothing_is_judged_by_whether_it_does_anything() -> None:
    rows = [{"waiting": 10 * number, "cpu_ns": 700} for number in range(5)]
    assert judge_router(counted(*rows)) == "it did nothing at all for 30 s, while 30 lines were written"


@pytest.mark.parametrize(
    "rows",
    [
        [{"waiting": 10, "delivered": 5} for _ in range(5)],
        [{"waiting": 10 * number, "delivered": number} for number in range(5)],
        [{"waiting": 10 * number, "cpu_ns": number} for number in range(5)],
        [{"waiting": 10 * number} for number in range(5)],
        [{"waiting": 10 if number == 4 else 0, "delivered": 0} for number in range(5)],
        [{"waiting": 10 * number, "delivered": 5} for number in range(3)],
    ],
    ids=["nothing written", "delivers", "works", "nobody knows", "written just now", "not long enough"],
)
def test_a_router_is_not_accused_without_proof(rows: list[dict[str, Any]]) -> None:
    assert judge_router(counted(*rows)) is None


def looks(*states: str | None, uptime_s: float = 60.0) -> tuple[ProxyLook, ...]:
    return tuple(
        ProxyLook(at_s=10.0 * number, uptime_s=uptime_s + 10 * number, state=state)
        for number, state in enumerate(states)
    )


def test_an_envoy_that_is_not_live_is_told_when_it_had_its_time() -> None:
    found = judge_proxy(looks("PRE_INITIALIZING", "PRE_INITIALIZING"))
    assert found == (
        "it is PRE_INITIALIZING and not LIVE: it has no complete configuration, or is being drained"
    )
    assert judge_proxy(looks("PRE_INITIALIZING", "PRE_INITIALIZING", uptime_s=5.0)) is None
    assert judge_proxy(looks("LIVE", "DRAINING")) is None


def test_an_envoy_that_answered_before_and_does_not_any_more_is_told() -> None:
    assert judge_proxy(looks("LIVE", None, None)) == (
        "its admin interface answered before, and does not any more"
    )


@pytest.mark.parametrize("states", [(None, None, None), ("LIVE", "LIVE"), ("LIVE", None), ("DRAINING",)])
def test_an_envoy_is_not_accused_without_proof(states: tuple[str | None, ...]) -> None:
    assert judge_proxy(looks(*states)) is None


def test_the_state_is_read_from_server_info() -> None:
    assert envoy_state('{"version": "x", "state": "LIVE"}') == "LIVE"
    assert [envoy_state(body) for body in ("", "[]", '{"state": 5}', "LIVE")] == [None] * 4
