"""What is made of the micro-benchmarks' JSON: the comparison of two runs, and the plot."""

import json
import pathlib
import xml.etree.ElementTree
from collections.abc import Callable

import pytest

import bars
import compare
import plot
import results

SVG = "{http://www.w3.org/2000/svg}"
Write = Callable[..., pathlib.Path]


def run(row: str, column: str, family: int, **figures: object) -> dict:
    """One repetition, as Google Benchmark writes it."""
    return {"run_name": f"{row}/{column}/manual_time", "run_type": "iteration", "family_index": family, **figures}


@pytest.fixture
def write(tmp_path: pathlib.Path) -> Write:
    """Makes a file of results in which row "a" took `a`, in as many repetitions, and row "b" the same again and again."""

    def made(name: str, a: list[float], **context: str) -> pathlib.Path:
        runs = [run("b", "L2", 1, cycles=40.0, F=4.0)] * 3
        runs += [run("a", column, 0, cycles=10 * factor, F=factor) for factor in a for column in ("L2", "L3")]
        runs += [run("packets/s", "any", 2, items_per_second=1e8), run("bad", "L2", 3, error_occurred=True, error_message="a wrong verdict")]
        runs += [{**run("a", "L2", 0, cycles=1e9), "run_type": "aggregate"}]
        path = tmp_path / f"{name}.json"
        path.write_text(json.dumps({"context": {"cpu": "a CPU", "tsc_hz": "2e9", "compiler": "x", **context}, "benchmarks": runs}))
        return path

    return made


def line_of(text: str, *words: str) -> str:
    return next(line for line in text.splitlines() if all(word in line.split() for word in words))


def test_every_repetition_is_read_and_rows_stand_as_they_were_registered(write):
    found = results.read(write("some", [1.0, 3.0, 2.0]))
    assert found.rows == ["a", "b", "packets/s", "bad"]
    assert found.columns == ["L2", "L3", "any"]
    assert found.cells["a", "L3"].cycles == [10, 30, 20]
    assert found.cells["a", "L3"].figure == 2
    assert found.cells["packets/s", "any"].cycles == [20]
    assert found.cells["bad", "L2"].error == "a wrong verdict"


def test_what_google_benchmark_appends_is_no_part_of_a_name(tmp_path):
    path = tmp_path / "x.json"
    runs = [{**run("", "", 0, cycles=1), "run_name": "stage/a/b/iterations:500/manual_time"}]
    path.write_text(json.dumps({"context": {}, "benchmarks": runs}))
    assert list(results.read(path).cells) == [("stage/a", "b")]


def test_only_changes_beyond_the_noise_are_marked(write, capsys):
    # The repetitions lie 10 % apart.
    old = write("old", [1.0, 1.05, 0.95])
    for name, repetitions, mark in (("new", [1.05, 1.06, 1.04], None), ("slow", [1.2, 1.25, 1.15], "slower"), ("fast", [0.8, 0.79, 0.81], "faster")):
        assert compare.main([str(old), str(write(name, repetitions))]) == 0
        said = capsys.readouterr().out
        for column in ("L2", "L3"):
            assert [word for word in ("slower", "faster") if word in line_of(said, "a", column).split()] == ([mark] if mark else [])
        assert "within the noise" in said.splitlines()[-1]
        assert "not the same machine" not in said


def test_a_single_repetition_knows_no_noise(write, capsys):
    compare.main([str(write("old", [1.0])), str(write("new", [9.0]))])
    assert line_of(capsys.readouterr().out, "a", "L2").split()[-2:] == ["9.00", "?"]


def test_another_machine_and_rows_of_one_run_only_are_told(write, capsys):
    old, new = write("old", [1.0]), write("new", [1.0], cpu="another CPU")
    record = json.loads(new.read_text())
    record["benchmarks"] = [run("c", "L2", 0, cycles=1.0)]
    new.write_text(json.dumps(record))
    compare.main([str(old), str(new)])
    said = capsys.readouterr().out
    assert "another CPU" in said
    assert line_of(said, "c", "L2").endswith("new") and line_of(said, "b", "L2").endswith("gone")


