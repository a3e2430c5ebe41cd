"""Clients of the control socket and of the metrics that mean no good, and files that were cut off: workers do not notice, and
honest clients are served in their turn."""

import contextlib
import dataclasses
import itertools
import json
import os
import pathlib
import random
import re
import resource
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator

import pytest
from scapy.layers.inet import IP, TCP
from scapy.layers.l2 import Ether

from endpoint import PORT, SERVERS, Endpoint, config, over_veth
from lab import Lab
from namespaces import LabError, wait_until
from reload_test import ask as ask_to_reload
from synward import NO_HUGE_PAGES, binary

METRICS = ("127.0.0.1", 9464)
WORKER = 1  # its processor
SECONDS = 2.0
PATIENCE = 10.0  # seconds, of a person who asks again
AT_ONCE = 64  # clients that a server keeps; it has two
SPARE_DESCRIPTORS = 8  # what it opens for a moment
SPARE_KIB = 32 * 1024  # what the allocator keeps, and what clients wait for

Door = Callable[[], socket.socket]  # a new connection to one of the servers


def open_door(path: str | tuple[str, int]) -> socket.socket:
    made = socket.socket(socket.AF_UNIX if isinstance(path, str) else socket.AF_INET)
    if not isinstance(path, str):
        made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")  # no port stays in TIME-WAIT
    made.settimeout(5)
    made.connect(path)
    return made


def flood(door: Door, over: threading.Event) -> int:
    """As fast as it gets answers."""
    for count in itertools.count():
        if over.is_set():
            return count
        with contextlib.suppress(OSError), door() as client:
            client.sendall(b"GET /stats HTTP/1.1\r\n\r\n")
            while client.recv(65536):
                pass
    return 0


def hurry(door: Door, over: threading.Event) -> int:
    """Asks, and has gone before it is answered."""
    for count in itertools.count():
        if over.is_set():
            return count
        with contextlib.suppress(OSError), door() as client:
            client.sendall(b"GET /stats HTTP/1.1\r\n\r\n")
        time.sleep(0.001)
    return 0


def babble(door: Door, over: threading.Event) -> int:
    """Random octets, and beginnings of requests that go on with them."""
    chance = random.Random(1)
    beginnings = (b"", b"GET ", b"GET /stats HTTP/1.1\r\n", b"POST /reload", b"\0\r\n\r\n", b"GET /\xff\r\n\r\n", b"POST /ports/")
    for count in itertools.count():
        if over.is_set():
            return count
        with contextlib.suppress(OSError), door() as client:
            client.sendall(chance.choice(beginnings) + chance.randbytes(chance.choice((0, 1, 100, 4096, 20_000))))
            client.settimeout(0.02)
            client.recv(100)
    return 0


def thousand(door: Door, over: threading.Event) -> int:
    """Its half of a thousand connections at each server, on which nothing is said; those that are cut off come again."""
    held: list[socket.socket] = []
    opened = 0
    with contextlib.ExitStack() as all_of_them:
        while not over.is_set():
            while len(held) < 500 and not over.is_set():
                with contextlib.suppress(OSError):
                    held.append(all_of_them.enter_context(door()))
                    opened += 1
            time.sleep(0.1)
            for client in [client for client in held if is_cut_off(client)]:
                held.remove(client)
                client.close()
    return opened


def is_cut_off(client: socket.socket) -> bool:
    try:
        return client.recv(1, socket.MSG_DONTWAIT) == b""
    except BlockingIOError:
        return False
    except OSError:
        return True


def never_read(door: Door, over: threading.Event) -> int:
    """A hundred at a time, which ask and leave the answer where it is."""
    asked = 0
    while not over.is_set():
        with contextlib.ExitStack() as all_of_them, contextlib.suppress(OSError):
            for _ in range(100):
                all_of_them.enter_context(door()).sendall(b"GET /stats HTTP/1.1\r\n\r\n")
                asked += 1
            over.wait(0.3)
    return asked


