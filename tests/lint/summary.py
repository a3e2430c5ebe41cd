"""Adds up what the test programs of one or more build trees recorded, case by case.

usage: summary.py TREE...

Reads the records themselves (gtest's and pytest's XML, meson's log), not the runners' closing lines: a program that
crashed, ran nothing or skipped a case counts as failed. The last line is "N passed, N failed".
"""

import dataclasses
import json
import pathlib
import sys
import xml.etree.ElementTree

SHOWN_LINES = 200  # of a failed program's output


@dataclasses.dataclass
class Program:
    """One meson test: how many of its cases passed, and why the others did not."""

    name: str
    seconds: float
    output: str
    passed: int = 0
    failures: list[str] = dataclasses.field(default_factory=list)


def count_cases(program: Program, record: pathlib.Path) -> None:
    """Fills in `program` from a JUnit-style file, as gtest and pytest write it."""
    try:
        cases = list(xml.etree.ElementTree.parse(record).iter("testcase"))
    except xml.etree.ElementTree.ParseError as error:
        program.failures.append(f"{record.name} is not whole: {error}")
        return
    for case in cases:
        name = f"{case.get('classname', '')}.{case.get('name')}"
        skipped = case.find("skipped") is not None or case.get("status") == "notrun"
        if case.find("failure") is not None or case.find("error") is not None:
            program.failures.append(name)
        elif skipped:
            program.failures.append(f"{name} (skipped; a test here runs or fails)")
        else:
            program.passed += 1
    if not cases:
        program.failures.append("ran no test")


def read_program(tree: pathlib.Path, log: dict) -> Program:
    output = (log.get("stdout") or "") + (log.get("stderr") or "")
    name = log["name"].rsplit(" / ")[-1]  # meson logs "project:suite / name"
    program = Program(name, log["duration"], output)
    records = [tree / f"{name}.xml", tree / "test-results" / f"{name}.xml"]  # where gtest and pytest were told to write
    for record in filter(pathlib.Path.exists, records):
        count_cases(program, record)
    if log["result"] != "OK" and not program.failures:
        program.failures.append(f"{log['result']}, return code {log['returncode']}, with no case to blame")
    if not program.passed and not program.failures:
        program.failures.append("left no record of its cases")
    return program


def read_tree(tree: pathlib.Path) -> list[Program]:
    log = tree / "meson-logs" / "testlog.json"
    lines = log.read_text().splitlines() if log.exists() else []
    programs = [read_program(tree, json.loads(line)) for line in lines]
    status = tree / "test-results" / "exit-status"
    meson_failed = not status.exists() or status.read_text().strip() != "0"
    if not programs or (meson_failed and not any(p.failures for p in programs)):
        programs.append(Program("meson test", 0, "", failures=["did not run to its end"]))
    return programs


def report(tree: pathlib.Path, programs: list[Program]) -> None:
    for program in programs:
        if not program.failures:
            continue
        print(f"---- {tree.name}: {program.name}: output, last {SHOWN_LINES} lines")
        print("\n".join(program.output.splitlines()[-SHOWN_LINES:]))
        for failure in program.failures:
            print(f"FAILED {tree.name}: {program.name}: {failure}")
    cases = sum(p.passed + len(p.failures) for p in programs)
    print(f"{tree}: {cases} cases in {len(programs)} programs, {sum(p.seconds for p in programs):.1f} s")


def main(trees: list[str]) -> int:
    passed = failed = 0
    for tree in map(pathlib.Path, trees):
        programs = read_tree(tree)
        report(tree, programs)
        passed += sum(p.passed for p in programs)
        failed += sum(len(p.failures) for p in programs)
    print(f"{passed} passed, {failed} failed")
    return 0 if passed and not failed else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
