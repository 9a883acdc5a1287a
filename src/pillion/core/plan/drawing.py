"""A plan as a picture: a self-contained SVG of who starts when and who waits for whom.

Containers stand in columns, one for each wave of the start; an arrow leads from who is waited for, with
the condition on it. The critical path is drawn strong. Light and dark follow the viewer's setting; no
font, script or picture is loaded from anywhere. Where everything stands is worked out by `layout`.
"""

from __future__ import annotations

from html import escape

from pillion.core.lifecycle.order import start_waves
from pillion.core.lifecycle.states import ContainerKind
from pillion.core.plan.layout import Arrow, Layout, Point, lay_out
from pillion.core.plan.model import TaskPlan
from pillion.core.plan.outline import all_started_words
from pillion.core.plan.timing import Timing, timing_of
from pillion.core.units import format_duration_s

BOX_WIDTH_MIN = 190
NAME_LENGTH_MAX = 30
"""A longer name is cut; the picture shows it in full when pointed at."""

MARGIN = 32
HEADER = 76
FOOTER_LINE = 22
WIDTH_MIN = 480

_NAME_LETTER = 9.8
_TITLE_LETTER = 12.2
_SMALL_LETTER = 7.0
"""How wide a letter is at most on average, in pixels; a viewer's font is not known here."""

_STYLE = """
svg{font-family:ui-sans-serif,system-ui,-apple-system,"Segoe UI",sans-serif}
.back{fill:#fbfbfd}
.box{fill:#fff;stroke:#aab3c5;stroke-width:1.5}.essential{stroke:#2f6fde;stroke-width:2.5}
.name{font-size:15px;font-weight:600;fill:#1d2433}.small{font-size:12px;fill:#5b6579}
.title{font-size:19px;font-weight:700;fill:#1d2433}
.edge{fill:none;stroke:#aab3c5;stroke-width:1.6}.critical{stroke:#d9622b;stroke-width:2.6}
.label{font-size:10.5px;font-weight:600;fill:#5b6579}.halo{stroke:#fbfbfd;stroke-width:4;paint-order:stroke}
.tip{fill:#aab3c5}.tip-critical{fill:#d9622b}
@media(prefers-color-scheme:dark){.back{fill:#141820}.box{fill:#1e2430;stroke:#4b566b}
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
    waves = [wave for wave in waves if wave]
    conditions = _conditions(timing, {name for wave in waves for name in wave})
    longest = max((min(len(name), NAME_LENGTH_MAX) for wave in waves for name in wave), default=0)
    layout = lay_out(
        waves, list(conditions), box_width=max(BOX_WIDTH_MIN, round(longest * _NAME_LETTER) + 28)
    )
    footer = _footer_texts(timing, has_edges=bool(conditions))
    height = HEADER + layout.height + 30 + FOOTER_LINE * (len(footer) + 1) + 12
    width = _width(plan, layout, footer)
    return "\n".join(
        (
            _opening(plan, width, height, has_edges=bool(conditions)),
            f'<g transform="translate({MARGIN} {HEADER})">',
            *_arrows(layout, conditions, timing),
            *(_box(plan, name, layout, timing) for name in layout.boxes),
            "</g>",
            *_footer(footer, HEADER + layout.height + 40),
            _legend(HEADER + layout.height + 40 + FOOTER_LINE * len(footer), has_edges=bool(conditions)),
            "</svg>\n",
        )
    )


def _conditions(timing: Timing, names: set[str]) -> dict[Arrow, str]:
    """Return what is written on each arrow; two dependencies on one container share one."""
    found: dict[Arrow, list[str]] = {}
    for name in names:
        for item in timing.edges[name]:
            if item.dependency.container in names:
                arrow = item.dependency.container, name
                found.setdefault(arrow, []).append(item.dependency.condition.value)
    return {arrow: ", ".join(words) for arrow, words in sorted(found.items())}


def _width(plan: TaskPlan, layout: Layout, footer: list[str]) -> float:
    title = len(plan.identity.family) * _TITLE_LETTER + 40
    text = max(len(line) for line in footer) * _SMALL_LETTER
    return round(max(WIDTH_MIN, layout.width, title, text) + 2 * MARGIN)


def _opening(plan: TaskPlan, width: float, height: float, *, has_edges: bool) -> str:
    family = escape(plan.identity.family, quote=True)
    order = "start from left to right and stop from right to left" if has_edges else "start and stop together"
    subtitle = f"network mode {plan.network_mode.value}; containers {order}"
    return f"""<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}"
 width="{width:g}" height="{height:g}" role="img" aria-label="start order of {family}">
