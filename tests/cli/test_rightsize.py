"""`pillion rightsize`: which definition it reads, what it prints, and that its patch can be applied."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from pillion.cli.exits import UserError
from pillion.cli.rightsize import rightsize
from pillion.core.monitoring.notes import WatchNotes
from pillion.core.monitoring.spread import Spread
from pillion.core.usage import Observed
from pillion.stores.notes import write_notes
from pillion.stores.sqlite import SqliteStore

DEFINITION = """{
  "family": "shop",
  "containerDefinitions": [
    {"name": "web", "image": "web:1",
     "memory": 512}   \x20
  ]
}
"""
USED = {
    "web": Observed(memory_mib=100, memory=Spread(counts={40: 50}), watched_s=900.0, cpu_units=None),
}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PILLION_STATE_DIR", str(tmp_path / "state"))
    (tmp_path / "task.json").write_text(DEFINITION)
    return tmp_path


def ran(folder: Path, *, source: str | None = "task.json", is_over: bool = True) -> None:
    """Store a task that used something."""
    store = SqliteStore(folder / "state")
    about: dict[str, Any] = {"identity": {"family": "shop", "revision": 1}, "source": source}
    store.begin("0123456789abcdef", about, 1.0, owner="nobody")
    if is_over:
        store.end("0123456789abcdef", {}, 2.0, keep_s=3600.0, usage=USED)
    else:
        write_notes(folder / "state", "0123456789abcdef", WatchNotes(at_s=1.0, usage=USED))
    store.close()


def call(*arguments: str) -> Result:
    return CliRunner().invoke(rightsize, arguments, standalone_mode=False)


def refusal(*arguments: str) -> UserError:
    done = call(*arguments)
    assert isinstance(done.exception, UserError), done.output
    return done.exception


TEXT = """\
shop in task.json
web
  memory            512 -> 128        its peak was 100 MiB; 100 / 0.8
  memoryReservation not set -> 48     it held 46 MiB or less in 95 of 100 looks

--- task.json
+++ task.json
@@ -2,6 +2,6 @@
   "family": "shop",
   "containerDefinitions": [
     {"name": "web", "image": "web:1",
-     "memory": 512}   \x20
+     "memory": 128, "memoryReservation": 48}   \x20
   ]
 }
"""


@pytest.mark.parametrize("is_over", [True, False])
def test_it_shows_its_reasoning_and_a_patch_that_keeps_the_files_format(folder: Path, is_over: bool) -> None:
    ran(folder, is_over=is_over)
    done = call()
    assert (done.return_value, done.stdout) == (0, TEXT)


def test_its_patch_is_all_of_the_output_and_can_be_applied(folder: Path) -> None:
    ran(folder)
    done = call("shop", "--format", "patch")
    assert (done.return_value, done.stderr) == (0, "")
    (folder / "it.patch").write_text(done.stdout)
    subprocess.run(["git", "apply", "-p0", "it.patch"], cwd=folder, check=True)
    changed = json.loads((folder / "task.json").read_text())
    assert changed["containerDefinitions"][0] == {
        "name": "web",
        "image": "web:1",
        "memory": 128,
        "memoryReservation": 48,
    }
    assert "nothing to change: everything fits" in call().stdout


def test_json_holds_the_same(folder: Path) -> None:
    ran(folder)
    value = json.loads(call("--format", "json").stdout)
    assert value["file"] == "task.json"
    assert [item["member"] for item in value["proposal"][0]["changes"]] == ["memory", "memoryReservation"]
    assert value["patch"].startswith("--- task.json\n+++ task.json\n")


def test_too_little_is_refused_with_what_was_seen(folder: Path) -> None:
    ran(folder)
    error = refusal("--seen-for", "1h")
    assert error.exit_code == 1
    assert str(error) == (
        "too little was seen of shop to propose anything:\n"
        "web\n"
        "  stays as it is: it was seen for 15m only, and 1h are wanted\n"
        "  Let it run longer, with the load that it will have, or say --seen-for with less."
    )


def test_a_definition_from_standard_input_has_to_be_named(folder: Path) -> None:
    ran(folder, source=None)
    assert "--definition FILE" in str(refusal())
    assert call("--definition", "task.json").return_value == 0


def test_a_template_is_judged_and_cannot_be_patched(folder: Path) -> None:
    ran(folder)
    container = {"Name": "web", "Image": "web:1", "Memory": 512}
    properties = {"Family": "shop", "ContainerDefinitions": [container]}
    resource = {"Type": "AWS::ECS::TaskDefinition", "Properties": properties}
    (folder / "stack.json").write_text(json.dumps({"Resources": {"Task": resource}}))
    done = call("--definition", "stack.json")
    assert "512 -> 128" in done.stdout
    assert "no patch can be made of stack.json" in done.stdout


def test_mistakes_are_said(folder: Path) -> None:
    assert "pillion knows no task" in str(refusal())
    ran(folder)
    assert "--seen-for: 'soon' is not a duration" in str(refusal("--seen-for", "soon"))
    assert "nowhere.json" in str(refusal("--definition", "nowhere.json"))
