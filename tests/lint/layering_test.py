"""The include check finds what it promises to find, and passes what it promises to pass."""

import pathlib

import pytest

import layering


def plant(root: pathlib.Path, path: str, *lines: str) -> list[str]:
    """Writes `path` below `root` and returns what the check says about it, without the place."""
    file = root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("\n".join(lines) + "\n")
    return layering.check_file(path, root)


@pytest.fixture
def tree(tmp_path: pathlib.Path) -> pathlib.Path:
    headers = ("wire/tcp", "cookie/cookie", "table/connection", "stages/stages", "burst", "worker", "nic/port")
    for path in [f"dataplane/{name}.hpp" for name in headers] + ["bench/load/flood.hpp", "config/config.hpp"]:
        assert plant(tmp_path, path, "#pragma once") == []
    return tmp_path


@pytest.mark.parametrize(
    "path, include",
    [
        ("dataplane/wire/ipv4.cpp", '"dataplane/cookie/cookie.hpp"'),
        ("dataplane/cookie/mint.cpp", '"dataplane/table/connection.hpp"'),
        ("dataplane/table/sweep.cpp", '"dataplane/burst.hpp"'),
        ("dataplane/stages/reject.cpp", '"config/config.hpp"'),
        ("dataplane/stages/reject.cpp", '"dataplane/nic/port.hpp"'),
        ("dataplane/burst.cpp", '"dataplane/stages/stages.hpp"'),
        ("dataplane/pipeline.cpp", '"dataplane/worker.hpp"'),
        ("control/launch.cpp", '"bench/load/flood.hpp"'),
        ("config/load.cpp", '"dataplane/table/connection.hpp"'),
    ],
)
def test_an_include_that_points_up_is_found(tree: pathlib.Path, path: str, include: str):
    (problem,) = plant(tree, path, "// one line above", f"#include {include}")
    assert problem.startswith(f"{path}:2: ") and "may not include" in problem


@pytest.mark.parametrize(
    "path, include",
    [
        ("dataplane/cookie/cookie.cpp", '"dataplane/cookie/cookie.hpp"'),
        ("dataplane/cookie/cookie.cpp", '"dataplane/wire/tcp.hpp"'),
        ("dataplane/stages/reject.cpp", '"dataplane/burst.hpp"'),
        ("dataplane/accept/queue.cpp", '"dataplane/table/connection.hpp"'),
        ("dataplane/worker.cpp", '"dataplane/nic/port.hpp"'),
        ("dataplane/worker.cpp", "<rte_ring.h>"),
        ("control/launch.cpp", '"config/config.hpp"'),
        ("tests/unit/flood_test.cpp", '"bench/load/flood.hpp"'),
        ("dataplane/wire/ipv4.cpp", "<array>"),
    ],
)
def test_an_include_that_points_down_passes(tree: pathlib.Path, path: str, include: str):
    assert plant(tree, path, f"#include {include}") == []


@pytest.mark.parametrize("include", ["<rte_mbuf.h>", '"rte_mbuf.h"'])
@pytest.mark.parametrize("path", ["dataplane/stages/tx.cpp", "dataplane/steering.cpp", "config/load.cpp"])
def test_dpdk_outside_its_folders_is_found(tree: pathlib.Path, path: str, include: str):
    (problem,) = plant(tree, path, f"#include {include}")
    assert "DPDK stays in" in problem


def test_an_include_that_is_not_rooted_is_found(tree: pathlib.Path):
    (problem,) = plant(tree, "dataplane/wire/ipv4.cpp", '#include "tcp.hpp"')
    assert "includes are rooted there" in problem


def test_a_header_without_pragma_once_is_found(tree: pathlib.Path):
    (problem,) = plant(tree, "dataplane/wire/ipv4.hpp", "struct Ipv4Header;")
    assert "#pragma once" in problem


def test_a_folder_without_a_row_is_found(tree: pathlib.Path):
    (problem,) = plant(tree, "dataplane/helpers/util.cpp", "int x;")
    assert "no row of the table" in problem


def test_the_whole_tree_is_checked(tree: pathlib.Path, capsys: pytest.CaptureFixture):
    assert layering.main(tree) == 0
    plant(tree, "dataplane/wire/ipv4.cpp", '#include "dataplane/worker.hpp"')
    assert layering.main(tree) == 1
    assert "dataplane/wire/ipv4.cpp:1" in capsys.readouterr().out
