"""bench/scale runs, and every row does what it is named for: at its smallest, once, and whatever the figures are."""

import os
import pathlib
import subprocess

import pytest

import results

OURS, PEER = "synward, IPv4, 1M, 75 % full", "rte_hash, IPv4, 1M"
LOOKUPS = ["known, singly", "known", "unknown", "promoted"]
SWEEP = ["passed", "looked at", "expired"]


@pytest.fixture
def run(tmp_path: pathlib.Path):
    """Runs the rows that `pattern` matches, in so many repetitions; gives the results and what was printed."""

    def ran(pattern: str, repetitions: int) -> tuple[results.Results, str]:
        out = tmp_path / "scale.json"
        options = [f"--benchmark_filter={pattern}", f"--benchmark_repetitions={repetitions}", f"--benchmark_out={out}"]
        ended = subprocess.run([os.environ["SCALE_BENCH"], *options], capture_output=True, text=True, timeout=100)
        assert ended.returncode == 0, ended.stderr
        return results.read(out), ended.stdout

    return ran


def fact(printed: str, row: str) -> list[str]:
    """The numbers behind a row in the last table."""
    return printed.rsplit(row, 1)[1].splitlines()[0].replace("%", " ").split()


def test_all_that_is_done_to_a_table_happens(run):
    found, printed = run(f"^({OURS}|{PEER})/", 1)
    assert found.rows == [OURS, PEER]
    assert found.columns == LOOKUPS + SWEEP
    assert set(found.cells) == {(OURS, column) for column in LOOKUPS + SWEEP} | {(PEER, column) for column in LOOKUPS}
    assert [cell.error for cell in found.cells.values()] == [""] * len(found.cells)
    assert all(len(cell.cycles) == 1 and cell.figure > 0 for cell in found.cells.values())
    connections, bytes_each, _, in_second, displaced, refused = map(float, fact(printed, OURS))
    assert (connections, bytes_each, refused) == (999_424, 64.0, 0)  # 64 bytes are a promise of the table's
    assert 0 < displaced < in_second < 100


def test_a_table_that_expired_is_filled_again(run):
    """The sweep takes five repetitions for the whole of it."""
    found, _ = run(f"^{OURS}/expired", 6)
    cell = found.cells[OURS, "expired"]
    assert not cell.error
    assert len(cell.cycles) == 6


def test_a_state_is_the_same_in_every_run(run):
    runs = [fact(run(f"^{OURS}/promoted", 1)[1], OURS) for _ in range(2)]
    assert runs[0][3:5] == runs[1][3:5]  # the parts in second buckets, and displaced
