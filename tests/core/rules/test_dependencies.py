from __future__ import annotations

from pillion.core.rules.check import check_definition
from pillion.core.rules.examples import app, depends, sidecar, task


def messages(value: object, code: str) -> list[str]:
    return [finding.message for finding in check_definition(value) if finding.code == code]


def test_a_circle_is_shown_with_its_path() -> None:
    value = task(
        app(dependsOn=depends(a="START")),
        sidecar("a", dependsOn=depends(b="START")),
        sidecar("b", dependsOn=depends(c="START")),
        sidecar("c", dependsOn=depends(a="START")),
    )
    assert messages(value, "E104") == ["The containers wait for each other: a -> b -> c -> a."]


def test_a_container_that_waits_for_itself_is_a_circle() -> None:
    assert messages(task(app(dependsOn=depends(app="START"))), "E104") == [
        "The containers wait for each other: app -> app."
    ]


def test_links_and_volumes_from_make_circles_too() -> None:
    value = task(app(links=["db"]), sidecar("db", volumesFrom=[{"sourceContainer": "app"}]))
    assert messages(value, "E104") == ["The containers wait for each other: app -> db -> app."]


def test_a_circle_of_links_alone_has_aws_own_text() -> None:
    value = task(app(links=["db:database"]), sidecar("db", links=["app"]))
    (found,) = [finding for finding in check_definition(value) if finding.code == "E104"]
    assert (found.message, found.detail) == ("Container links should not have a cycle", "app -> db -> app.")
    assert found.aws_text


def test_two_circles_are_two_findings() -> None:
    value = task(
        sidecar("a", dependsOn=depends(b="START")),
        sidecar("b", dependsOn=depends(a="START")),
        sidecar("c", dependsOn=depends(d="START")),
        sidecar("d", dependsOn=depends(c="START")),
    )
    assert len(messages(value, "E104")) == 2


def test_many_ways_to_one_container_are_no_circle() -> None:
    value = task(
        app(dependsOn=depends(a="START", b="START")),
        sidecar("a", dependsOn=depends(c="START")),
        sidecar("b", dependsOn=depends(c="START")),
        sidecar("c"),
    )
    assert messages(value, "E104") == []


def test_a_very_long_chain_is_walked() -> None:
    count = 5000
    chain = [sidecar(f"c{i}", dependsOn=depends(**{f"c{i + 1}": "START"})) for i in range(count)]
    assert messages(task(*chain, sidecar(f"c{count}")), "E104") == []


def test_a_near_name_is_suggested() -> None:
    value = task(app(dependsOn=depends(databse="START")), sidecar("database"))
    (found,) = [finding for finding in check_definition(value) if finding.code == "E101"]
    assert found.detail == "Did you mean 'database'?"


def test_a_dependency_on_an_essential_container_is_repaired_only_where_another_is_essential() -> None:
    waits = depends(job="SUCCESS")
    for essential, repairable in ((True, True), (False, False)):
        value = task(app(dependsOn=waits, essential=essential), sidecar("job"))
        (found,) = [finding for finding in check_definition(value) if finding.code == "E102"]
        assert (found.edit is not None) is repairable
