"""Tasks that are over stay readable for a while; databases of an older pillion still load."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from pillion.core.lifecycle import events as ev
from pillion.core.lifecycle.codec import encode_event
from pillion.core.usage import Observed
from pillion.ports.store import StoreError
from pillion.stores.schema import SCHEMA_VERSION
from pillion.stores.sqlite import DATABASE_NAME, SqliteStore, StoredTask

VERSION_1 = """
CREATE TABLE tasks (task_id TEXT PRIMARY KEY, created_at REAL NOT NULL, about TEXT NOT NULL) STRICT;
CREATE TABLE events (
  task_id TEXT NOT NULL, number INTEGER NOT NULL, at REAL NOT NULL, body TEXT NOT NULL,
  PRIMARY KEY (task_id, number)
) STRICT, WITHOUT ROWID;
PRAGMA user_version=1;
"""
"""The tables as the first pillion made them."""


VERSION_2 = """
CREATE TABLE tasks (
  task_id TEXT PRIMARY KEY, created_at REAL NOT NULL, about TEXT NOT NULL, ended_at REAL, forget_at REAL,
  result TEXT
) STRICT;
CREATE TABLE events (
  task_id TEXT NOT NULL, number INTEGER NOT NULL, at REAL NOT NULL, body TEXT NOT NULL,
  PRIMARY KEY (task_id, number)
) STRICT, WITHOUT ROWID;
CREATE TABLE last_lines (
  task_id TEXT NOT NULL, container TEXT NOT NULL, lines TEXT NOT NULL, PRIMARY KEY (task_id, container)
) STRICT, WITHOUT ROWID;
PRAGMA user_version=2;
"""
"""The tables of the pillion that kept a task after its end."""


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    made = SqliteStore(tmp_path)
    yield made
    made.close()


def test_a_task_that_is_over_stays_with_its_end_and_its_result(store: SqliteStore) -> None:
    store.begin("old", {"family": "a"}, 1.0)
    store.begin("new", {"family": "b"}, 2.0)
    store.end("old", {"lastStatus": "STOPPED"}, 3.0, keep_s=9.0)
    assert store.tasks() == (
        StoredTask(task_id="new", created_at_s=2.0, about={"family": "b"}, result={}),
        StoredTask(
            task_id="old",
            created_at_s=1.0,
            ended_at_s=3.0,
            about={"family": "a"},
            result={"lastStatus": "STOPPED"},
        ),
    )


def test_what_a_journal_was_begun_with_can_be_asked_for(store: SqliteStore) -> None:
    store.begin("t1", {"family": "a"}, 1.0)
    assert (store.about("t1"), store.about("t2")) == ({"family": "a"}, None)


def test_pruning_takes_what_was_kept_long_enough_oldest_first_and_leaves_what_is_not_over(
    store: SqliteStore,
) -> None:
    for number, task_id in enumerate(("running", "second", "first", "recent")):
        journal = store.begin(task_id, {}, float(number))
        journal.append(ev.StartRequested(), float(number))
        store.keep_lines(task_id, "app", [task_id])
    store.end("first", {}, 10.0, keep_s=60.0)
    store.end("second", {}, 20.0, keep_s=10.0)
    store.end("recent", {}, 15.0, keep_s=60.0)
    assert store.prune(70.0) == ("first", "second")
    assert [item.task_id for item in store.tasks()] == ["recent", "running"]
    assert (store.read("first"), store.last_lines("first")) == ((), {})
    assert store.last_lines("running") == {"app": ("running",)}
    assert store.prune(70.0) == ()


def test_pruning_that_fails_removes_nothing(store: SqliteStore, tmp_path: Path) -> None:
    store.begin("t1", {}, 1.0)
    store.end("t1", {}, 2.0, keep_s=1.0)
    other = sqlite3.connect(tmp_path / DATABASE_NAME)
    other.execute("CREATE TRIGGER stay BEFORE DELETE ON tasks BEGIN SELECT RAISE(ABORT, 'not allowed'); END")
    store.keep_lines("t1", "app", ["kept"])
    with pytest.raises(StoreError, match="not allowed"):
        store.prune(9.0)
    assert store.last_lines("t1") == {"app": ("kept",)}
    other.close()


def test_newer_lines_of_a_container_replace_those_before(store: SqliteStore) -> None:
    store.begin("t1", {}, 1.0)
    store.keep_lines("t1", "app", ["a"])
    store.keep_lines("t1", "app", ["a", "ü"])
    store.keep_lines("t1", "db", [])
    assert store.last_lines("t1") == {"app": ("a", "ü"), "db": ()}


def test_a_database_of_version_1_loads_and_goes_on(tmp_path: Path) -> None:
    connection = sqlite3.connect(tmp_path / DATABASE_NAME)
    connection.executescript(VERSION_1)
    connection.execute("INSERT INTO tasks VALUES ('t1', 1.0, '{\"arn\":\"a\"}')")
    body = json.dumps(encode_event(ev.StartRequested()))
    connection.execute("INSERT INTO events VALUES ('t1', 0, 1.5, ?)", (body,))
    connection.commit()
    connection.close()
    store = SqliteStore(tmp_path)
    assert store.read("t1") == ((1.5, ev.StartRequested()),)
    assert store.tasks() == (StoredTask(task_id="t1", created_at_s=1.0, about={"arn": "a"}, result={}),)
    store.end("t1", {}, 2.0, keep_s=1.0)
    store.close()
    again = sqlite3.connect(tmp_path / DATABASE_NAME)
    assert again.execute("PRAGMA user_version").fetchone() == (SCHEMA_VERSION,)
    again.close()


def test_a_database_of_version_2_loads_and_its_tasks_have_no_owner(tmp_path: Path) -> None:
    connection = sqlite3.connect(tmp_path / DATABASE_NAME)
    connection.executescript(VERSION_2)
    connection.execute("INSERT INTO tasks VALUES ('t1', 1.0, '{\"arn\":\"a\"}', 2.0, 9.0, '{}')")
    connection.execute("INSERT INTO last_lines VALUES ('t1', 'app', '[\"a\"]')")
    connection.commit()
    connection.close()
    store = SqliteStore(tmp_path)
    assert store.tasks() == (
        StoredTask(task_id="t1", created_at_s=1.0, ended_at_s=2.0, about={"arn": "a"}, result={}, owner=None),
    )
    assert (store.last_lines("t1"), store.facts("t1")) == ({"app": ("a",)}, {})
    store.close()


def test_two_processes_may_bring_an_old_database_up_to_date(tmp_path: Path) -> None:
    connection = sqlite3.connect(tmp_path / DATABASE_NAME)
    connection.executescript(VERSION_1)
    connection.close()
    first, second = SqliteStore(tmp_path), SqliteStore(tmp_path)
    first.begin("t1", {}, 1.0)
    second.begin("t2", {}, 2.0)
    assert [item.task_id for item in first.tasks()] == ["t2", "t1"]
    first.close()
    second.close()


def test_what_a_task_used_stays_beside_its_result(store: SqliteStore) -> None:
    usage = {"app": Observed(memory_mib=80, cpu_units=12)}
    store.begin("t1", {}, 1.0)
    store.end("t1", {"lastStatus": "STOPPED"}, 3.0, keep_s=9.0, usage=usage)
    (kept,) = store.tasks()
    assert (kept.result, kept.usage) == ({"lastStatus": "STOPPED"}, usage)
