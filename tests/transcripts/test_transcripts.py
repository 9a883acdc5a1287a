"""Every promise of the lifecycle, as golden transcripts. PILLION_REWRITE=1 writes the answers anew."""

import os
from difflib import unified_diff
from pathlib import Path

import pytest

from pillion.testing.transcripts import rewrite, scenes

FILES = sorted(Path(__file__).parent.glob("*.txt"))

if os.environ.get("PILLION_REWRITE"):
    for each in FILES:
        each.write_text(rewrite(each.read_text(encoding="utf-8")), encoding="utf-8")

SCENES = [
    pytest.param(scene.text, id=f"{file.stem}: {scene.title}")
    for file in FILES
    for scene in scenes(file.read_text(encoding="utf-8"))
]


@pytest.mark.parametrize("text", SCENES)
def test_the_machine_answers_as_the_transcript_says(text: str) -> None:
    now = rewrite(text)
    diff = unified_diff(text.splitlines(), now.splitlines(), "transcript", "machine", lineterm="", n=8)
    assert now == text, "\n".join(["the machine answers otherwise:", *diff])


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_every_scene_of_a_file_has_a_title_of_its_own(file: Path) -> None:
    titles = [scene.title for scene in scenes(file.read_text(encoding="utf-8"))]
    assert sorted(set(titles)) == sorted(titles)
    assert titles
