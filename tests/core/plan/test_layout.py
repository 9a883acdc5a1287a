from __future__ import annotations

from itertools import combinations, pairwise

from pillion.core.plan.layout import BOX_HEIGHT, PORT_GAP, Box, Layout, lay_out

WAVES = [["router", "loader", "xray"], ["envoy"], ["web"], ["worker", "admin"]]
ARROWS = [
    ("router", "envoy"),
    ("envoy", "web"),
    ("loader", "web"),
    ("router", "web"),
    ("web", "worker"),
    ("router", "worker"),
    ("web", "admin"),
]


def placed() -> Layout:
    return lay_out(WAVES, ARROWS, box_width=100)


def overlap(one: Box, other: Box) -> bool:
    apart_x = one.x + one.width <= other.x or other.x + other.width <= one.x
    apart_y = one.y + one.height <= other.y or other.y + other.height <= one.y
    return not apart_x and not apart_y


def test_every_container_has_a_place_and_no_two_overlap() -> None:
    boxes = placed().boxes
    assert set(boxes) == {name for wave in WAVES for name in wave}
    assert not any(overlap(one, other) for one, other in combinations(boxes.values(), 2))


def test_no_arrow_runs_behind_a_box() -> None:
    layout = placed()
    for points in layout.arrows.values():
        inner = points[1:-1]
        for (x, y), (to_x, _) in zip(inner[::2], inner[1::2], strict=True):
            lane = Box(x=x, y=y, width=to_x - x, height=0.1)
            assert not any(overlap(lane, box) for box in layout.boxes.values())


def test_arrows_that_end_at_one_box_end_apart() -> None:
    layout = placed()
    ends = sorted(points[-1][1] for (_, end), points in layout.arrows.items() if end == "web")
    assert all(low + PORT_GAP <= high for low, high in pairwise(ends))


def test_a_box_grows_with_the_arrows_that_end_at_it() -> None:
    boxes = placed().boxes
    assert (boxes["xray"].height, boxes["web"].height) == (BOX_HEIGHT, 4 * PORT_GAP)


def test_containers_that_wait_for_nobody_stand_in_rows_of_three() -> None:
    boxes = lay_out([list("abcd")], [], box_width=100).boxes
    assert len({box.x for box in boxes.values()}) == 3
    assert len({box.y for box in boxes.values()}) > 1
