"""Tasks out of the journals of a state folder: which one is meant, and where it is."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pillion.control.claims import Claim
from pillion.core.lifecycle import events as ev
from pillion.core.monitoring.notes import WatchNotes
from pillion.core.plan.build import make_plan
from pillion.core.plan.endpoints import EndpointIds
from pillion.core.plan.options import RunOptions
from pillion.core.record import Standing, encode_record
from pillion.core.taskdef.model import TaskDefinition
from pillion.core.taskdef.parse import parse_task_definition
from pillion.core.usage import Observed
from pillion.preparing import new_identity
from pillion.stores.notes import write_notes
from pillion.stores.sqlite import SqliteStore
from pillion.tasks.history import RememberedTask, explain_task, remember
from pillion.tasks.journals import HistoryError, find_task

WAIT = {"containerName": "loader", "condition": "SUCCESS"}
PAUSE = "~internal~ecs~pause"
OOM = ev.Exited(container="app", exit_code=137, at_s=6.0, out_of_memory=True)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    made = SqliteStore(tmp_path)
    yield made
    made.close()


def definition(family: str) -> TaskDefinition:
    parsed = parse_task_definition(
        {
            "family": family,
            "networkMode": "host",
            "containerDefinitions": [
                {"name": "loader", "image": "l:1", "memory": 64, "essential": False},
                {"name": "app", "image": "a:1", "memory": 128, "dependsOn": [WAIT]},
            ],
        }
    )
    assert parsed.definition is not None
    return parsed.definition


def begin(
    store: SqliteStore, task_id: str, *, family: str = "web", at_s: float = 1.0, process: int = 1
) -> None:
    """Store a task that was begun."""
    made = definition(family)
    identity = new_identity(made, cluster="default", task_id=task_id)
    plan = make_plan(made, identity, RunOptions())
    standing = Standing(plan=plan, ids=EndpointIds(containers={}))
    record = encode_record(standing, made, running=made, overrides={}, source=None, process_id=process)
    store.begin(task_id, record, at_s, owner=task_id)


def happen(store: SqliteStore, task_id: str, *events: ev.Event) -> None:
    """Append events, a second apart."""
    for number, event in enumerate(events):
        store.append(task_id, number, event, float(number))


def up_to_start(name: str) -> list[ev.Event]:
    """Return what happens to a container until it runs."""
    return [
        ev.ManifestResolved(container=name),
        ev.Pulled(container=name),
        ev.Created(container=name, runtime_id=f"id-{name}"),
        ev.Started(container=name, at_s=3.0),
    ]


def remembered(store: SqliteStore, *, alive: bool = True) -> RememberedTask:
    stored = find_task(store, None)
    if not alive:
        return remember(store, stored)
    with Claim(store.folder, stored.owner or ""):
        return remember(store, stored)


READY: list[ev.Event] = [
    ev.StartRequested(),
    ev.ManifestResolved(container="app"),
    ev.Pulled(container="app"),
]


def test_a_running_task_says_who_waits_for_whom(store: SqliteStore) -> None:
    begin(store, "abc")
    happen(store, "abc", *READY, *up_to_start("loader"))
    found = explain_task(remembered(store))
    assert found.summary == ("task abc (web:1) is PENDING. app: waits for loader to exit with 0 (SUCCESS)")
    assert [(item.code, item.container) for item in found.findings] == [("waits", "app")]


def test_an_operation_under_way_is_what_a_container_waits_for(store: SqliteStore) -> None:
    begin(store, "abc")
    happen(store, "abc", ev.StartRequested(), ev.ManifestResolved(container="app"))
    found = explain_task(remembered(store))
    assert [(item.code, item.container, item.what) for item in found.findings] == [
        ("working", "loader", "waits for the image to be looked up"),
        ("working", "app", "waits for the image to be pulled"),
    ]


def test_a_task_that_is_over_is_explained_from_its_journal_and_its_last_lines(store: SqliteStore) -> None:
    begin(store, "abc")
    done = ev.Exited(container="loader", exit_code=0, at_s=4.0)
    app = [
        *up_to_start("loader"),
        done,
        *up_to_start("app")[2:],
        OOM,
    ]
    happen(store, "abc", *READY, *app)
    store.keep_lines("abc", "app", ["growing", "still growing"])
    used = {"app": Observed(memory_mib=121)}
    store.end("abc", {"lastStatus": "STOPPED"}, 9.0, keep_s=60.0, usage=used)
    task = remembered(store, alive=False)
    found = explain_task(task)
    assert not task.is_abandoned
    assert [(item.code, item.container) for item in found.findings] == [("out-of-memory", "app")]
    assert found.findings[0].evidence[-2:] == (
        "its limit is 128 MiB",
        "it was seen to use 121 MiB at most",
    )
    app_evidence = task.evidence.container("app")
    assert app_evidence is not None
    assert app_evidence.lines == ("growing", "still growing")
    assert (app_evidence.started_at_s, app_evidence.stopped_at_s) == (3.0, 6.0)
    assert task.evidence.ended_by == "app"


def test_the_peak_use_is_out_of_the_notes_while_the_task_goes_on(store: SqliteStore) -> None:
    begin(store, "abc")
    killed = ev.Exited(container="loader", exit_code=137, at_s=4.0, out_of_memory=True)
    happen(store, "abc", *READY, *up_to_start("loader"), killed)
    seen = explain_task(remembered(store)).findings[0].evidence
    assert seen[-1] == "what it used was not seen: it ended before its first sample"
    write_notes(store.folder, "abc", WatchNotes(at_s=5.0, usage={"loader": Observed(memory_mib=63)}))
    assert explain_task(remembered(store)).findings[0].evidence[-1] == "it was seen to use 63 MiB at most"


def test_a_task_whose_process_is_gone_says_so_first(store: SqliteStore) -> None:
    begin(store, "abc", process=17)
    happen(store, "abc", *READY, *up_to_start("loader"))
    found = explain_task(remembered(store, alive=False))
    assert found.summary.endswith("; but the pillion that ran it is gone: this is what it wrote last")
    assert [item.code for item in found.findings] == ["supervisor-gone", "waits"]
    assert found.findings[0].evidence == ("process 17 began it; no process supervises it now",)
    assert "pillion serve" in found.findings[0].advice[0]
    assert "com.amazonaws.ecs.task-arn=arn:aws:ecs:" in found.findings[0].advice[1]


def test_the_journal_of_the_first_pillion_is_explained_by_its_definition(store: SqliteStore) -> None:
    begin(store, "abc")
    whole = store.about("abc")
    assert whole is not None
    store.begin("old", {"definition": whole["definition"], "arn": whole["arn"]}, 5.0)
    happen(store, "old", *READY, *up_to_start("loader"))
    task = remembered(store)
    assert task.evidence.task_arn == whole["arn"]
    assert [item.container for item in task.waits] == ["app"]


def test_a_task_is_found_by_its_id_its_arn_its_family_or_as_the_newest(store: SqliteStore) -> None:
    begin(store, "aa11", at_s=1.0)
    begin(store, "aa22", at_s=2.0)
    begin(store, "bb33", family="batch", at_s=3.0)
    names = ["aa1", "arn:aws:ecs:us-east-1:1:task/default/aa22", "web", "web:1", "batch", None]
    assert [find_task(store, name).task_id for name in names] == [
        "aa11",
        "aa22",
        "aa22",
        "aa22",
        "bb33",
        "bb33",
    ]


def test_an_id_that_fits_several_tasks_lists_them(store: SqliteStore) -> None:
    begin(store, "aa11", at_s=1.0)
    begin(store, "aa22", at_s=2.0)
    store.end("aa11", {"stopCode": "UserInitiated"}, 3.0, keep_s=9.0)
    with pytest.raises(HistoryError) as caught:
        find_task(store, "aa")
    assert str(caught.value) == (
        "several tasks have an id that begins with aa:\n  aa22  web:1  not over\n  aa11  web:1  UserInitiated"
    )


def test_a_task_that_nobody_knows_lists_those_that_are_known(store: SqliteStore) -> None:
    for number in range(12):
        begin(store, f"{number:02}", at_s=float(number))
    with pytest.raises(
        HistoryError, match=r"pillion knows no task zz; it knows, the newest first:\n  11 "
    ) as caught:
        find_task(store, "zz")
    assert str(caught.value).endswith("and 2 more")


def test_without_any_task_the_message_says_why_there_may_be_none(store: SqliteStore) -> None:
    with pytest.raises(HistoryError, match="none ran here, or their history is over"):
        find_task(store, None)


def test_a_record_that_cannot_be_read_names_the_task(store: SqliteStore) -> None:
    store.begin("bad", {"definition": None}, 1.0)
    with pytest.raises(HistoryError, match=r"the journal of task bad cannot be read: .* no definition"):
        remembered(store)


def test_an_empty_name_asks_which_task_is_meant(store: SqliteStore) -> None:
    begin(store, "aa11", at_s=1.0)
    with pytest.raises(HistoryError, match="which task is meant"):
        find_task(store, "")
