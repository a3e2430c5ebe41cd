"""Runs clang-tidy over every source of a tree's compile database, in parallel; unchanged files cost nothing.

usage: tidy.py TREE

A file is clean until it, a project header that it reaches, its compile command or .clang-tidy changes: the hash of all
of these names a stamp under build/tidy.
"""

import concurrent.futures
import hashlib
import json
import os
import pathlib
import subprocess
import sys

from sources import FOLDERS, ROOT, includes

STAMPS = ROOT / "build" / "tidy"


def closure(path: pathlib.Path, seen: set[pathlib.Path]) -> set[pathlib.Path]:
    """`path` and every file of the project that it includes, directly or not."""
    if path in seen or not path.is_file():
        return seen
    seen.add(path)
    for _, quoted, name in includes(path.read_text()):
        if quoted:
            closure(ROOT / name, seen)
    return seen


def stamp(source: pathlib.Path, command: str) -> pathlib.Path:
    digest = hashlib.sha256(command.encode())
    configs = sorted(parent / ".clang-tidy" for parent in source.parents if (parent / ".clang-tidy").is_file())
    for path in sorted(closure(source, set())) + configs:
        digest.update(path.read_bytes())
    return STAMPS / digest.hexdigest()


def tidy(tree: str, source: pathlib.Path) -> str:
    """clang-tidy's findings, empty when there are none."""
    command = ["clang-tidy", "--quiet", "-p", tree, str(source)]
    result = subprocess.run(command, capture_output=True, text=True, timeout=300)
    return "" if result.returncode == 0 else result.stdout or result.stderr


def main(tree: str) -> int:
    work = {}
    for entry in json.loads((pathlib.Path(tree) / "compile_commands.json").read_text()):
        source = (pathlib.Path(entry["directory"]) / entry["file"]).resolve()
        if source.is_relative_to(ROOT) and source.relative_to(ROOT).parts[0] in FOLDERS:
            mark = stamp(source, entry["command"])
            if not mark.exists():
                work[source] = mark
    STAMPS.mkdir(parents=True, exist_ok=True)
    failed = 0
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        findings = pool.map(lambda source: tidy(tree, source), work)
        for (source, mark), finding in zip(work.items(), findings):
            if finding:
                print(finding)
                failed += 1
            else:
                mark.touch()
    print(f"clang-tidy: {len(work)} files looked at, {failed} with findings")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
