from __future__ import annotations

from xml.etree import ElementTree

from core.plan.plans import FIVE, container, plan_of
from pillion.core.plan.drawing import NAME_LENGTH_MAX, draw_plan

SVG = "{http://www.w3.org/2000/svg}"


def texts(svg: str) -> list[str]:
    return [element.text or "" for element in ElementTree.fromstring(svg).iter(f"{SVG}text")]


def test_the_picture_names_every_container_and_every_condition() -> None:
    found = texts(draw_plan(FIVE))
    assert {"loader", "envoy", "web", "worker", "SUCCESS", "HEALTHY", "START"} <= set(found)
    assert "~internal~ecs~pause" not in found


def test_the_picture_tells_the_times() -> None:
    found = texts(draw_plan(FIVE))
    assert "Critical path: envoy → web → worker." in found
    assert "A stop takes at most 55 s: worker → web → envoy." in found
    assert "essential, from 5 s on" in found


def test_the_critical_path_is_drawn_strong() -> None:
    paths = ElementTree.fromstring(draw_plan(FIVE)).iter(f"{SVG}path")
    arrows = [path for path in paths if "marker-end" in path.attrib]
    assert [path.attrib["class"] for path in arrows] == ["edge", "edge critical", "edge critical"]


def test_a_long_name_is_cut_and_kept_in_full_beside_it() -> None:
    name = "n" * 200
    svg = ElementTree.fromstring(draw_plan(plan_of(container(name))))
    assert "n" * (NAME_LENGTH_MAX - 1) + "…" in [item.text for item in svg.iter(f"{SVG}text")]
    assert [item.text for item in svg.iter(f"{SVG}title")] == [name]


def test_the_picture_loads_nothing() -> None:
    svg = draw_plan(FIVE)
    assert "href" not in svg
    assert "@import" not in svg
    assert "<script" not in svg
    assert svg.count("http") == 1  # the name of the format


def test_the_picture_follows_the_viewers_dark_mode() -> None:
    assert "prefers-color-scheme:dark" in draw_plan(FIVE)


def test_containers_that_wait_for_nobody_have_no_critical_path() -> None:
    found = texts(draw_plan(plan_of(container("a"), container("b"))))
    assert "All started: at once." in found
    assert not any("ritical path" in text for text in found)