def drip(door: Door, over: threading.Event) -> int:
    """An octet at a time, of a request that has no end."""
    octets = 0
    while not over.is_set():
        with contextlib.ExitStack() as all_of_them:
            clients = [all_of_them.enter_context(door()) for _ in range(20)]
            with contextlib.suppress(OSError):
                for octet in itertools.chain(b"GET /stats HTTP/1.1\r\nX: ", itertools.repeat(ord("x"))):
                    if over.is_set():
                        break
                    for client in clients:
                        client.send(bytes([octet]))
                        octets += 1
                    time.sleep(0.005)
    return octets


@contextlib.contextmanager
def beside_the_worker() -> Iterator[None]:
    """This thread, and what it starts, leave the worker its processor, where there is another."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, before - {WORKER} or before)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


@contextlib.contextmanager
def attack(node: Endpoint, attacker: Callable[[Door, threading.Event], int]) -> Iterator[list[int]]:
    """Two of them at each server; at the end, what each has done."""
    over, done = threading.Event(), []

    def go(path: str | tuple[str, int]) -> None:
        with node.synward.namespace.entered():
            done.append(attacker(lambda: open_door(path), over))

    threads = [threading.Thread(target=go, args=(path,)) for path in (str(node.synward.socket), METRICS) * 2]
    for thread in threads:
        thread.start()
    try:
        yield done
    finally:
        over.set()
        for thread in threads:
            thread.join()


class Customers:
    """Real clients, one after the other, all the time: each opens a connection, says something and closes it."""

    def __init__(self, node: Endpoint):
        self.served = 0
        self._node, self._over, self._thread = node, threading.Event(), threading.Thread(target=self._go)
        self.trouble: list[str] = []

    def __enter__(self) -> "Customers":
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._over.set()
        self._thread.join()

    def _go(self) -> None:
        try:
            while not self._over.is_set():
                with self._node.connect(SERVERS[self.served % 2]) as client:
                    client.sendall(b"request")
                    client.shutdown(socket.SHUT_WR)
                    assert client.recv(1) == b""
                self.served += 1
                time.sleep(0.002)
        except Exception as error:  # it is the test that fails, in its own thread
            self.trouble.append(repr(error))


def descriptors(process: int) -> int:
    return len(os.listdir(f"/proc/{process}/fd"))


@dataclasses.dataclass
class Seen:
    """During some seconds: the worker's turns, and what an honest client saw of the servers."""

    counts: list[int]
    bounds: list[int]
    answers: int = 0
    in_vain: int = 0
    slowest_answer_s: float = 0
    most_descriptors: int = 0
    most_kib: int = 0

    def cycles(self, share: float) -> float:
        """What so many of the turns took at most, rounded up to a power of two."""
        wanted, seen = share * sum(self.counts), 0
        for bound, count in zip([*self.bounds, float("inf")], self.counts):
            seen += count
            if seen >= wanted:
                return bound
        return float("inf")

    def text(self) -> str:
        shares = ", ".join(f"{share:.1%}: {self.cycles(share):g}" for share in (0.5, 0.9, 0.99, 0.999))
        return (
            f"{sum(self.counts)} turns, cycles at most {shares}; {self.answers} answers, the slowest after {self.slowest_answer_s:.2f} s, "
            f"asked {self.in_vain} times in vain; at most {self.most_descriptors} descriptors, {self.most_kib} KiB"
        )


