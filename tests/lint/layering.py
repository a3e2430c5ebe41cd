"""Refuses an include that points up. The table below is the whole rule; STYLE says why.

usage: layering.py [ROOT]
"""

import pathlib
import sys

from sources import ROOT, cpp_files, includes

LEAVES = ["dataplane/wire", "dataplane/crypto"]
OVER_LEAVES = LEAVES + ["dataplane/cookie", "dataplane/simd", "dataplane/handshake", "dataplane/service", "dataplane/table"]
# What every stage sees of its packets and its core: the plain headers beside the pipeline.
SHARED = ["dataplane/" + name for name in ("enum_table", "event", "route", "drop", "burst", "counters", "steering", "gauge", "timing", "budget",
                                          "stray_memory", "link_path", "prefix_budget", "overload", "shed_memory", "promise_words", "client_prefix",
                                          "secret_random", "service_counters", "talkers", "trace", "policy", "core_state")]
BELOW_STAGES = OVER_LEAVES + SHARED + ["dataplane/accept", "dataplane/proxy"]
BELOW_WORKER = BELOW_STAGES + ["dataplane/stages", "dataplane/pipeline", "dataplane/housekeeping", "dataplane/nic"]
BELOW_CONTROL = BELOW_WORKER + ["dataplane/worker", "config"]

# What a folder, or a file by its path without its ending, may include besides itself. The longest name that fits counts.
MAY_INCLUDE = {
    "dataplane/wire": [],
    "dataplane/crypto": [],
    "dataplane/cookie": LEAVES,
    "dataplane/simd": LEAVES + ["dataplane/cookie", "dataplane/table"],
    "dataplane/handshake": LEAVES,
    "dataplane/service": LEAVES,
    "dataplane/table": LEAVES,
    "dataplane/accept": LEAVES + ["dataplane/handshake", "dataplane/table"],
    "dataplane/proxy": OVER_LEAVES + SHARED,
    "dataplane/enum_table": [],
    "dataplane/event": SHARED,
    "dataplane/burst": OVER_LEAVES + SHARED,
    "dataplane/route": OVER_LEAVES + SHARED,
    "dataplane/drop": OVER_LEAVES + SHARED,
    "dataplane/counters": OVER_LEAVES + SHARED,
    "dataplane/gauge": SHARED,
    "dataplane/timing": SHARED,
    "dataplane/budget": [],
    "dataplane/client_prefix": LEAVES,
    "dataplane/secret_random": [],
    "dataplane/service_counters": OVER_LEAVES + SHARED,
    "dataplane/talkers": LEAVES + SHARED,
    "dataplane/stray_memory": OVER_LEAVES,
    "dataplane/shed_memory": [],
    "dataplane/link_path": LEAVES,
    "dataplane/prefix_budget": LEAVES + SHARED + ["dataplane/table"],
    "dataplane/overload": OVER_LEAVES + SHARED,
    "dataplane/promise_words": OVER_LEAVES + ["dataplane/proxy"],
    "dataplane/trace": OVER_LEAVES + SHARED,
    "dataplane/policy": OVER_LEAVES + SHARED,
    "dataplane/core_state": BELOW_STAGES,
    "dataplane/stages": BELOW_STAGES,
    "dataplane/pipeline": BELOW_STAGES + ["dataplane/stages"],
    "dataplane/housekeeping": BELOW_STAGES + ["dataplane/stages"],
    "dataplane/steering": ["dataplane/wire"],
    "dataplane/nic": OVER_LEAVES + SHARED,
    "dataplane/worker": BELOW_WORKER,
    "config": ["dataplane/wire"],
    "control": BELOW_CONTROL,
    "bench": BELOW_CONTROL + ["control"],
    "tests": BELOW_CONTROL + ["control", "bench"],
}
MAY_USE_DPDK = ["dataplane/nic", "dataplane/service", "dataplane/worker", "control", "bench", "tests"]


def is_under(path: str, part: str) -> bool:
    """Whether `path` is the file `part`.hpp or .cpp, or lies in the folder `part`."""
    return path.startswith(part + "/") or path.rsplit(".", 1)[0] == part


def part_of(path: str) -> str | None:
    """The row of the table that `path` belongs to."""
    return max((part for part in MAY_INCLUDE if is_under(path, part)), key=len, default=None)


def check_include(path: str, quoted: bool, name: str, root: pathlib.Path) -> str | None:
    """What is wrong with `path` including `name`, or None."""
    if pathlib.PurePath(name).name.startswith("rte_"):
        if not any(is_under(path, part) for part in MAY_USE_DPDK):
            return f"<{name}>: DPDK stays in {', '.join(MAY_USE_DPDK)}"
        return None
    if not quoted:
        return None
    if not (root / name).is_file():
        return f'"{name}": there is no such file below the root; includes are rooted there'
    own, other = part_of(path), part_of(name)
    if other is None:
        return f'"{name}": belongs to no row of the table in tests/lint/layering.py'
    if other != own and other not in MAY_INCLUDE[own]:
        return f'"{name}": {own} may not include {other}'
    return None


def check_file(path: str, root: pathlib.Path) -> list[str]:
    """Every breach in one file, as "path:line: what is wrong"."""
    text = (root / path).read_text()
    if part_of(path) is None:
        return [f"{path}:1: belongs to no row of the table in tests/lint/layering.py"]
    found = []
    if path.endswith(".hpp") and "#pragma once" not in text:
        found.append(f"{path}:1: a header without #pragma once")
    for line, quoted, name in includes(text):
        problem = check_include(path, quoted, name, root)
        if problem:
            found.append(f"{path}:{line}: {problem}")
    return found


def main(root: pathlib.Path) -> int:
    problems = [p for path in cpp_files(root) for p in check_file(path.as_posix(), root)]
    print("\n".join(problems), end="\n" if problems else "")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT))
