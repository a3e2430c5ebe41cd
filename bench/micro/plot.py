"""Draws the results of a micro-benchmark as bars, an SVG file.

usage: plot.py RESULTS.json PLOT.svg [OLD.json]

A panel for each column, a bar for each row: the median of the repetitions, in units of F where the program measured it, else
in cycles. The thin line at its end reaches from the best repetition to the worst; a diamond is the median of OLD.json. Bars of
what is no part of synward are grey. Panels in units of F have scales of their own, as each column has its own F.
"""

import html
import itertools
import pathlib
import re
import sys
from statistics import median

import results

FONT, SMALL = 12, 11
LETTER = 0.62  # width of an average letter, in font sizes
ROW, BAR, BARS, MARGIN, VALUE = 19, 12, 300, 16, 124
HEAD, SCALE = 48, 56  # above all panels, and above each
PANELS_PER_LINE = 3
INK, FAINT, OURS, PEERS, SPREAD, OLD, WRONG = "#1a1a1a", "#d9d9d9", "#2f6db3", "#a8a8a8", "#1a1a1a", "#d9730d", "#b00020"
PEER = re.compile(r": straightforward|: rte_|Linux mints|^F, the floor|^testpmd|^rte_")


class Drawing:
    """Lines of SVG."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def text(self, x: float, y: float, words: str, anchor: str = "start", size: int = FONT, fill: str = INK, weight: str = "normal") -> None:
        style = f'font-size="{size}" text-anchor="{anchor}" fill="{fill}" font-weight="{weight}"'
        self.lines.append(f'<text x="{x:.1f}" y="{y:.1f}" {style}>{html.escape(words)}</text>')

    def box(self, x: float, y: float, width: float, height: float, fill: str) -> None:
        self.lines.append(f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" fill="{fill}"/>')

    def line(self, x1: float, y1: float, x2: float, y2: float, stroke: str) -> None:
        self.lines.append(f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{stroke}"/>')

    def diamond(self, x: float, y: float, fill: str) -> None:
        self.lines.append(f'<path d="M{x:.1f} {y - 5:.1f}l4 5l-4 5l-4 -5z" fill="{fill}"/>')

    def save(self, path: pathlib.Path, width: float, height: float) -> None:
        head = f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height:.0f}" viewBox="0 0 {width:.0f} {height:.0f}"'
        font = 'font-family="DejaVu Sans, Verdana, Arial, sans-serif"'
        path.write_text("\n".join([f"{head} {font}>", '<rect width="100%" height="100%" fill="white"/>', *self.lines, "</svg>", ""]))


def step(most: float) -> float:
    """Between the lines of a scale up to `most`: 1, 2 or 5 times a power of ten, four to ten of them."""
    power = 1.0
    while power * 10 < most:
        power *= 10
    while power > most:
        power /= 10
    return next(power * part for part in (0.1, 0.2, 0.5, 1, 2) if most / (power * part) <= 8)


def figures(cell: results.Cell, in_floors: bool) -> list[float]:
    return cell.floors if in_floors else cell.cycles


def draw_values(drawing: Drawing, values: list[float], at: tuple[float, float], scale: float, fill: str, words: str, drawn_to: float = 0) -> None:
    """A bar, which begins at `at`, the middle of its row; `words` stand behind it, and behind what else is drawn as far as `drawn_to`."""
    x, y = at
    middle = median(values)
    drawing.box(x, y - BAR / 2, middle * scale, BAR, fill)
    # An interrupted repetition must not squeeze the others: the scale follows the medians.
    end = min(max(values) * scale, BARS)
    drawing.line(x + min(values) * scale, y, x + end, y, SPREAD)
    drawing.text(x + max(end, middle * scale, drawn_to) + 5, y + 4, words, size=SMALL)


def draw_cell(drawing: Drawing, cell: results.Cell, old: results.Cell | None, at: tuple[float, float], scale: float, fill: str, in_floors: bool) -> None:
    """One bar, which begins at `at`, the middle of its row."""
    x, y = at
    if cell.error:
        drawing.text(x + 4, y + 4, cell.error, size=SMALL, fill=WRONG)
        return
    values = figures(cell, in_floors)
    before = figures(old, in_floors) if old and not old.error else []
    cycles = median(cell.cycles)
    words = f"{median(values):.1f} F, {cycles:.0f} cycles" if in_floors else f"{cycles:.1f}"
    draw_values(drawing, values, at, scale, fill, words, median(before) * scale + 4 if before else 0)
    if before:
        drawing.diamond(x + median(before) * scale, y, OLD)


def draw(found: results.Results, old: results.Results | None, path: pathlib.Path) -> None:
    in_floors = all(cell.floors for cell in found.cells.values() if not cell.error)
    labels = max(len(row) for row in found.rows) * LETTER * FONT + MARGIN
    panel = BARS + VALUE + MARGIN
    both = [found] if old is None else [found, old]
    drawn = [(key[1], figures(each.cells[key], in_floors)) for each in both for key in found.cells if key in each.cells]
    medians = [(column, median(values)) for column, values in drawn if values]
    per_line = min(len(found.columns), PANELS_PER_LINE)
    block = len(found.rows) * ROW
    drawing = Drawing()
    unit = "times F, the floor, per packet (F: the least that any answer costs)" if in_floors else "TSC cycles per packet"
    drawing.text(MARGIN, 24, f"{found.name}: {unit}", size=16, weight="bold")
    drawing.text(MARGIN, 43, f"{found.machine}; {found.context.get('date', '')}", size=SMALL)
    drawing.text(MARGIN, 60, "bar: median; line: best to worst repetition; grey: no part of synward", size=SMALL)
    if old:
        drawing.diamond(MARGIN + 440, 56, OLD)
        drawing.text(MARGIN + 450, 60, f"before: {old.context.get('date', '')}", size=SMALL)
    for number, column in enumerate(found.columns):
        top = HEAD + SCALE + number // per_line * (block + SCALE)
        left = labels + number % per_line * panel
        most = max((value for other, value in medians if other == column or not in_floors), default=1)
        scale = BARS / most
        drawing.text(left, top - 22, column, weight="bold")
        for value in itertools.takewhile(lambda v: v <= most, itertools.count(0, step(most))):
            drawing.line(left + value * scale, top - 2, left + value * scale, top + block, FAINT)
            drawing.text(left + value * scale, top - 7, f"{value:g}", "middle", size=SMALL)
        for place, row in enumerate(found.rows):
            y = top + place * ROW + ROW / 2
            if number % per_line == 0:
                drawing.text(left - 8, y + 4, row, "end")
            if cell := found.cells.get((row, column)):
                before = old.cells.get((row, column)) if old else None
                draw_cell(drawing, cell, before, (left, y), scale, PEERS if PEER.search(row) else OURS, in_floors)
    lines = (len(found.columns) + per_line - 1) // per_line
    drawing.save(path, labels + per_line * panel, HEAD + lines * (block + SCALE) + MARGIN)


def main(arguments: list[str]) -> int:
    if len(arguments) not in (2, 3):
        print(__doc__, file=sys.stderr)
        return 2
    try:
        found, *old = (results.read(pathlib.Path(path)) for path in (arguments[0], *arguments[2:]))
    except ValueError as error:
        print(error, file=sys.stderr)
        return 1
    draw(found, old[0] if old else None, pathlib.Path(arguments[1]))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
