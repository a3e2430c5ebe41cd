"""The C++ sources of the tree and what they include: shared by the checks of this folder."""

import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parents[2]
FOLDERS = ("dataplane", "control", "config", "bench", "tests")

_INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*(["<])([^">]+)[">]', re.MULTILINE)


def cpp_files(root: pathlib.Path = ROOT) -> list[pathlib.Path]:
    """Every .hpp and .cpp below the code's folders, as paths from the root, sorted."""
    files = [f for folder in FOLDERS for f in (root / folder).rglob("*.[hc]pp")]
    return sorted(f.relative_to(root) for f in files)


def includes(text: str) -> list[tuple[int, bool, str]]:
    """(line, quoted, name) of every #include in `text`."""
    return [(text.count("\n", 0, m.start()) + 1, m[1] == '"', m[2]) for m in _INCLUDE.finditer(text)]
