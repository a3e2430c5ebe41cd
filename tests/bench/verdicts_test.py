"""Programs of bench/micro run, and every row of theirs comes to what it is named for, whatever the figures are."""

import os
import pathlib
import subprocess

import pytest

import results


@pytest.mark.parametrize(
    "program, rows, least",
    [
        ("PIPELINE_BENCH", "/L2", 110),  # of some 120: rows that vanish would not be missed otherwise
        ("PREFIXES_BENCH", ".", 16),
    ],
)
def test_no_row_has_an_error(tmp_path: pathlib.Path, program: str, rows: str, least: int):
    out = tmp_path / "results.json"
    options = [f"--benchmark_filter={rows}", "--benchmark_min_time=0", "--benchmark_repetitions=1", f"--benchmark_out={out}"]
    ended = subprocess.run([os.environ[program], *options], capture_output=True, text=True, timeout=200)
    assert ended.returncode == 0, ended.stderr
    found = results.read(out)
    assert {cell: result.error for cell, result in found.cells.items() if result.error} == {}
    assert len(found.cells) >= least
    assert all(len(cell.cycles) == 1 and cell.figure > 0 for cell in found.cells.values())
