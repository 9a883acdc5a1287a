"""State folders as released versions wrote them: every one of them has to load, today and later.

Each file is a dump of a `journal.db`: a task that ended badly, and one whose server was killed while it ran.
A version whose format differs adds a file; none is changed or removed.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from pillion.core.lifecycle.resume import pending_commands
from pillion.core.lifecycle.states import ContainerStatus, TaskStatus
from pillion.stores.sqlite import DATABASE_NAME, SqliteStore
from pillion.supervision.requests import undertaking_of
from pillion.tasks.history import explain_task, remember
from pillion.tasks.known import describe, list_tasks

STATES = sorted(Path(__file__).parent.glob("*.sql"))


@pytest.fixture(params=STATES, ids=lambda path: path.stem)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SqliteStore]:
    connection = sqlite3.connect(tmp_path / DATABASE_NAME)
    connection.executescript(request.param.read_text(encoding="utf-8"))
    connection.close()
    made = SqliteStore(tmp_path)
    yield made
    made.close()


def test_its_tasks_are_listed_and_described(store: SqliteStore) -> None:
    running, ended = list_tasks(store, over=True)
    assert (running.family, running.status, running.supervisor) == ("config-loader:1", "RUNNING", "nobody")
    assert [port.host_port for port in running.ports] == [8080]
    assert (ended.family, ended.status, ended.supervisor) == ("config-loader-failing:1", "STOPPED", None)
    first, second = store.tasks()
    shape = describe(store, first)
    assert [(item["name"], item["lastStatus"]) for item in shape["containers"]] == [
        ("loader", "STOPPED"),
        ("web", "RUNNING"),
    ]
    assert describe(store, second)["stopCode"] == "TaskFailedToStart"


def test_a_task_that_ended_badly_is_explained(store: SqliteStore) -> None:
    ended = store.tasks()[1]
    found = explain_task(remember(store, ended))
    assert [item.code for item in found.findings][:1] == ["exit-1"]


def test_a_task_whose_server_was_killed_can_be_taken_over(store: SqliteStore) -> None:
    ((task_id, _),) = store.unfinished()
    undertaking = undertaking_of(store, task_id, store.folder)
    assert undertaking.state is not None
    assert undertaking.standing is not None
    assert undertaking.state.known is TaskStatus.RUNNING
    assert undertaking.state.containers["web"].known is ContainerStatus.RUNNING
    assert pending_commands(undertaking.state) == ()
    assert undertaking.plan == undertaking.standing.plan
    assert undertaking.settings.keep_history_s == 3600.0
