"""What a program of this folder leaves as JSON (Google Benchmark's): every repetition of every row and column."""

import dataclasses
import json
import pathlib
import re
from statistics import median

OPTIONS = re.compile(r"(/manual_time|/iterations:\d+)+$")  # what Google Benchmark appends to a name


@dataclasses.dataclass
class Cell:
    """A row in one column: what each repetition took, and how many times the floor that is, where it was measured."""

    cycles: list[float] = dataclasses.field(default_factory=list)
    floors: list[float] = dataclasses.field(default_factory=list)
    error: str = ""

    @property
    def figures(self) -> list[float]:
        """What to compare between runs: in units of F where it can be, for the machine's mood moves F as well."""
        return self.floors or self.cycles

    @property
    def figure(self) -> float:
        return median(self.figures)

    @property
    def span(self) -> float:
        """From the best repetition to the worst, as a part of the median."""
        return (max(self.figures) - min(self.figures)) / self.figure

    def text(self) -> str:
        if self.error:
            return self.error
        cycles = f"{median(self.cycles):.1f}"
        return f"{cycles} {median(self.floors):6.2f} F" if self.floors else f"{cycles}         "


@dataclasses.dataclass
class Results:
    """One program's, in the order in which it registered its rows."""

    name: str
    context: dict
    rows: list[str] = dataclasses.field(default_factory=list)
    columns: list[str] = dataclasses.field(default_factory=list)
    cells: dict[tuple[str, str], Cell] = dataclasses.field(default_factory=dict)

    @property
    def machine(self) -> str:
        hertz = float(self.context.get("tsc_hz", 0))
        return f"{self.context.get('cpu', 'unknown CPU')}, TSC {hertz / 1e9:.2f} GHz, compiler {self.context.get('compiler', 'unknown')}"


def read(path: pathlib.Path) -> Results:
    """Throws ValueError, one sentence, when `path` is not such a file."""
    try:
        record = json.loads(path.read_text())
        runs, context = record["benchmarks"], record["context"]
    except (OSError, KeyError, TypeError, json.JSONDecodeError) as error:
        raise ValueError(f"{path} holds no results ({error}): a program of bench/micro writes them with --benchmark_out") from error
    found = Results(path.stem, context)
    # The order of the runs is random.
    for run in sorted((run for run in runs if run["run_type"] == "iteration"), key=lambda run: run["family_index"]):
        row, _, column = OPTIONS.sub("", run["run_name"]).rpartition("/")
        if row not in found.rows:
            found.rows.append(row)
        if column not in found.columns:
            found.columns.append(column)
        cell = found.cells.setdefault((row, column), Cell())
        if run.get("error_occurred"):
            cell.error = run["error_message"]
        elif "cycles" in run:
            cell.cycles.append(run["cycles"])
        else:
            cell.cycles.append(float(context["tsc_hz"]) / run["items_per_second"])
        if "F" in run:
            cell.floors.append(run["F"])
    return found


def files(path: pathlib.Path) -> dict[str, pathlib.Path]:
    """The results at `path`, by program: a file's, or those of a folder."""
    if path.is_dir():
        return {file.stem: file for file in sorted(path.glob("*.json"))}
    return {path.stem: path}
