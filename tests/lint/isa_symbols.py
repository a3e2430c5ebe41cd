"""Refuses weak symbols in the objects of files built for one instruction set.

usage: isa_symbols.py TREE...

An inline function or template that such a file instantiates is a weak symbol, compiled with the file's own -march;
the linker may keep that copy for the whole program, which then dies on a CPU without the instructions.
"""

import pathlib
import re
import subprocess
import sys

ISA_OBJECT = re.compile(r"_(aesni|vaes|avx2|avx512\w*)\.cpp\.o$")


def weak_symbols(nm_output: str) -> list[str]:
    """The demangled names of the weak definitions in the output of `nm -C`: W and V with an address, and u."""
    return re.findall(r"^[0-9a-f]+ [WVu] (.+)$", nm_output, re.MULTILINE)


def main(trees: list[str]) -> int:
    bad = 0
    for tree in trees:
        for path in sorted(pathlib.Path(tree).rglob("*.o")):
            if not ISA_OBJECT.search(path.name):
                continue
            listing = subprocess.run(["nm", "-C", path], check=True, capture_output=True, text=True).stdout
            for symbol in weak_symbols(listing):
                print(f"{path}: weak symbol {symbol}: give it internal linkage")
                bad += 1
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
