"""Checks that tests/README.md answers every trap, and that every test it names exists.

usage: traps.py [ROOT]

A row is "| number | what goes wrong | tests |". The last cell names tests in backquotes, `Suite.Name` (a row of a
table test: `Suite.Name/Row`) or `file.py::name`, or says "limit: ..." or "later: ...".
"""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
TRAPS = 40

_GTEST = re.compile(r"\b(?:TYPED_)?TEST(?:_F|_P)?\(\s*(\w+),\s*(\w+)\s*\)")
_PYTEST = re.compile(r"^ *def (test_\w+)\(", re.MULTILINE)
_ROW = re.compile(r"^\| *(\d+) *\| *(.+?) *\| *(.*?) *\|$", re.MULTILINE)
_NAMED = re.compile(r"`([\w./]+(?:\.\w+|::\w+)[\w/]*)`")


def existing_tests(root: pathlib.Path) -> dict[str, str]:
    """Every test's name, as the table spells it, with the text of the file that holds it."""
    found = {}
    for path in sorted((root / "tests").rglob("*.cpp")):
        text = path.read_text()
        found |= {f"{suite}.{name}": text for suite, name in _GTEST.findall(text)}
    for path in sorted((root / "tests").rglob("*_test.py")):
        text = path.read_text()
        found |= {f"{path.name}::{name}": text for name in _PYTEST.findall(text)}
    return found


def exists(name: str, tests: dict[str, str]) -> bool:
    test, _, row = name.partition("/")
    return test in tests and (not row or f'"{row}"' in tests[test])


def problems(readme: str, tests: dict[str, str]) -> list[str]:
    rows = {int(number): cell for number, _, cell in _ROW.findall(readme)}
    found = [f"trap {number}: no row" for number in range(1, TRAPS + 1) if number not in rows]
    for number, cell in sorted(rows.items()):
        named = _NAMED.findall(cell)
        found += [f"trap {number}: no test is called {name}" for name in named if not exists(name, tests)]
        if not named and not re.search(r"\b(limit|later): \w", cell):
            found.append(f"trap {number}: names no test, and says neither limit: nor later:")
    return found


def main(root: pathlib.Path) -> int:
    found = problems((root / "tests" / "README.md").read_text(), existing_tests(root))
    for problem in found:
        print(f"tests/README.md: {problem}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT))
