"""Whoever takes a task over delivers the lines that were read and not settled, and no others."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from pillion.core.log_position import stamp_of
from pillion.ports.engine import LogLine
from pillion.stores.output.files import output_path
from pillion.stores.output.writer import OutputWriter
from pillion.stores.sqlite import SqliteStore
from pillion.supervision.deliveries import KeptDeliveries


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    made = SqliteStore(tmp_path)
    yield made
    made.close()


def read(store: SqliteStore, *messages: str, container: str = "web") -> None:
    """Keep lines as a process that reads them does."""

    async def live() -> None:
        writer = OutputWriter(store.folder, "abc", trouble=pytest.fail)
        for message in messages:
            at_s = float(message)
            writer.add(
                LogLine(
                    container=container, stream="stdout", message=message, at_s=at_s, stamp=stamp_of(at_s)
                )
            )
        writer.close()

    asyncio.run(live())


def taken_over(store: SqliteStore) -> KeptDeliveries:
    return KeptDeliveries(store, "abc", OutputWriter(store.folder, "abc", trouble=pytest.fail))


def left_of(deliveries: KeptDeliveries, container: str = "web") -> list[str]:
    return [line.message for line in deliveries.unsettled(container)]


def test_lines_that_are_not_settled_are_delivered_again(store: SqliteStore) -> None:
    read(store, "1", "2", "3", "4")
    read(store, "9", container="other")
    KeptDeliveries(store, "abc", OutputWriter(store.folder, "abc", trouble=pytest.fail)).settled("web", 2)
    assert left_of(taken_over(store)) == ["3", "4"]
    assert left_of(taken_over(store), "other") == ["9"]


def test_numbers_go_on_over_any_number_of_processes(store: SqliteStore) -> None:
    read(store, "1", "2", "3")
    taken_over(store).settled("web", 1)
    second = taken_over(store)
    assert left_of(second) == ["2", "3"]
    second.settled("web", 1)
    read(store, "4")
    third = taken_over(store)
    assert left_of(third) == ["3", "4"]
    third.settled("web", 2)
    assert left_of(taken_over(store)) == []


def test_lines_that_are_not_kept_any_more_are_passed_over(store: SqliteStore) -> None:
    read(store, "1", "2")
    output_path(store.folder, "abc").write_text(
        '{"mark":"positions","containers":{"web":{"lines":5,"before":"","stamps":[]}}}\n'
    )
    read(store, "6")
    deliveries = taken_over(store)
    assert left_of(deliveries) == ["6"]
    deliveries.settled("web", 1)
    assert store.settled("abc", "web") == 6


def test_a_task_that_begins_has_nothing_to_deliver_again(store: SqliteStore) -> None:
    assert left_of(taken_over(store)) == []