<style>{_STYLE}</style>
<defs>{_tip("tip", 7)}{_tip("tip-critical", 6)}</defs>
<rect class="back" width="100%" height="100%"/>
<text class="title" x="{MARGIN}" y="34">{family}:{plan.identity.revision}</text>
<text class="small" x="{MARGIN}" y="54">{subtitle}</text>"""


def _tip(name: str, size: int) -> str:
    return (
        f'<marker id="{name}" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="{size}" '
        f'markerHeight="{size}" orient="auto"><path class="{name}" d="M0 0L8 4L0 8z"/></marker>'
    )


def _box(plan: TaskPlan, name: str, layout: Layout, timing: Timing) -> str:
    box, spec = layout.boxes[name], plan.spec.container(name)
    kind = "box essential" if spec.essential else "box"
    about = "essential" if spec.essential else "not essential"
    begins = timing.starts_s[name]
    when = "at once" if begins == 0 else f"from {format_duration_s(begins)} on"
    if spec.depends_on and begins == 0:
        when = "when released"
    x, middle = box.x + 14, box.y + box.height / 2
    return (
        f'<g><rect class="{kind}" x="{box.x:g}" y="{box.y:g}" width="{box.width:g}" '
        f'height="{box.height:g}" rx="9"/>'
        f'<text class="name" x="{x:g}" y="{middle - 6:g}">{escape(_short(name))}</text>'
        f'<text class="small" x="{x:g}" y="{middle + 14:g}">{about}, {when}</text>'
        f"<title>{escape(name)}</title></g>"
    )


def _arrows(layout: Layout, conditions: dict[Arrow, str], timing: Timing) -> list[str]:
    """Return the arrows, those of the critical path above the others, and the words above all."""
    critical = set(zip(timing.critical_path, timing.critical_path[1:], strict=False))
    arrows = sorted(layout.arrows, key=lambda arrow: arrow in critical)
    lines = [_arrow(layout.arrows[arrow], strong=arrow in critical) for arrow in arrows]
    return lines + [_label(conditions[arrow], layout.arrows[arrow][-1]) for arrow in arrows]


def _arrow(points: tuple[Point, ...], *, strong: bool) -> str:
    """Return a line that bends from column to column and is straight where it crosses one."""
    style, tip = ("edge critical", "tip-critical") if strong else ("edge", "tip")
    (x, y), *rest = points
    path = f"M{x:g} {y:g}"
    for number, (to_x, to_y) in enumerate(rest):
        if number % 2:
            path += f"H{to_x:g}"
        else:
            end_x = to_x - 3 if number == len(rest) - 1 else to_x
            bend = (to_x - x) / 2
            path += f"C{x + bend:g} {y:g} {to_x - bend:g} {to_y:g} {end_x:g} {to_y:g}"
        x, y = to_x, to_y
    return f'<path class="{style}" marker-end="url(#{tip})" d="{path}"/>'


def _label(text: str, end: Point) -> str:
    x, y = end[0] - 16, end[1] - 5
    return f'<text class="label halo" text-anchor="end" x="{x:g}" y="{y:g}">{text}</text>'


def _footer_texts(timing: Timing, *, has_edges: bool) -> list[str]:
    critical, stop = " → ".join(timing.critical_path), " → ".join(timing.stop_path)
    return [
        *([f"Critical path: {critical}."] if has_edges else []),
        f"All started: {all_started_words(timing)}"
        + (", as a wait without startTimeout has no end." if timing.unbounded else "."),
        f"A stop takes at most {format_duration_s(timing.stop_at_most_s)}: {stop}.",
    ]


def _footer(texts: list[str], y: float) -> list[str]:
    return [
        f'<text class="small" x="{MARGIN}" y="{y + FOOTER_LINE * number:g}">{escape(text)}</text>'
        for number, text in enumerate(texts)
    ]


def _legend(y: float, *, has_edges: bool) -> str:
    x, middle = MARGIN, y - 4
    frames = (("box essential", "essential"), ("box", "not essential"))
    parts = []
    for kind, text in frames:
        parts.append(f'<rect class="{kind}" x="{x + 1}" y="{y - 11:g}" width="22" height="13" rx="4"/>')
        parts.append(f'<text class="small" x="{x + 31}" y="{y:g}">{text}</text>')
        x += 31 + round(len(text) * _SMALL_LETTER) + 16
    if has_edges:
        parts.append(f'<path class="edge critical" d="M{x} {middle:g}h24"/>')
        parts.append(f'<text class="small" x="{x + 32}" y="{y:g}">critical path</text>')
    return "".join(parts)


def _short(text: str) -> str:
    return text if len(text) <= NAME_LENGTH_MAX else f"{text[: NAME_LENGTH_MAX - 1]}…"
