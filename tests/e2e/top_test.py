"""`synward top` in a terminal, as a person sees it: pyte plays the terminal."""

import contextlib
import fcntl
import os
import pathlib
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time

import pyte
import pytest

from endpoint import SERVER4, config, over_veth
from namespaces import LabError
from synward import IDLE, START_SECONDS, binary

SECONDS = 10.0


class Terminal:
    """A terminal with `synward top` in it, and the person in front of it."""

    def __init__(self, socket: pathlib.Path, interval: str = "0.2", columns: int = 80, rows: int = 24, **environment: str):
        self._near, self.far = pty.openpty()
        self.before = termios.tcgetattr(self.far)
        self.seen = b""
        self._screen = pyte.Screen(columns, rows)
        self._stream = pyte.ByteStream(self._screen)
        self._set_size(columns, rows)
        known = {"PATH": os.environ["PATH"], "TERM": "xterm-256color", "LC_ALL": "C.UTF-8"}
        self.process = subprocess.Popen(
            [binary(), "top", "--socket", str(socket), "--interval", interval],
            stdin=self.far, stdout=self.far, stderr=self.far, env=known | environment, start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )

    def __enter__(self) -> "Terminal":
        return self

    def __exit__(self, *exception: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(SECONDS)
        os.close(self._near)
        os.close(self.far)

    def _set_size(self, columns: int, rows: int) -> None:
        fcntl.ioctl(self._near, termios.TIOCSWINSZ, struct.pack("4H", rows, columns, 0, 0))

    def resize(self, columns: int, rows: int) -> None:
        """As a window manager does; the kernel sends SIGWINCH."""
        self._screen.resize(rows, columns)
        self._set_size(columns, rows)

    def type(self, keys: bytes) -> None:
        os.write(self._near, keys)

    def lines(self) -> list[str]:
        return [line.rstrip() for line in self._screen.display]

    def text(self) -> str:
        return "\n".join(self.lines())

    def color(self, word: str) -> str:
        """What `word` is written in, where it stands first."""
        row, line = next((row, line) for row, line in enumerate(self._screen.display) if word in line)
        return self._screen.buffer[row][line.index(word)].fg

    def cursor_is_hidden(self) -> bool:
        return self._screen.cursor.hidden

    def read(self) -> None:
        """Shows what has come; waits a little for it."""
        while select.select([self._near], [], [], 0.02)[0]:
            data = os.read(self._near, 65536)
            self.seen += data
            self._stream.feed(data)

    def wait_for(self, pattern: str, seconds: float = SECONDS) -> re.Match:
        """Until the screen has it."""
        deadline = time.monotonic() + seconds
        while True:
            self.read()
            if match := re.search(pattern, self.text(), re.MULTILINE):
                return match
            if time.monotonic() > deadline:
                raise LabError(f"waited in vain for {pattern!r}, there is:\n{self.text()}")

    def stopped(self) -> bool:
        """Waits until the program is stopped, or has ended."""
        _, status = os.waitpid(self.process.pid, os.WUNTRACED)
        return os.WIFSTOPPED(status)

    def is_given_back(self) -> bool:
        """Whether the terminal is as it was: its settings, its first screen, its cursor."""
        self.read()
        enters, leaves = (self.seen.rfind(f"\033[?1049{end}".encode()) for end in "hl")
        return termios.tcgetattr(self.far) == self.before and enters < leaves and not self.cursor_is_hidden()

    def expect_end(self) -> None:
        """That it ends, with 0, and leaves the terminal as it was."""
        assert self.process.wait(SECONDS) == 0
        assert self.is_given_back()


@pytest.fixture
def idle(lab):
    """A synward that has nothing to do."""
    return lab.synward(lab.namespace("synward"), IDLE)


def test_a_screen_of_80_by_24_shows_what_clients_do(lab):
    served = over_veth(lab, config())
    with contextlib.ExitStack() as open_sockets, Terminal(served.synward.socket, interval="1") as terminal:
        terminal.wait_for(r"^established +\d+ +\d+  ")
        for _ in range(30):
            open_sockets.enter_context(served.connect(SERVER4))
        terminal.wait_for(r"^SYN in +[1-9]\d* +[1-9]\d* .*█$")
        for what in ("SYN in", "SYN-ACK out", "valid cookies", "established"):
            terminal.wait_for(rf"^{what} +\d+ +[1-9]\d* .*█")
        terminal.wait_for(r"^connections  IPv4 30(  | of )")
        terminal.wait_for(r"^bad cookies +0 +0 .*▁$")
        terminal.wait_for(r"^SYN in +0 +[1-9]\d* .*█.*▁$")
        print(terminal.text())
        lines = terminal.lines()
        assert re.match(r"synward \d+\.\d+\.\d+  1 worker  up \d+ s +every 1 s  q quits$", lines[0])
        assert len(lines) == 24 and all(len(line) <= 80 for line in lines)
        assert terminal.cursor_is_hidden()
        assert termios.tcgetattr(terminal.far) != terminal.before
        terminal.type(b"q")
        terminal.expect_end()


def test_another_size_is_drawn_at_once(idle):
    with Terminal(idle.socket, interval="3600") as terminal:
        terminal.wait_for("q quits$")
        terminal.resize(120, 30)
        terminal.wait_for("^synward .{100,}q quits$")
        terminal.resize(40, 10)
        terminal.wait_for("^per second +now  last")
        assert len(terminal.text().splitlines()) <= 10
        assert not any("peak" in line for line in terminal.lines())


def test_what_fills_the_screen_is_seen_to_its_last_line_and_column(idle):
    with Terminal(idle.socket, columns=80, rows=8) as terminal:
        terminal.wait_for("^SYN in +0 .*▁$")
        assert terminal.lines()[7] == "connections  IPv4 0 of 1.40M  IPv6 0"
        assert len(terminal.lines()[0]) == len(terminal.lines()[2]) == 80


@pytest.mark.parametrize("keys", [b"q", b"Q", b"\x03", b"xyzq"])
def test_keys_end_it(idle, keys):
    with Terminal(idle.socket) as terminal:
        terminal.wait_for("^SYN in +0")
        terminal.type(keys)
        terminal.expect_end()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT])
