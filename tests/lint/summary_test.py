"""The summary counts what the records say, and takes nothing that did not run for a success."""

import json
import pathlib

import pytest

import summary

PASSED = '<testsuites><testsuite><testcase name="Ok" classname="Suite" status="run"/></testsuite></testsuites>'
FAILED = PASSED.replace("<testsuite>", '<testsuite><testcase name="Bad" classname="Suite"><failure/></testcase>')
SKIPPED = PASSED.replace("<testsuite>", '<testsuite><testcase name="No" classname="Suite"><skipped/></testcase>')


@pytest.fixture
def tree(tmp_path: pathlib.Path) -> pathlib.Path:
    (tmp_path / "meson-logs").mkdir()
    (tmp_path / "test-results").mkdir()
    (tmp_path / "test-results" / "exit-status").write_text("0\n")
    return tmp_path


def record(tree: pathlib.Path, name: str, xml: str | None, result: str = "OK") -> None:
    row = {"name": f"synward:unit / {name}", "stdout": f"output of {name}", "result": result, "duration": 0.1, "returncode": -11}
    with open(tree / "meson-logs" / "testlog.json", "a") as log:
        log.write(json.dumps(row) + "\n")
    if xml is not None:
        (tree / f"{name}.xml").write_text(xml)


def last_line(tree: pathlib.Path, capsys: pytest.CaptureFixture) -> tuple[int, str]:
    status = summary.main([str(tree)])
    return status, capsys.readouterr().out.splitlines()[-1]


def test_cases_are_counted_one_by_one(tree, capsys):
    record(tree, "unit-a", PASSED)
    record(tree, "unit-b", PASSED)
    assert last_line(tree, capsys) == (0, "2 passed, 0 failed")


def test_a_failed_case_fails_the_run(tree, capsys):
    record(tree, "unit-a", FAILED, "FAIL")
    assert last_line(tree, capsys) == (1, "1 passed, 1 failed")


def test_a_crash_counts_as_failed(tree, capsys):
    record(tree, "unit-a", None, "FAIL")
    assert last_line(tree, capsys) == (1, "0 passed, 1 failed")


def test_a_program_that_leaves_no_record_counts_as_failed(tree, capsys):
    record(tree, "unit-a", None)
    assert last_line(tree, capsys) == (1, "0 passed, 1 failed")


def test_a_leak_reported_after_the_last_case_counts_as_failed(tree, capsys):
    record(tree, "unit-a", PASSED, "FAIL")
    assert last_line(tree, capsys) == (1, "1 passed, 1 failed")


def test_a_record_cut_short_counts_as_failed(tree, capsys):
    record(tree, "unit-a", PASSED[:40], "FAIL")
    assert last_line(tree, capsys) == (1, "0 passed, 1 failed")


def test_a_skipped_case_counts_as_failed(tree, capsys):
    record(tree, "unit-a", SKIPPED)
    assert last_line(tree, capsys) == (1, "1 passed, 1 failed")


def test_a_program_without_cases_counts_as_failed(tree, capsys):
    record(tree, "unit-a", "<testsuites/>")
    assert last_line(tree, capsys) == (1, "0 passed, 1 failed")


def test_no_programs_at_all_is_a_failure(tree, capsys):
    assert last_line(tree, capsys) == (1, "0 passed, 1 failed")


def test_a_run_that_broke_off_is_a_failure(tree, capsys):
    record(tree, "unit-a", PASSED)
    (tree / "test-results" / "exit-status").write_text("2\n")
    assert last_line(tree, capsys) == (1, "1 passed, 1 failed")


def test_output_of_a_failed_program_is_shown(tree, capsys):
    record(tree, "unit-a", FAILED, "FAIL")
    summary.main([str(tree)])
    out = capsys.readouterr().out
    assert "output of unit-a" in out and "FAILED" in out and "Suite.Bad" in out