def test_folders_are_compared_program_by_program(write, tmp_path, capsys):
    for folder in ("before", "after"):
        (tmp_path / folder).mkdir()
        for name in ("one", "two"):
            write(name, [1.0, 1.0, 1.0]).rename(tmp_path / folder / f"{name}.json")
    folders = [str(tmp_path / "before"), str(tmp_path / "after")]
    assert compare.main(folders) == 0
    assert [line.split(":")[0] for line in capsys.readouterr().out.splitlines() if "new/old" in line] == ["one", "two"]
    assert compare.main([*folders, "two"]) == 0
    assert [line.split(":")[0] for line in capsys.readouterr().out.splitlines() if "new/old" in line] == ["two"]
    assert compare.main([*folders, "three"]) == 1


def test_a_file_without_results_is_named(tmp_path, capsys):
    (tmp_path / "cut.json").write_text('{"context": {')
    assert compare.main([str(tmp_path / "cut.json")] * 2) == 1
    assert plot.main([str(tmp_path / "cut.json"), str(tmp_path / "x.svg")]) == 1
    assert capsys.readouterr().err.count("cut.json holds no results") == 2


def test_the_plot_has_a_bar_for_each_row_that_has_a_figure(write, tmp_path):
    svg = tmp_path / "plot.svg"
    assert plot.main([str(write("some", [1.0, 3.0, 2.0])), str(svg)]) == 0
    drawn = xml.etree.ElementTree.parse(svg).getroot()
    texts = [text.text for text in drawn.iter(SVG + "text")]
    assert {"a", "b", "packets/s", "L2", "L3", "a wrong verdict", "some: TSC cycles per packet"} <= set(texts)
    background, *bars = drawn.iter(SVG + "rect")
    assert background.get("fill") == "white"
    assert sorted(float(bar.get("width")) / plot.BARS for bar in bars) == [0.5, 0.5, 0.5, 1]  # a, a, packets/s: 20; b: 40
    assert not list(drawn.iter(SVG + "path"))


def test_the_plot_is_in_units_of_f_where_all_rows_have_them_and_marks_the_older_run(write, tmp_path):
    files = []
    for name, factor in (("old", 1.0), ("new", 2.0)):
        files.append(write(name, [factor]))
        record = json.loads(files[-1].read_text())
        record["benchmarks"] = [each for each in record["benchmarks"] if "F" in each]
        files[-1].write_text(json.dumps(record))
    assert plot.main([str(files[1]), str(tmp_path / "plot.svg"), str(files[0])]) == 0
    drawn = xml.etree.ElementTree.parse(tmp_path / "plot.svg").getroot()
    texts = [text.text for text in drawn.iter(SVG + "text")]
    assert "new: times F, the floor, per packet (F: the least that any answer costs)" in texts
    assert "2.0 F, 20 cycles" in texts
    assert len(list(drawn.iter(SVG + "path"))) == 1 + 3  # the legend's, and one for each bar


@pytest.mark.parametrize(("most", "expected"), [(1, 0.2), (13, 2), (83, 20), (480, 100), (0.3, 0.05)])
def test_scales_have_round_steps(most, expected):
    assert plot.step(most) == pytest.approx(expected)


def test_panels_of_bars_share_their_rows_and_say_where_nothing_was_measured(tmp_path):
    svg = tmp_path / "bars.svg"
    panels = [bars.Panel("%", {"nothing": [0.0], "synward": [90.0, 100.0, 95.0]}), bars.Panel("ms", {"nothing": [], "synward": [4.0], "cost, synward": [8.0]})]
    bars.draw("Clients", "some machine", panels, svg)
    drawn = xml.etree.ElementTree.parse(svg).getroot()
    texts = [text.text for text in drawn.iter(SVG + "text")]
    assert {"Clients", "some machine", "%", "ms", "nothing", "synward", "cost, synward", "95", "4", "8"} <= set(texts)
    assert texts.count("-") == 1
    widths = {float(path.get("width")) / plot.BARS for path in drawn.iter(SVG + "rect") if path.get("fill") in (plot.OURS, plot.PEERS)}
    assert widths == {0.0, 1.0, 0.5}
