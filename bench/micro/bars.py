"""Panels of bars side by side, for figures of several units: an SVG file."""

import dataclasses
import itertools
import pathlib
from statistics import median

from plot import BARS, FAINT, FONT, HEAD, LETTER, MARGIN, OURS, PEERS, ROW, SCALE, SMALL, VALUE, Drawing, draw_values, step


@dataclasses.dataclass
class Panel:
    """A unit's: for each row what was measured, each time; none: nothing was."""

    name: str
    rows: dict[str, list[float]]


def draw(title: str, notes: str, panels: list[Panel], path: pathlib.Path) -> None:
    """A row of all panels for each name; that of synward has its colour."""
    names = list(dict.fromkeys(name for panel in panels for name in panel.rows))
    left = max(len(name) for name in names) * LETTER * FONT + MARGIN
    top = HEAD + SCALE
    drawing = Drawing()
    drawing.text(MARGIN, 24, title, size=16, weight="bold")
    drawing.text(MARGIN, 43, notes, size=SMALL)
    drawing.text(MARGIN, 60, "bar: median; line: lowest to highest", size=SMALL)
    for place, name in enumerate(names):
        drawing.text(left - 8, top + place * ROW + ROW / 2 + 4, name, "end")
    for number, panel in enumerate(panels):
        x = left + number * (BARS + VALUE + MARGIN)
        most = max((median(values) for values in panel.rows.values() if values), default=1) or 1
        drawing.text(x, top - 22, panel.name, weight="bold")
        for value in itertools.takewhile(lambda v: v <= most, itertools.count(0, step(most))):
            drawing.line(x + value * BARS / most, top - 2, x + value * BARS / most, top + len(names) * ROW, FAINT)
            drawing.text(x + value * BARS / most, top - 7, f"{value:,g}", "middle", size=SMALL)
        for place, name in enumerate(names):
            y = top + place * ROW + ROW / 2
            if values := panel.rows.get(name):
                draw_values(drawing, values, (x, y), BARS / most, OURS if name.endswith("synward") else PEERS, f"{median(values):,.4g}")
            elif name in panel.rows:
                drawing.text(x + 4, y + 4, "-", size=SMALL)
    drawing.save(path, left + len(panels) * (BARS + VALUE + MARGIN), top + len(names) * ROW + MARGIN)
