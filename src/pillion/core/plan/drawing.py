"""A plan as a picture: a self-contained SVG of who starts when and who waits for whom.

Containers stand in columns, one for each wave of the start; an arrow leads from who is waited for, with
the condition on it. The critical path is drawn strong. Light and dark follow the viewer's setting; no
font, script or picture is loaded from anywhere.
"""

from __future__ import annotations

from html import escape

from pillion.core.lifecycle.order import start_waves
from pillion.core.lifecycle.states import ContainerKind
from pillion.core.plan.model import TaskPlan
from pillion.core.plan.timing import Timing, timing_of
from pillion.core.units import format_duration_s

BOX_WIDTH = 190
BOX_HEIGHT = 64
COLUMN_GAP = 130
ROW_GAP = 34
MARGIN = 32
HEADER = 70
FOOTER = 88

_STYLE = """
svg{font-family:ui-sans-serif,system-ui,-apple-system,"Segoe UI",sans-serif;background:#fbfbfd;color:#1d2433}
.box{fill:#fff;stroke:#aab3c5;stroke-width:1.5}.essential{stroke:#2f6fde;stroke-width:2.5}
.name{font-size:15px;font-weight:600;fill:#1d2433}.small{font-size:12px;fill:#5b6579}
.title{font-size:19px;font-weight:700;fill:#1d2433}
.edge{fill:none;stroke:#aab3c5;stroke-width:1.6}.critical{stroke:#d9622b;stroke-width:2.6}
.label{font-size:11px;font-weight:600;fill:#5b6579}.halo{stroke:#fbfbfd;stroke-width:4;paint-order:stroke}
.tip{fill:#aab3c5}.tip-critical{fill:#d9622b}
@media(prefers-color-scheme:dark){svg{background:#141820}.box{fill:#1e2430;stroke:#4b566b}
.essential{stroke:#6ea0ff}.name,.title{fill:#eef1f7}.small,.label{fill:#a3adbf}.halo{stroke:#141820}
.edge{stroke:#5b6579}.critical{stroke:#ff9a62}.tip{fill:#5b6579}.tip-critical{fill:#ff9a62}}
""".strip()


def draw_plan(plan: TaskPlan) -> str:
    """Return the SVG of a plan. The dependencies must be free of cycles."""
    timing = timing_of(plan)
    waves = [
        [name for name in wave if plan.spec.container(name).kind is ContainerKind.NORMAL]
        for wave in start_waves(plan.spec)
    ]
    columns = [wave for wave in waves if wave]
    rows = max((len(column) for column in columns), default=1)
    height = HEADER + rows * BOX_HEIGHT + (rows - 1) * ROW_GAP + FOOTER
    width = max(2 * MARGIN + len(columns) * BOX_WIDTH + (len(columns) - 1) * COLUMN_GAP, 620)
    places = {
        name: (MARGIN + column * (BOX_WIDTH + COLUMN_GAP), HEADER + _row(len(names), rows, row))
        for column, names in enumerate(columns)
        for row, name in enumerate(names)
    }
    return "\n".join(
        (
            _opening(plan, width, height),
            *_edges(plan, places, timing),
            *(_box(plan, name, place, timing) for name, place in places.items()),
            *_footer(timing, height),
            "</svg>\n",
        )
    )


def _opening(plan: TaskPlan, width: int, height: int) -> str:
    family = escape(plan.identity.family, quote=True)
    subtitle = (
        f"network mode {plan.network_mode.value}; containers start from left to right "
        "and stop from right to left"
    )
    return f"""<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}"
 width="{width}" height="{height}" role="img" aria-label="start order of {family}">
<style>{_STYLE}</style>
<defs>{_tip("tip", 7)}{_tip("tip-critical", 6)}</defs>
<text class="title" x="{MARGIN}" y="34">{family}:{plan.identity.revision}</text>
<text class="small" x="{MARGIN}" y="54">{subtitle}</text>"""


def _tip(name: str, size: int) -> str:
    return (
        f'<marker id="{name}" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="{size}" '
        f'markerHeight="{size}" orient="auto"><path class="{name}" d="M0 0L8 4L0 8z"/></marker>'
    )


def _row(count: int, rows: int, row: int) -> int:
    step = BOX_HEIGHT + ROW_GAP
    return int((rows - count) * step / 2) + row * step


def _box(plan: TaskPlan, name: str, place: tuple[int, int], timing: Timing) -> str:
    x, y = place
    spec = plan.spec.container(name)
    kind = "box essential" if spec.essential else "box"
    about = "essential" if spec.essential else "not essential"
    begins = timing.starts_s[name]
    when = "at once" if begins == 0 else f"from {format_duration_s(begins)} on"
    if spec.depends_on and begins == 0:
        when = "when released"
    return (
        f'<g><rect class="{kind}" x="{x}" y="{y}" width="{BOX_WIDTH}" height="{BOX_HEIGHT}" rx="9"/>'
        f'<text class="name" x="{x + 14}" y="{y + 26}">{escape(_short(name, 20))}</text>'
        f'<text class="small" x="{x + 14}" y="{y + 46}">{about}, {when}</text>'
        f"<title>{escape(name)}</title></g>"
    )


def _edges(plan: TaskPlan, places: dict[str, tuple[int, int]], timing: Timing) -> list[str]:
    lines, labels = [], []
    critical = set(zip(timing.critical_path, timing.critical_path[1:], strict=False))
    for name, (x, y) in places.items():
        for item in timing.edges[name]:
            other = item.dependency.container
            if other not in places:
                continue
            begin = places[other][0] + BOX_WIDTH, places[other][1] + BOX_HEIGHT // 2
            end = x - 3, y + BOX_HEIGHT // 2
            lines.append(_arrow(begin, end, strong=(other, name) in critical))
            labels.append(_label(item.dependency.condition.value, begin, end))
    return lines + labels


def _arrow(begin: tuple[int, int], end: tuple[int, int], *, strong: bool) -> str:
    bend = max(40, (end[0] - begin[0]) // 2)
    style, tip = ("edge critical", "tip-critical") if strong else ("edge", "tip")
    curve = f"C{begin[0] + bend} {begin[1]} {end[0] - bend} {end[1]} {end[0]} {end[1]}"
    return f'<path class="{style}" marker-end="url(#{tip})" d="M{begin[0]} {begin[1]}{curve}"/>'


def _label(text: str, begin: tuple[int, int], end: tuple[int, int]) -> str:
    x, y = end[0] - 58, (begin[1] + 3 * end[1]) // 4 - 6
    return f'<text class="label halo" text-anchor="middle" x="{x}" y="{y}">{text}</text>'


def _footer(timing: Timing, height: int) -> list[str]:
    by = (
        f"at the latest after {format_duration_s(timing.running_by_s)}"
        if timing.running_by_s is not None
        else "with no upper bound in the definition (no startTimeout)"
    )
    soonest = format_duration_s(timing.running_after_s)
    critical, stop = " → ".join(timing.critical_path), " → ".join(timing.stop_path)
    texts = [
        f"Critical path: {critical}; all started after {soonest} at the soonest, {by}.",
        f"A stop takes at most {format_duration_s(timing.stop_at_most_s)}: {stop}.",
    ]
    return [
        f'<text class="small" x="{MARGIN}" y="{height - 48 + 22 * number}">{escape(text)}</text>'
        for number, text in enumerate(texts)
    ]


def _short(text: str, limit: int) -> str:
    return text if len(text) <= limit else f"{text[: limit - 1]}…"