def test_signals_end_it(idle, number):
    with Terminal(idle.socket) as terminal:
        terminal.wait_for("^SYN in +0")
        terminal.process.send_signal(number)
        terminal.process.send_signal(number)
        terminal.expect_end()


@pytest.mark.parametrize("stop", [b"\x1a", signal.SIGTSTP])
def test_stopped_it_gives_the_terminal_back_and_goes_on_later(idle, stop):
    with Terminal(idle.socket) as terminal:
        terminal.wait_for("^SYN in +0")
        for _ in range(2):
            if isinstance(stop, bytes):
                terminal.type(stop)
            else:
                terminal.process.send_signal(stop)
            assert terminal.stopped()
            assert terminal.is_given_back()
            terminal.resize(100, 20)
            terminal.process.send_signal(signal.SIGCONT)
            terminal.wait_for("^synward .{80,}q quits$")
            assert terminal.cursor_is_hidden() and not terminal.is_given_back()
        terminal.type(b"q")
        terminal.expect_end()


def test_after_sigstop_the_screen_is_its_own_again(idle):
    with Terminal(idle.socket) as terminal:
        terminal.wait_for("^SYN in +0")
        terminal.process.send_signal(signal.SIGSTOP)
        assert terminal.stopped()
        termios.tcsetattr(terminal.far, termios.TCSANOW, terminal.before)  # as a shell does
        terminal.process.send_signal(signal.SIGCONT)
        deadline = time.monotonic() + SECONDS
        while termios.tcgetattr(terminal.far) == terminal.before:
            assert time.monotonic() < deadline
            terminal.read()
        terminal.type(b"q")
        terminal.expect_end()


def test_a_synward_that_is_gone_is_told_and_one_that_comes_back_is_shown(lab):
    namespace = lab.namespace("synward")
    socket = lab.folder / "synward.sock"
    with Terminal(socket) as terminal:
        terminal.wait_for(r"^No answer yet, asked again every 0\.2 s: no synward answers at")
        first = lab.synward(namespace, IDLE)
        terminal.wait_for("^SYN in +0")
        assert "No answer" not in terminal.text()
        os.kill(first.process.pid, signal.SIGKILL)
        first.process.wait(SECONDS)
        terminal.wait_for(r"^No answer for [1-9] s, asked again every 0\.2 s: no synward answers at")
        terminal.wait_for("^SYN in +- ")
        lab.synward(namespace, IDLE)
        terminal.wait_for("^SYN in +0 +0 +▁+ +▁+$", START_SECONDS)
        assert "No answer" not in terminal.text()
        terminal.type(b"q")
        terminal.expect_end()


def test_colors_are_left_out_where_they_are_not_wanted(idle):
    with Terminal(idle.socket) as terminal:
        terminal.wait_for("^SYN in +0 .*▁$")
        assert terminal.color("▁") == "cyan"
    with Terminal(idle.socket, NO_COLOR="1") as terminal:
        terminal.wait_for("^SYN in +0 .*▁$")
        assert not re.search(rb"\033\[[0-9;]*m", terminal.seen)


def test_a_terminal_without_utf8_gets_ascii(idle):
    with Terminal(idle.socket, LC_ALL="C") as terminal:
        terminal.wait_for("^SYN in +0 .*_$")
        assert terminal.seen.isascii()


def test_a_dumb_terminal_gets_one_screen(idle):
    with Terminal(idle.socket, TERM="dumb") as terminal:
        assert terminal.process.wait(SECONDS) == 0
        terminal.read()
        assert terminal.text().startswith("synward ") and b"\033" not in terminal.seen
        assert termios.tcgetattr(terminal.far) == terminal.before


@pytest.mark.parametrize("options", [["--once"], []])
def test_once_is_plain_text_with_rates(idle, options):
    words = [binary(), "top", "--socket", str(idle.socket), "--interval", "0.3", *options]
    started = time.monotonic()
    environment = os.environ | {"LC_ALL": "C.UTF-8", "COLUMNS": "60", "LINES": "12"}
    done = subprocess.run(words, capture_output=True, text=True, timeout=SECONDS, stdin=subprocess.DEVNULL, env=environment)
    assert time.monotonic() - started >= 0.3
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert len(lines) <= 12 and all(len(line) <= 60 for line in lines)
    assert re.search(r"^SYN in +0 +0 +▁$", done.stdout, re.MULTILINE)
    assert "\033" not in done.stdout and "q quits" not in done.stdout


def test_once_without_a_synward_is_exit_code_1(tmp_path):
    words = [binary(), "top", "--once", "--socket", str(tmp_path / "nobody")]
    done = subprocess.run(words, capture_output=True, text=True, timeout=SECONDS)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.endswith("(--socket, $SYNWARD_SOCKET)\n")


@pytest.mark.parametrize("interval", ["0", "0.05", "3601", "soon"])
def test_an_interval_that_is_none_is_exit_code_2(interval):
    done = subprocess.run([binary(), "top", "--interval", interval], capture_output=True, text=True, timeout=SECONDS)
    assert done.returncode == 2 and "--interval" in done.stderr
