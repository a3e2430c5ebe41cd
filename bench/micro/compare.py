"""Two runs of the micro-benchmarks beside each other, row by row, and which rows changed by more than the noise.

usage: compare.py OLD NEW [NAME...]

OLD and NEW are JSON files of one program, or folders of them, of which NAME... are looked at (all that both have). A figure
is the median of the repetitions, and new/old is the ratio of two: of the ratios to F where there are any, else of the cycles.
The noise is how far the repetitions of a run lie apart, from best to worst, the mean of both runs': for five repetitions about
three deviations of new/old, so that of a thousand rows in which nothing changed a few are marked. Of fewer than three
repetitions "?" is all that can be said.
"""

import pathlib
import sys

import results

LEAST_REPETITIONS = 3


def noise(old: results.Cell, new: results.Cell) -> float | None:
    """Changes up to this part say nothing. None when there are too few repetitions to tell."""
    if min(len(old.figures), len(new.figures)) < LEAST_REPETITIONS:
        return None
    return (old.span + new.span) / 2


def verdict(old: results.Cell | None, new: results.Cell | None) -> str:
    if old is None or new is None:
        return "new" if old is None else "gone"
    if old.error or new.error:
        return "error" if new.error else "was an error"
    within = noise(old, new)
    change = new.figure / old.figure - 1
    if within is None:
        return "?"
    if abs(change) <= within:
        return ""
    return "slower" if change > 0 else "faster"


def line(old: results.Cell | None, new: results.Cell | None) -> str:
    """Old, new, new/old, noise and verdict of one row and column."""
    texts = [cell.text() if cell else "" for cell in (old, new)]
    ratio = within = ""
    if old and new and not old.error and not new.error:
        ratio = f"{new.figure / old.figure:.2f}"
        part = noise(old, new)
        within = "" if part is None else f"{part:.0%}"
    return f"{texts[0]:>20} {texts[1]:>20} {ratio:>8} {within:>6}  {verdict(old, new)}".rstrip()


def in_order(new: list[str], old: list[str]) -> list[str]:
    """What is gone stands last."""
    return new + [name for name in old if name not in new]


def show(old: results.Results, new: results.Results) -> None:
    rows, columns = in_order(new.rows, old.rows), in_order(new.columns, old.columns)
    width = max(len(row) for row in rows) + 1
    second = max(len(column) for column in columns) + 1
    if old.machine != new.machine:
        print(f"not the same machine or compiler:\n  old: {old.machine}\n  new: {new.machine}")
    title = f"{new.name}: cycles per packet"
    print(f"{title:<{width + second}}{'old          ':>20} {'new          ':>20} {'new/old':>8} {'noise':>6}")
    counts: dict[str, int] = {}
    for row in rows:
        for column in columns:
            pair = old.cells.get((row, column)), new.cells.get((row, column))
            if pair == (None, None):
                continue
            print(f"{row:<{width}}{column:<{second}}{line(*pair)}")
            counts[verdict(*pair)] = counts.get(verdict(*pair), 0) + 1
    names = {"": "within the noise", "?": "of too few repetitions to tell"}
    print(", ".join(f"{count} {names.get(what, what)}" for what, count in sorted(counts.items())))


def main(arguments: list[str]) -> int:
    if len(arguments) < 2:
        print(__doc__, file=sys.stderr)
        return 2
    paths = [pathlib.Path(path) for path in arguments[:2]]
    if all(path.is_file() for path in paths):  # whatever they are called
        pairs = [(paths[0], paths[1])]
    else:
        old, new = (results.files(path) for path in paths)
        pairs = [(old[name], new[name]) for name in arguments[2:] or new if name in old and name in new]
    if not pairs:
        print(f"{arguments[0]} and {arguments[1]} have no results of the same program", file=sys.stderr)
        return 1
    try:
        for old_file, new_file in pairs:
            show(results.read(old_file), results.read(new_file))
    except ValueError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
