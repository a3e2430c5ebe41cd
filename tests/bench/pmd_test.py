"""bench/pmd runs and its counts are right: for a moment, and whatever the figures are."""

import json
import os
import pathlib
import subprocess
import sys

import pytest

import results

ROOT = pathlib.Path(__file__).resolve().parents[2]
PORTS = ("net_null, 1 worker", "net_ring, 2 workers" if len(os.sched_getaffinity(0)) > 1 else "net_ring, 1 worker")


@pytest.fixture
def pmd_bench() -> pathlib.Path:
    return pathlib.Path(os.environ["PMD_BENCH"])


def run(program: pathlib.Path, out: pathlib.Path, *options: str) -> subprocess.CompletedProcess:
    words = [sys.executable, str(ROOT / "bench" / "pmd" / "run.py"), str(program), os.environ["TESTPMD_PRELOAD"], str(out), *options]
    return subprocess.run(words, capture_output=True, text=True, timeout=100)


def test_synward_answers_every_syn_and_testpmd_forwards_the_same_flood(pmd_bench, tmp_path):
    ended = run(pmd_bench, tmp_path / "pmd.json", "--rounds", "1", "--milliseconds", "50", *(word for name in PORTS for word in ("--only", name)))
    assert ended.returncode == 0, ended.stderr
    found = results.read(tmp_path / "pmd.json")
    assert tuple(found.columns) == PORTS
    assert len(found.rows) == 3
    assert all(len(cell.cycles) == 1 and cell.figure > 0 for cell in found.cells.values())


def test_an_unanswered_syn_is_told_not_measured(pmd_bench, tmp_path):
    """As a program would say it in whose counters one SYN lacks."""
    liar = tmp_path / "pmd_bench"
    line = {"received": 100, "sent": 100, "cycles": 1, "tsc_hz": 1, "dpdk": "", "compiler": "", "problem": "of 100 SYNs 99 were answered"}
    liar.write_text(f"#!/bin/sh\necho 'pmd: {json.dumps(line)}' >&2\n")
    liar.chmod(0o755)
    ended = run(liar, tmp_path / "pmd.json", "--rounds", "1", "--milliseconds", "50", "--only", PORTS[0])
    assert ended.returncode == 1
    assert "of 100 SYNs 99 were answered" in ended.stderr
    assert not (tmp_path / "pmd.json").exists()
