"""`synward stats --watch`, as a person sees it: a table every second, and an end."""

import signal
import subprocess

import pytest

from namespaces import wait_until
from synward import IDLE, binary


@pytest.fixture
def watched(lab):
    """A synward that has nothing to do, somebody who watches it, and what he sees."""
    far, seen = lab.namespace("synward"), lab.folder / "seen.txt"
    synward = lab.synward(far, IDLE)
    with open(seen, "w") as out:
        watcher = far.start(binary(), "stats", "--watch", "--socket", str(synward.socket), stdout=out, stderr=out)
    wait_until(lambda: seen.read_text().count("Every frame is accounted for.") >= 2, "the second table", log=seen)
    return synward, watcher, seen


def test_watching_ends_with_ctrl_c_and_exit_code_0(watched):
    _, watcher, seen = watched
    watcher.send_signal(signal.SIGINT)
    assert watcher.wait(5) == 0
    assert "/s  rx" in seen.read_text()
    assert "\033" not in seen.read_text()


def test_watching_ends_with_synward_and_exit_code_1(watched):
    synward, watcher, seen = watched
    synward.stop()
    assert watcher.wait(5) == 1
    assert seen.read_text().endswith("(--socket, $SYNWARD_SOCKET)\n")


def test_nobody_to_watch_is_exit_code_1(tmp_path):
    words = [binary(), "stats", "--watch", "--socket", str(tmp_path / "nobody")]
    done = subprocess.run(words, capture_output=True, text=True, timeout=10)
    assert (done.returncode, done.stdout) == (1, "")
