"""The demo as people run it, as root and as anybody: what it says, how it ends, and that nothing is left of it."""

import collections.abc
import contextlib
import os
import pathlib
import re
import shutil
import signal
import subprocess
import tempfile

import pytest

from namespaces import NAMESPACES, wait_until
from synward import binary

pytestmark = pytest.mark.alone

SCRIPT = pathlib.Path(__file__).resolve().parents[2] / "bench" / "load" / "demo.sh"
SECONDS, CLIENTS, SYNS = 1.5, 60, 6000
SHORT = ["--seconds", str(SECONDS), "--client-rate", str(CLIENTS / SECONDS), "--flood-rate", str(SYNS / SECONDS), "--stay", "0.3"]
USERS = {
    "root": ([], "nginx, synward and real Linux clients, each in a network namespace of its own"),
    "nobody": (
        ["setpriv", "--reuid", "nobody", "--regid", "nogroup", "--clear-groups", "--"],
        "No right to make network namespaces: synward, the flood and clients in one process.",
    ),
}
# What a port that is no service's does: behind synward the server refuses, an endpoint says nothing.
NOBODY_SERVES = {"root": "refused", "nobody": "connect_timeout"}


class Demo:
    """A copy of the programs in a folder that `user` may write to: what runs or lies there is the demo's."""

    def __init__(self, folder: pathlib.Path, user: str):
        self.folder, self.temporary = folder, folder / "tmp"
        self.user = user
        self._as_user, self.first_line = USERS[user]
        for program in (SCRIPT, pathlib.Path(binary()), pathlib.Path(binary()).with_name("synward-load")):
            shutil.copy(program, folder)
        self.temporary.mkdir()
        for path in (folder, self.temporary):
            shutil.chown(path, user)

    def start(self, *options: str) -> subprocess.Popen:
        """In a session of its own, as a terminal does it: the Ctrl-C of that terminal reaches all of it."""
        return subprocess.Popen(
            [*self._as_user, str(self.folder / SCRIPT.name), str(self.folder), *options],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
            cwd=self.folder,
            env={**os.environ, "TMPDIR": str(self.temporary)},
        )

    def run(self, *options: str) -> tuple[int, str]:
        process = self.start(*options)
        text = process.communicate(timeout=40)[0]
        return process.returncode, text

    def processes(self) -> list[str]:
        found = []
        for entry in pathlib.Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                words = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
                if str(self.folder) in words:
                    found.append(words)
        return found

    def expect_nothing_left(self) -> None:
        wait_until(lambda: not self.processes(), f"the end of {self.processes()}", seconds=3)
        assert list(self.temporary.iterdir()) == []
        assert not [name for name in ("server", "wire", "clients") if (NAMESPACES / f"synward-{name}").exists()]
        assert not [name for name in ("synward.log", "demo.toml", "control.sock") if pathlib.Path("/run", name).exists()]
        assert not [name for name in ("near", "bare", "inside") if pathlib.Path("/sys/class/net", name).exists()]


@pytest.fixture(params=USERS)
def demo(privileges: None, request) -> collections.abc.Iterator[Demo]:
    with tempfile.TemporaryDirectory(prefix="synward-demo-") as folder:
        yield Demo(pathlib.Path(folder), request.param)


def number(pattern: str, text: str) -> int:
    found = re.search(pattern, text)
    assert found, text
    return int(found[1].replace(",", ""))


def test_real_clients_get_through_a_flood(demo):
    code, text = demo.run(*SHORT)
    assert code == 0, text
    assert text.startswith(demo.first_line), text
    if demo.user == "root":  # the contrast, and curl's view of it
        assert "nginx without synward, quiet:  curl got its page 5 times of 5" in text
        assert "the same, 20,000 SYNs/s:       curl got its page 0 times of 4" in text
        assert "nginx behind synward, flooded: curl got its page 20 times of 20" in text
    assert "\nPASSED\n" in text
    assert re.search(r"time +SYNs in/s +SYN-ACKs out/s +handshakes +failed +p99 +table +drops\n +\d+ s +[\d,]+ +[\d,]+ +\d+ ", text)
    assert number(r"Meanwhile ([\d,]+) of 60 real clients\nconnected, said a line and closed:", text) == CLIENTS
    assert number(r"([\d,]+) SYNs came from made-up addresses", text) >= 0.5 * SYNS  # a busy machine sends fewer
    assert number(r"synward answered ([\d,]+) SYNs", text) >= 0.5 * SYNS + CLIENTS
    assert number(r"([\d,]+) cookies came\nback", text) >= CLIENTS  # and those of curl
    assert 0 < number(r"at most (\d+) were seen in its table", text) <= CLIENTS + 40
    assert "All frames are accounted for: " in text
    demo.expect_nothing_left()


def test_clients_that_nobody_serves_fail_the_demo(demo):
    code, text = demo.run("--client-port", "444", "--seconds", "1", "--patience", "0.5")
    assert code == 1, text
    assert "Meanwhile 0 of 100 real clients" in text
    assert f"FAILED: 100 clients started, 0 connected, 0 closed, 100 failed ({NOBODY_SERVES[demo.user]} 100)" in text
    demo.expect_nothing_left()


@pytest.mark.parametrize("ends", [signal.SIGINT, signal.SIGTERM])
def test_an_early_end_leaves_nothing_behind(demo, ends):
    process = demo.start("--seconds", "60")
    for line in process.stdout:
        if re.match(r" +\d+ s ", line):
            break
    if ends == signal.SIGINT:
        os.killpg(process.pid, ends)  # Ctrl-C
    else:
        process.send_signal(ends)
    process.communicate(timeout=5)
    assert process.returncode == 128 + ends
    demo.expect_nothing_left()


def test_help_is_all_that_is_asked_for(demo):
    code, text = demo.run("--seconds", "1", "--help")
    assert code == 0, text
    assert text.startswith("usage: ")
    assert "--flood-rate" in text
    assert "REQUIRED" not in text  # the script knows the targets and the interface
    assert demo.first_line not in text
    demo.expect_nothing_left()


@pytest.mark.parametrize("options", [["--flood-rate", "lots"], ["--flod-rate", "1"]])
def test_a_wrong_option_is_told_at_once(demo, options):
    code, text = demo.run(*options)
    assert code == 2, text
    assert options[0] in text and demo.first_line not in text
    demo.expect_nothing_left()
