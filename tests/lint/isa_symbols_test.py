"""A weak symbol in a file built for one instruction set is found; the same code elsewhere is nobody's business."""

import pathlib
import subprocess

import isa_symbols

INLINE = "inline int twice(int x) { return 2 * x; }\nint (*use)(int) = &twice;\n"


def compile_as(tree: pathlib.Path, name: str, source: str) -> None:
    (tree / name).write_text(source)
    subprocess.run(["g++", "-c", "-O1", name, "-o", f"{name}.o"], cwd=tree, check=True, timeout=60)


def test_an_inline_function_in_an_isa_file_is_found(tmp_path, capsys):
    compile_as(tmp_path, "sum_avx2.cpp", INLINE)
    assert isa_symbols.main([str(tmp_path)]) == 1
    assert "twice(int)" in capsys.readouterr().out


def test_internal_linkage_passes(tmp_path):
    compile_as(tmp_path, "prf_aesni.cpp", INLINE.replace("inline", "static"))
    assert isa_symbols.main([str(tmp_path)]) == 0


def test_other_files_may_hold_weak_symbols(tmp_path):
    compile_as(tmp_path, "checksum.cpp", INLINE)
    assert isa_symbols.main([str(tmp_path)]) == 0
