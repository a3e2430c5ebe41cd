"""bench/wire runs: every contestant starts and answers at its end of the wire, whatever the figures are."""

import importlib.util
import os
import pathlib

import pytest

TREE = pathlib.Path(os.environ["BUILD_ROOT"])


@pytest.fixture
def bench(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch):
    """With rates that any machine has time for."""
    source = pathlib.Path(__file__).resolve().parents[2] / "bench" / "wire" / "run.py"
    spec = importlib.util.spec_from_file_location("wire_run", source)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    if len(module.CPUS) < 2:
        pytest.fail("this wants two processors")
    small = {"SYN_RATES": (20_000.0,), "HANDSHAKE_RATES": (100,), "GOODPUT_SYN_RATES": (0, 10_000.0), "GOODPUT_CLIENTS": 100}
    for name, value in small.items():
        monkeypatch.setattr(module, name, value)
    return module.Bench(TREE, tmp_path, 0.5)


def test_each_contestant_answers_what_comes(bench, capsys):
    bench.syns()
    assert {column for _, column, _ in bench.found} == {
        f"{name}, {family}" for name in ("synward", "scalar responder", "testpmd macswap") for family in ("IPv4", "IPv6")
    }
    for key, [figure] in bench.found.items():
        assert 0.5 * 0.02 < figure < 1.5 * 0.02, key
    bench.print_tables()
    assert "| 0.02 M/s | 0.0" in capsys.readouterr().out


def test_connections_are_served_by_synward_and_through_it(bench):
    bench.handshakes()
    bench.goodput()
    assert len([column for what, column, _ in bench.found if what.startswith("connections")]) == 4
    for (what, column, _), [figure] in bench.found.items():
        if what.startswith("connections"):
            assert figure == pytest.approx(0.1, rel=0.5), column
        elif column.startswith("served"):
            assert figure > 90, column
        elif column.startswith("Mbit/s"):
            assert figure == pytest.approx(8, rel=0.5), "100 answers a second, of 10,000 bytes"


def test_who_does_not_start_is_named(bench, tmp_path):
    with pytest.raises(Exception, match="does not start: sorry"):
        bench.load(["sh", "-c", "echo sorry; exit 1"], 1)