def look(node: Endpoint) -> Seen:
    seen = Seen([], [])

    def stats() -> dict:
        asked = time.monotonic()
        while True:
            try:
                answer = node.synward.stats()
            except LabError:  # cut off before it had asked, which its computer gave it no time for
                seen.in_vain += 1
                assert time.monotonic() - asked < PATIENCE
                continue
            seen.slowest_answer_s = max(seen.slowest_answer_s, time.monotonic() - asked)
            seen.answers += 1
            return answer["total"]["timings"]["burst_cycles"]

    process = node.synward.process.pid
    before = stats()
    seen.bounds = before["le"]
    until = time.monotonic() + SECONDS
    while time.monotonic() < until:
        stats()
        seen.most_descriptors = max(seen.most_descriptors, descriptors(process))
        seen.most_kib = max(seen.most_kib, node.synward.resident_kib())
        time.sleep(0.02)
    seen.counts = [now - then for now, then in zip(stats()["counts"], before["counts"])]
    return seen


@pytest.fixture
def many_descriptors() -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 8192), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.alone
def test_workers_do_not_notice_what_clients_do_and_others_are_served(lab: Lab, many_descriptors: None, record_testsuite_property: Callable[[str, object], None]) -> None:
    # A table whose every page is soon in use: what grows is not its.
    more = f'[control]\nmetrics = "{METRICS[0]}:{METRICS[1]}"\n[table]\nconnections_per_core = 65536\n'
    node = over_veth(lab, config(lcores=str(WORKER)) + more)
    process = node.synward.process.pid
    sanitized = b"__asan_init" in pathlib.Path(binary()).read_bytes()  # its allocator keeps what is freed

    def note(name: str, seen: Seen, more: str = "") -> None:
        record_testsuite_property(f"bad input, {name}: burst_cycles", json.dumps(dict(zip([*seen.bounds, "more"], seen.counts))))
        record_testsuite_property(f"bad input, {name}", seen.text() + more)
        print(f"\n{name}: {seen.text()}{more}")

    with beside_the_worker(), Customers(node) as customers:
        quiet = look(node)
        note("quiet", quiet)
        log = node.synward.log.read_text()
        for attacker in (flood, hurry, babble, thousand, never_read, drip):
            name, served = attacker.__name__, customers.served
            with attack(node, attacker) as done:
                seen = look(node)
            note(name, seen, f"; the attackers did {done}")
            assert not customers.trouble, name
            assert customers.served > served and seen.answers, name
            assert seen.most_descriptors <= quiet.most_descriptors + 2 * AT_ONCE + SPARE_DESCRIPTORS, name
            wait_until(lambda: descriptors(process) <= quiet.most_descriptors, f"descriptors to be given back: {name}")
            assert sanitized or seen.most_kib < quiet.most_kib + SPARE_KIB, name
        note("quiet again", look(node))
    assert not customers.trouble
    assert node.synward.log.read_text() == log, "a client is not worth a line"
    health = subprocess.run([binary(), "health", "--socket", str(node.synward.socket)], capture_output=True, text=True, timeout=10)
    assert health.stdout == "healthy\n"
    node.expect_gauges(accept_queue=0)
    assert node.total()["events"]["accepted"] == customers.served
    node.stop(maybe=("spent_cookie",))


def test_a_flood_is_not_worth_a_line(lab: Lab) -> None:
    node = over_veth(lab, config())
    log = node.synward.log.read_text()
    frames = lab.frames(node.client, node.interface)
    mac = node.synward.namespace.run("cat", "/sys/class/net/far/address").strip()
    before = node.total()["rx"]
    kinds = [bytes(Ether(dst=mac, src=frames.mac) / IP(src="198.18.0.99", dst=SERVERS[0]) / TCP(sport=7, dport=PORT, flags=flags)) for flags in ("S", "A", "R", "FSRPAU", "")]
    chance = random.Random(2)
    for n in range(10_000):
        whole = kinds[n % len(kinds)]
        frames.send(Ether(whole if n % 2 else whole[: chance.randint(14, 30)] + chance.randbytes(chance.randint(1, 60))))
    # Some of it may be lost on the way: nobody waits for the other.
    wait_until(lambda: node.total()["rx"] > before + 5_000, "the flood to arrive")
    assert node.synward.log.read_text() == log
    assert "Every frame is accounted for." in node.synward.stop()


