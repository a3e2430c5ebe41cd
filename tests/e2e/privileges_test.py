"""What is left of root's powers once synward runs, and that all that it does later is done without the others."""

import os
import pathlib
import re
import shutil
import subprocess

import pytest

import endpoint
from endpoint import SERVERS, over_veth
from lab import Lab
from namespaces import RUN_SECONDS
from synward import Synward, binary

# linux/capability.h
CHOWN, DAC_OVERRIDE, DAC_READ_SEARCH, NET_ADMIN, NET_RAW, IPC_LOCK, SYS_NICE = 0, 1, 2, 12, 13, 14, 23
ALWAYS = {CHOWN, NET_ADMIN, NET_RAW, IPC_LOCK, SYS_NICE}
NOBODY = 65534


def capabilities(status: str, which: str) -> set[int]:
    bits = int(re.search(rf"^{which}:\s*(\w+)$", status, re.MULTILINE)[1], 16)
    return {number for number in range(64) if bits >> number & 1}


def expect_left(synward: Synward, wanted: set[int]) -> None:
    """Of each of its threads, whoever made it."""
    threads = list(pathlib.Path(f"/proc/{synward.process.pid}/task").iterdir())
    assert len(threads) > 3
    for thread in threads:
        status = (thread / "status").read_text()
        for which in ("CapEff", "CapPrm", "CapBnd"):
            assert capabilities(status, which) == wanted, f"{which} of {thread}"
        assert not capabilities(status, "CapInh") and not capabilities(status, "CapAmb")
        assert re.search(r"^NoNewPrivs:\s*1$", status, re.MULTILINE)


def ask(synward: Synward, *words: str) -> subprocess.CompletedProcess:
    return subprocess.run([binary(), *words, "--socket", str(synward.socket)], capture_output=True, text=True, timeout=RUN_SECONDS)


def test_what_is_left_is_enough(lab: Lab) -> None:
    node = over_veth(lab, endpoint.config())
    expect_left(node.synward, ALWAYS)
    assert re.search(r"privileges: \d+ capabilities given up; left are cap_chown,cap_net_admin,", node.synward.log.read_text())
    for words in (("port", "reset", "outside"), ("reload",)):
        done = ask(node.synward, *words)
        assert done.returncode == 0, done.stderr
    for address in SERVERS:
        node.connect(address).close()
    node.stop(connections=0, maybe=("spent_cookie",))


@pytest.fixture
def foreign(tmp_path: pathlib.Path) -> pathlib.Path:
    """A folder that only another user may look into."""
    folder = tmp_path / "foreign"
    folder.mkdir(mode=0o700)
    yield folder
    shutil.rmtree(folder)


def test_files_of_another_user_are_read_and_written_as_before(lab: Lab, foreign: pathlib.Path) -> None:
    """Root's number alone opens none of them: what opens them is kept, and no more."""
    os.chown(foreign, NOBODY, NOBODY)
    node = lab.namespace("synward")
    with Synward(node, foreign, endpoint.config(device="net_null0,no-rx=1")) as synward:
        expect_left(synward, ALWAYS | {DAC_OVERRIDE, DAC_READ_SEARCH})
        synward.config.write_text(synward.config.read_text() + "\n# changed\n")
        assert ask(synward, "reload").returncode == 0
        synward.stop()


def test_a_user_without_powers_keeps_none(lab: Lab) -> None:
    node = lab.namespace("synward")
    words = ("setpriv", "--bounding-set=-all", "--inh-caps=-all", "--ambient-caps=-all", "--")
    with Synward(node, lab.folder, endpoint.config(device="net_null0,no-rx=1"), wrapper=words) as synward:
        expect_left(synward, set())
        assert "privileges:" not in synward.log.read_text()
        synward.stop()
