"""Journals on disk."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from pillion.core.codec import CodecError
from pillion.core.lifecycle import events as ev
from pillion.core.plan.facts import ContainerFacts, PortBinding
from pillion.ports.store import StoreError
from pillion.stores.sqlite import DATABASE_NAME, SqliteStore, state_folder

EVENTS: list[ev.Event] = [
    ev.StartRequested(),
    ev.PullFailed(
        container="app", cached=True, error=ev.NamedError(name="CannotPullContainerError", text="x")
    ),
    ev.Exited(container="app", exit_code=137, at_s=2.5, out_of_memory=True),
]


def test_events_come_back_in_order_with_their_times_from_another_connection(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path)
    journal = store.begin("t1", {"definition": {}}, 1.0)
    for number, event in enumerate(EVENTS):
        journal.append(event, float(number))
    other = SqliteStore(tmp_path)
    assert other.read("t1") == tuple((float(number), event) for number, event in enumerate(EVENTS))
    other.close()
    store.close()


def test_tasks_do_not_see_each_others_events(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path)
    store.begin("t1", {}, 1.0).append(EVENTS[0], 1.0)
    store.begin("t2", {}, 1.0).append(EVENTS[2], 2.0)
    store.forget("t1")
    assert (store.read("t1"), store.read("t2")) == ((), ((2.0, EVENTS[2]),))
    store.close()


def test_a_database_that_was_removed_is_not_in_place_although_it_can_be_written(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path)
    seen = [store.is_in_place]
    (tmp_path / DATABASE_NAME).unlink()
    store.begin("t1", {}, 1.0)
    seen.append(store.is_in_place)
    other = SqliteStore(tmp_path)
    seen += [store.is_in_place, other.is_in_place]
    assert (seen, other.tasks()) == ([True, False, False, True], ())
    other.close()
    store.close()


def test_the_state_folder_is_for_its_owner_only(tmp_path: Path) -> None:
    SqliteStore(tmp_path / "state").close()
    assert (tmp_path / "state").stat().st_mode & 0o077 == 0


def test_a_state_folder_that_cannot_be_made_says_which_and_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(StoreError, match=r"state folder .*file/state cannot be made.*PILLION_STATE_DIR"):
        SqliteStore(tmp_path / "file" / "state")


def test_a_file_that_is_no_database_is_a_store_error(tmp_path: Path) -> None:
    (tmp_path / DATABASE_NAME).write_bytes(b"this is not a database, and long enough to be noticed" * 50)
    with pytest.raises(StoreError, match="cannot be used"):
        SqliteStore(tmp_path)


def test_a_database_of_a_newer_pillion_is_left_alone(tmp_path: Path) -> None:
    SqliteStore(tmp_path).close()
    connection = sqlite3.connect(tmp_path / DATABASE_NAME)
    connection.execute("PRAGMA user_version=99")
    connection.close()
    with pytest.raises(StoreError, match="has format 99, written by a newer pillion"):
        SqliteStore(tmp_path)


def test_the_state_folder_follows_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", "/x")
    monkeypatch.delenv("PILLION_STATE_DIR", raising=False)
    assert state_folder() == Path("/x/pillion")
    monkeypatch.setenv("PILLION_STATE_DIR", "/mine")
    assert state_folder() == Path("/mine")


def damage(folder: Path, number: int) -> None:
    """Cut the body of an event in half, as a disk may."""
    connection = sqlite3.connect(folder / DATABASE_NAME)
    connection.execute("UPDATE events SET body = substr(body, 1, 9) WHERE number = ?", (number,))
    connection.commit()
    connection.close()


def test_a_damaged_last_event_is_passed_over_and_the_next_process_writes_in_its_place(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path)
    journal = store.begin("t1", {}, 1.0, owner="t1")
    for event in EVENTS:
        journal.append(event, 1.0)
    damage(tmp_path, 2)
    assert store.read("t1") == ((1.0, EVENTS[0]), (1.0, EVENTS[1]))
    store.take_over("t1", owner="serve").append(ev.KillRequested(), 5.0)
    assert store.read("t1") == ((1.0, EVENTS[0]), (1.0, EVENTS[1]), (5.0, ev.KillRequested()))
    store.close()


def test_a_damaged_event_in_the_middle_is_an_error(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path)
    journal = store.begin("t1", {}, 1.0)
    for event in EVENTS:
        journal.append(event, 1.0)
    damage(tmp_path, 1)
    with pytest.raises(CodecError, match="an event in the middle is damaged"):
        store.read("t1")
    store.close()


def test_a_task_that_is_taken_over_has_another_owner_and_goes_on_with_its_journal(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path)
    store.begin("t1", {}, 1.0, owner="t1").append(EVENTS[0], 1.0)
    store.begin("t2", {}, 2.0, owner="t2")
    store.end("t2", {}, 3.0, keep_s=9.0)
    assert store.unfinished() == (("t1", "t1"),)
    store.take_over("t1", owner="serve").append(EVENTS[2], 2.0)
    assert store.unfinished() == (("t1", "serve"),)
    assert store.read("t1") == ((1.0, EVENTS[0]), (2.0, EVENTS[2]))
    store.close()


def test_what_the_engine_said_of_containers_is_kept_until_the_task_is_forgotten(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path)
    store.begin("t1", {}, 1.0)
    binding = PortBinding(host_ip="127.0.0.1", host_port=8080, container_port=80, protocol="tcp", moved=True)
    facts = {"web": ContainerFacts(bindings=(binding,)), "side": ContainerFacts(namespace_pid=7)}
    store.keep_facts("t1", {"web": ContainerFacts()})
    store.keep_facts("t1", facts)
    store.keep_settled("t1", "web", 17)
    assert (store.facts("t1"), store.settled("t1", "web"), store.settled("t1", "side")) == (facts, 17, 0)
    store.forget("t1")
    assert (store.facts("t1"), store.settled("t1", "web")) == ({}, 0)
    store.close()
