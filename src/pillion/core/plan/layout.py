"""Where the boxes and arrows of a plan's picture stand.

Containers stand in columns, one for each wave of the start. An arrow that leads over a column gets a lane
of its own there, so that none runs behind a box; who stands near whom is decided by the mean height of the
neighbours, in a few sweeps. Numbers only: what boxes and arrows look like is `drawing`'s.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

from msgspec import Struct

BOX_HEIGHT = 64
PORT_GAP = 20
"""Between two arrows that end at one box: enough for the words on them."""

COLUMN_GAP = 130
ROW_GAP = 34
LANE_HEIGHT = 4
UNCONNECTED_COLUMNS = 3
_SWEEPS = 4

Point = tuple[float, float]
Arrow = tuple[str, str]
"""From who is waited for to who waits."""

_Slot = str | tuple[str, str, int]
"""A container, or the lane of an arrow in the column of that number."""


class Box(Struct, frozen=True, kw_only=True):
    """The place of a container, in pixels from the top left corner of all boxes."""

    x: float
    y: float
    width: float
    height: float


class Layout(Struct, frozen=True, kw_only=True):
    """Boxes by container, and for each arrow its points: begin, then entry and exit of each lane, end."""

    boxes: Mapping[str, Box]
    arrows: Mapping[Arrow, tuple[Point, ...]]
    width: float
    height: float


def lay_out(waves: Sequence[Sequence[str]], arrows: Sequence[Arrow], *, box_width: float) -> Layout:
    """Place the containers of each wave in a column, and the arrows between them.

    Args:
        waves: the containers in the order of their start; each waits only for those of earlier waves.
        arrows: who is waited for and who waits; both are in `waves`.
        box_width: how wide every box is, in pixels.
    """
    columns: list[list[_Slot]] = [list(wave) for wave in waves]
    if not arrows:
        names = [name for wave in waves for name in wave]
        columns = [list(names[start::UNCONNECTED_COLUMNS]) for start in range(UNCONNECTED_COLUMNS)]
        columns = [column for column in columns if column]
    column_of = {slot: number for number, column in enumerate(columns) for slot in column}
    chains = {arrow: _chain(arrow, column_of) for arrow in arrows}
    for chain in chains.values():
        for slot in chain[1:-1]:
            if isinstance(slot, tuple):
                columns[slot[2]].append(slot)
    ordered = _ordered(columns, list(chains.values()))
    heights = {slot: _height(slot, arrows) for column in ordered for slot in column}
    total = max((_column_height(column, heights) for column in ordered), default=0.0)
    gap = COLUMN_GAP if arrows else ROW_GAP
    boxes = {}
    for number, column in enumerate(ordered):
        y = (total - _column_height(column, heights)) / 2
        for slot in column:
            x = number * (box_width + gap)
            boxes[slot] = Box(x=x, y=y, width=box_width, height=heights[slot])
            y += heights[slot] + ROW_GAP
    return Layout(
        boxes={slot: box for slot, box in boxes.items() if isinstance(slot, str)},
        arrows=_points(chains, boxes),
        width=len(ordered) * box_width + max(len(ordered) - 1, 0) * gap,
        height=total,
    )


def _chain(arrow: Arrow, column_of: Mapping[_Slot, int]) -> list[_Slot]:
    begin, end = arrow
    lanes = range(column_of[begin] + 1, column_of[end])
    return [begin, *((begin, end, column) for column in lanes), end]


def _height(slot: _Slot, arrows: Sequence[Arrow]) -> float:
    if isinstance(slot, tuple):
        return LANE_HEIGHT
    ends = max(sum(arrow[side] == slot for arrow in arrows) for side in (0, 1)) if arrows else 0
    return max(BOX_HEIGHT, (ends + 1) * PORT_GAP)


def _column_height(column: Sequence[_Slot], heights: Mapping[_Slot, float]) -> float:
    return sum(heights[slot] for slot in column) + ROW_GAP * max(len(column) - 1, 0)


def _ordered(columns: list[list[_Slot]], chains: list[list[_Slot]]) -> list[list[_Slot]]:
    """Sort each column by where its neighbours stand, to and fro: few arrows cross after that."""
    before: dict[_Slot, list[_Slot]] = {}
    after: dict[_Slot, list[_Slot]] = {}
    for chain in chains:
        for left, right in pairwise(chain):
            before.setdefault(right, []).append(left)
            after.setdefault(left, []).append(right)
    found = [list(column) for column in columns]
    for sweep in range(_SWEEPS):
        neighbours = before if sweep % 2 == 0 else after
        order = range(len(found)) if sweep % 2 == 0 else range(len(found) - 1, -1, -1)
        for number in order:
            places = {slot: (row + 0.5) / len(column) for column in found for row, slot in enumerate(column)}
            found[number].sort(key=lambda slot: _mean_place(slot, neighbours, places))
    return found


def _mean_place(slot: _Slot, neighbours: Mapping[_Slot, list[_Slot]], places: Mapping[_Slot, float]) -> float:
    near = neighbours.get(slot)
    return sum(places[other] for other in near) / len(near) if near else places[slot]


def _points(
    chains: Mapping[Arrow, list[_Slot]], boxes: Mapping[_Slot, Box]
) -> dict[Arrow, tuple[Point, ...]]:
    """Spread the ends of arrows over the sides of their boxes, in the order of where they lead."""
    found = {}
    for (begin, end), chain in chains.items():
        leaving = sorted((boxes[other[1]].y, key) for key, other in chains.items() if key[0] == begin)
        coming = sorted((boxes[other[-2]].y, key) for key, other in chains.items() if key[1] == end)
        first = _port(boxes[begin], [key for _, key in leaving].index((begin, end)), len(leaving))
        last = _port(boxes[end], [key for _, key in coming].index((begin, end)), len(coming))
        lanes = [boxes[slot] for slot in chain[1:-1]]
        through = [
            point
            for lane in lanes
            for point in ((lane.x, lane.y + lane.height / 2), (lane.x + lane.width, lane.y + lane.height / 2))
        ]
        found[begin, end] = ((boxes[begin].x + boxes[begin].width, first), *through, (boxes[end].x, last))
    return found


def _port(box: Box, number: int, count: int) -> float:
    return box.y + box.height * (number + 1) / (count + 1)
