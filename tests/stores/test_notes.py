"""Notes of the process that watches a task, for other processes."""

from __future__ import annotations

from pathlib import Path

from pillion.core.monitoring.alarms import Alarm, AlarmDefinition, AlarmState
from pillion.core.monitoring.metrics import Metric
from pillion.core.monitoring.notes import WatchNotes, notes_lines, notes_shape
from pillion.core.monitoring.spread import Spread
from pillion.core.usage import Observed
from pillion.stores.notes import read_notes, remove_notes, write_notes

ROUTER = AlarmDefinition(
    name="router", metric=Metric(name="ContainerMemoryUtilization", container="router"), threshold=80.0
)
NOTES = WatchNotes(
    at_s=100.0,
    alarms=(
        Alarm(
            definition=ROUTER, state=AlarmState.ALARM, since_s=40.0, reason="1 data point [90]", value=90.0
        ),
        Alarm(definition=ROUTER),
    ),
    silent={"router": "it lost 1 chunk"},
    usage={"app": Observed(memory_mib=5, memory=Spread(counts={3: 2}), watched_s=7.0)},
)


def test_notes_are_read_as_they_were_written_until_they_are_removed(tmp_path: Path) -> None:
    assert read_notes(tmp_path, "t") is None
    write_notes(tmp_path, "t", NOTES)
    write_notes(tmp_path, "t", NOTES)
    assert read_notes(tmp_path, "t") == NOTES
    assert read_notes(tmp_path, "other") is None
    remove_notes(tmp_path, "t")
    remove_notes(tmp_path, "t")
    assert read_notes(tmp_path, "t") is None
    assert list((tmp_path / "watch").iterdir()) == []


def test_notes_that_cannot_be_read_or_written_are_none(tmp_path: Path) -> None:
    write_notes(tmp_path, "t", NOTES)
    path = tmp_path / "watch" / "t.json"
    for text in ("", "[]", "{}", '{"judged": 5}', "not json"):
        path.write_text(text)
        assert read_notes(tmp_path, "t") is None
    (tmp_path / "file").write_text("")
    write_notes(tmp_path / "file", "t", NOTES)


def test_what_is_wrong_is_said_in_lines_and_all_of_it_in_json() -> None:
    assert notes_lines(NOTES, 100.0) == [
        "! router is alive, but silent: it lost 1 chunk",
        "! alarm router is ALARM for 1m: 1 data point [90]",
    ]
    assert notes_lines(WatchNotes(at_s=1.0), 100.0) == []
    shape = notes_shape(NOTES)
    assert [item["stateValue"] for item in shape["alarms"]] == ["ALARM", "INSUFFICIENT_DATA"]
    assert shape["silentSidecars"] == [{"containerName": "router", "reason": "it lost 1 chunk"}]
