"""bench/micro/pipeline runs, and every packet of every row meets the verdict that the row is named for, whatever the figures are."""

import os
import pathlib
import subprocess

import results

LEAST_ROWS = 110  # of some 120: rows that vanish would not be missed otherwise


def test_no_row_has_a_wrong_verdict(tmp_path: pathlib.Path):
    out = tmp_path / "pipeline.json"
    options = ["--benchmark_filter=/L2", "--benchmark_min_time=0", "--benchmark_repetitions=1", f"--benchmark_out={out}"]
    ended = subprocess.run([os.environ["PIPELINE_BENCH"], *options], capture_output=True, text=True, timeout=200)
    assert ended.returncode == 0, ended.stderr
    found = results.read(out)
    assert {row: cell.error for (row, _), cell in found.cells.items() if cell.error} == {}
    assert len(found.cells) >= LEAST_ROWS
    assert all(len(cell.cycles) == 1 and cell.figure > 0 for cell in found.cells.values())
