"""Rows of text laid out in columns, as terminals show them."""

from __future__ import annotations

from collections.abc import Collection, Sequence


def columns(rows: Sequence[Sequence[str]], *, numbers: Collection[int] = ()) -> list[str]:
    """Lay out rows of the same length, each as one line.

    Args:
        rows: the cells, the heads among them.
        numbers: the columns whose cells end at the right, counted from 0; words begin at the left.
    """
    widths = [max(len(row[place]) for row in rows) for place in range(len(rows[0]))]
    return [
        "  ".join(
            cell.rjust(width) if place in numbers else cell.ljust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
