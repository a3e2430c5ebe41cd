"""Network namespaces and the wires between them. Wants root; whatever waits has a limit."""

import contextlib
import ctypes
import os
import pathlib
import re
import signal
import subprocess
import time
from collections.abc import Callable, Iterator

PREFIX = "synward"
NAMESPACES = pathlib.Path("/run/netns")
RUN_SECONDS = 10.0  # what a command inside a namespace may take unless its caller knows better

_CLONE_NEWNET = 0x40000000
_libc = ctypes.CDLL(None, use_errno=True)


class LabError(Exception):
    """The laboratory could not be set up or something in it did not behave; the message says what to do."""


def wait_until(
    condition: Callable[[], bool], what: str, seconds: float = RUN_SECONDS, log: pathlib.Path | None = None
) -> None:
    """Returns as soon as `condition()` is true; raises with `what`, and what `log` says by then, when it stays false."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise LabError(f"waited {seconds:g} s in vain for {what}: {log.read_text() if log else 'no log'}")
        time.sleep(0.02)


def _ip(*words: str) -> str:
    result = subprocess.run(["ip", *words], capture_output=True, text=True, timeout=RUN_SECONDS)
    if result.returncode != 0:
        raise LabError(f"ip {' '.join(words)}: {result.stderr.strip()}")
    return result.stdout


def _set_namespace(handle: int) -> None:
    if _libc.setns(handle, _CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "setns")


class Namespace:
    """A network namespace with loopback up, in which no interface configures itself."""

    def __init__(self, name: str):
        self.name = name
        self._processes: list[subprocess.Popen] = []
        _ip("netns", "add", name)
        try:
            for setting in ("accept_ra", "autoconf", "accept_dad"):
                self.sysctl(f"net.ipv6.conf.default.{setting}", 0)
            _ip("-n", name, "link", "set", "lo", "up")
        except BaseException:
            self.close()
            raise

    @contextlib.contextmanager
    def entered(self) -> Iterator[None]:
        """Sockets that this thread opens meanwhile belong to the namespace, and stay there."""
        with open("/proc/thread-self/ns/net") as home, open(NAMESPACES / self.name) as inside:
            _set_namespace(inside.fileno())
            try:
                yield
            finally:
                _set_namespace(home.fileno())

    def sysctl(self, name: str, value: int | str) -> None:
        with self.entered():
            pathlib.Path("/proc/sys", *name.split(".")).write_text(str(value))

    def run(self, *command: str, seconds: float = RUN_SECONDS, check: bool = True, stdin: bytes = b"") -> str:
        """What `command`, run inside, prints to both its outputs. Raises when it fails (with `check`) or takes too long."""
        words = ["ip", "netns", "exec", self.name, *command]
        try:
            done = subprocess.run(words, input=stdin, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=seconds)
        except subprocess.TimeoutExpired as late:
            raise LabError(f"{' '.join(command)}: not done after {seconds:g} s: {late.output!r}") from None
        text = done.stdout.decode(errors="replace")
        if check and done.returncode != 0:
            raise LabError(f"{' '.join(command)}: exit code {done.returncode}: {text.strip()}")
        return text

    def start(self, *command: str, **popen) -> subprocess.Popen:
        """Starts `command` inside; it is killed, at the latest, when the laboratory closes."""
        process = subprocess.Popen(["ip", "netns", "exec", self.name, *command], **popen)
        self._processes.append(process)
        return process

    def configure(self, interface: str, *addresses: str) -> None:
        """Brings up an interface, with addresses in the form 198.18.0.1/24 or 2001:2::1/64."""
        for address in addresses:
            _ip("-n", self.name, "address", "add", address, "dev", interface, *(["nodad"] if ":" in address else []))
        _ip("-n", self.name, "link", "set", interface, "up")

    def lend(self, interface: str) -> None:
        """Brings up an interface for synward: the kernel sends nothing of its own on it and answers nothing."""
        self.sysctl(f"net.ipv6.conf.{interface}.disable_ipv6", 1)
        _ip("-n", self.name, "link", "set", interface, "arp", "off", "up")

    def finish_checksums(self, interface: str) -> None:
        """Makes the kernel send whole segments of at most one MTU, with their checksums done, as a wire carries them."""
        for feature in ("tx", "gso", "gro", "tso"):
            self.run("ethtool", "-K", interface, feature, "off")

    def close(self) -> None:
        _remove_namespace(self.name)
        for process in self._processes:
            process.wait(RUN_SECONDS)


def _remove_namespace(name: str) -> None:
    """Kills what runs inside, because a namespace lives as long as a process in it, and removes the name."""
    for pid in _ip("netns", "pids", name).split():
        with contextlib.suppress(ProcessLookupError):
            os.kill(int(pid), signal.SIGKILL)
    _ip("netns", "delete", name)


def wire(one: Namespace, interface: str, other: Namespace, other_interface: str, mtu: int = 1500) -> None:
    """A veth pair between two namespaces, both ends down, behaving like a cable between two NICs."""
    peer = ["peer", "name", other_interface, "netns", other.name, "mtu", str(mtu)]
    _ip("link", "add", interface, "netns", one.name, "mtu", str(mtu), "type", "veth", *peer)
    one.finish_checksums(interface)
    other.finish_checksums(other_interface)


def remove_leftovers() -> list[str]:
    """Removes the namespaces of test runs that died without cleaning up, and returns their names."""
    names = [path.name for path in NAMESPACES.glob(f"{PREFIX}-*")] if NAMESPACES.is_dir() else []
    dead = []
    for name in names:
        owner = re.fullmatch(rf"{PREFIX}-(\d+)-.+", name)
        if owner and not pathlib.Path("/proc", owner[1]).exists():
            try:
                _remove_namespace(name)
            except LabError:
                if (NAMESPACES / name).exists():  # else another run was faster
                    raise
            dead.append(name)
    return dead
