from __future__ import annotations

from pathlib import Path

from pillion.checking.files import Candidate, candidates


def test_a_file_that_is_named_is_taken_whatever_it_is(tmp_path: Path) -> None:
    named = str(tmp_path / "anything.txt")
    assert list(candidates(("-", named))) == [
        Candidate(path="-", named=True),
        Candidate(path=named, named=True),
    ]


def test_a_folder_is_searched_for_what_may_hold_a_definition(tmp_path: Path) -> None:
    texts = {
        "b/task.json": '{"containerDefinitions": []}',
        "a/template.yaml": "Type: AWS::ECS::TaskDefinition",
        "a/plan.json": '{"type": "aws_ecs_task_definition"}',
        "a/Stack.template": '{"ContainerDefinitions": []}',
        "package.json": '{"name": "x"}',
        "notes.txt": "containerDefinitions",
        ".hidden/task.json": '{"containerDefinitions": []}',
        "node_modules/x/task.json": '{"containerDefinitions": []}',
        ".task.json": '{"containerDefinitions": []}',
    }
    for name, text in texts.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    found = [
        Path(candidate.path).relative_to(tmp_path).as_posix() for candidate in candidates((str(tmp_path),))
    ]
    assert found == ["a/Stack.template", "a/plan.json", "a/template.yaml", "b/task.json"]