@pytest.mark.parametrize("journal", (False, True))
def test_journald_is_told_the_level_and_people_the_time(lab: Lab, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, journal: bool) -> None:
    log = tmp_path / "synward.log"
    log.touch()
    monkeypatch.setenv("JOURNAL_STREAM", f"{log.stat().st_dev}:{log.stat().st_ino + (not journal)}")
    node = over_veth(lab, config())
    node.synward.config.write_text("wrong")
    node.synward.process.send_signal(signal.SIGHUP)
    wait_until(lambda: "is not taken over" in log.read_text(), "the reload to fail")
    level = {True: r"<[36]>\[", False: r"\[\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}\] \["}[journal]
    for line in log.read_text().splitlines():
        assert re.match(f"{level}(info|error)\\] ", line), line
    assert ("<3>[error] reload: " in log.read_text()) == journal
    node.stop()


def test_the_log_goes_to_stderr_and_the_summary_to_stdout(lab: Lab) -> None:
    node = over_veth(lab, config())
    node.stop()
    words = ["ip", "netns", "exec", node.synward.namespace.name, binary(), "run", "-c", str(node.synward.config), "--", *NO_HUGE_PAGES]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        wait_until(node.synward.socket.exists, "synward to serve", 30)
        node.synward.stats()
        process.terminate()
        out, log = process.communicate(timeout=20)
    assert process.returncode == 0
    assert "serving 2 service(s)" in log and "serving" not in out
    assert out.endswith("Every frame is accounted for.\n") and "accounted" not in log


def said(*words: str) -> tuple[int, str]:
    """Exit code and stderr; a signal is no exit code."""
    done = subprocess.run([binary(), *words], capture_output=True, text=True, errors="replace", timeout=10)
    return done.returncode, done.stderr


def test_a_config_that_was_cut_off_is_checked_and_refused_with_a_sentence(tmp_path: pathlib.Path) -> None:
    whole = config() + '[control]\nmetrics = "[::1]:9464"\n[drop_list]\nsources = ["198.51.100.0/24"]\n'
    path = tmp_path / "cut.toml"
    for length in range(len(whole)):
        path.write_text(whole[:length])
        code, why = said("check", "-c", str(path))
        assert (code == 0 and not why) or (code == 2 and why.startswith(f"{path}:")), (whole[:length], code, why)


def test_a_config_that_was_cut_off_is_not_taken_over(lab: Lab) -> None:
    node = over_veth(lab, "[control]\n" + config())
    synward = node.synward
    whole = synward.config.read_text()
    outcomes = set()
    for length in (*range(len(whole)), len(whole)):
        synward.config.write_text(whole[:length])
        number = int(ask_to_reload(synward.socket, "POST"))
        while (reload := json.loads(ask_to_reload(synward.socket, "GET")))["done"] < number:
            time.sleep(0.002)
        assert reload["outcome"] in ("unchanged", "applied") or reload["lines"], (whole[:length], reload)
        outcomes.add(reload["outcome"])
    assert reload["outcome"] == "unchanged", "only the last line's end was missing before"
    assert outcomes == {"invalid", "applied", "unchanged"}
    for address in SERVERS:
        node.connect(address).close()
    node.stop(maybe=("spent_cookie", "no_service"))


def test_a_key_file_that_was_cut_off_is_refused_with_a_sentence(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "keys.toml"
    assert said("keys", "init", str(path)) == (0, "")
    assert said("keys", "rotate", str(path)) == (0, "")
    whole = path.read_text()
    secrets = re.findall(r'secret = "(.{32})"', whole)
    for length in range(len(whole)):
        path.write_text(whole[:length])
        code, why = said("keys", "show", str(path))
        assert (code == 0 and not why) or (code == 1 and why.startswith(f"synward: {path}: ")), (length, code, why)
        assert not any(secret[:8] in why for secret in secrets)
