"""`synward drain` and `synward health`, and what a service manager is told."""

import contextlib
import ctypes
import os
import pathlib
import signal
import socket
import subprocess
from collections.abc import Iterator

import pytest

from endpoint import SERVERS, config, expect, handmade_client, over_veth
from lab import Lab
from namespaces import wait_until
from shield import exchange, shield
from synward import Synward, binary

_PTRACE_SEIZE, _PTRACE_INTERRUPT, _PTRACE_DETACH, _WALL = 0x4206, 0x4207, 17, 0x40000000
_libc = ctypes.CDLL(None, use_errno=True)


def ask(synward: Synward, *words: str) -> tuple[int, str]:
    done = subprocess.run([binary(), *words, "--socket", str(synward.socket)], capture_output=True, text=True, timeout=60)
    return done.returncode, done.stdout + done.stderr


def test_connections_go_on_until_they_end_and_no_new_ones_come(lab: Lab) -> None:
    path = shield(lab)
    for address in SERVERS:
        with path.listen(address) as listener, path.connect(address) as client:
            server, _ = listener.accept()
            with server:
                exchange(client, server)
                code, said = ask(path.synward, "drain", "--wait", "1")
                left = path.total()["gauges"]["connections4"] + path.total()["gauges"]["connections6"]
                assert (code, said.splitlines()[0]) == (1, f"    0 s  {left} connection(s) left")
                exchange(client, server)
                expect(lambda: ask(path.synward, "health"), (1, "draining: it takes no new connections\n"))
                assert "Draining: SYNs get no answer." in ask(path.synward, "stats")[1]
                with path.client.entered(), socket.socket(listener.family) as late, pytest.raises(TimeoutError):
                    late.settimeout(0.5)
                    late.connect((address, listener.getsockname()[1]))
                assert path.total()["drops"]["draining"] > 0
                assert ask(path.synward, "drain", "--undo") == (0, "")
                with path.connect(address) as again:
                    second, _ = listener.accept()
                    with second:
                        exchange(again, second)
        expect(lambda: ask(path.synward, "health"), (0, "healthy\n"))  # it is looked at four times a second
    path.stop("draining", "spent_cookie")


def test_it_tells_when_the_last_one_has_ended(lab: Lab) -> None:
    node = over_veth(lab, config())
    connection = node.connect(SERVERS[0])
    node.expect_gauges(connections4=1)
    draining = subprocess.Popen([binary(), "drain", "--socket", str(node.synward.socket)], stdout=subprocess.PIPE, text=True)
    assert draining.stdout is not None and draining.stdout.readline() == "    0 s  1 connection(s) left\n"
    connection.close()
    rest, _ = draining.communicate(timeout=30)
    assert draining.returncode == 0 and rest.endswith(" s  0 connection(s) left\n")
    node.stop()


def test_whose_handshake_is_under_way_comes_in(lab: Lab) -> None:
    node = over_veth(lab, config())
    client = handmade_client(lab, node, SERVERS[0])
    syn_ack = client.answer_to(client.segment("S", options=[("MSS", 1460)]))
    assert syn_ack.flags == "SA"
    draining = subprocess.Popen([binary(), "drain", "--socket", str(node.synward.socket)], stdout=subprocess.PIPE, text=True)
    assert draining.stdout is not None and draining.stdout.readline() == "    0 s  0 connection(s) left\n"
    client.send(client.segment("A"))
    node.expect_gauges(connections4=1)
    assert draining.stdout.readline().endswith(" s  1 connection(s) left\n")
    client.send(client.segment("R"))
    rest, _ = draining.communicate(timeout=30)
    assert draining.returncode == 0 and rest.endswith(" s  0 connection(s) left\n")
    node.stop()


def test_nobody_answers(tmp_path: pathlib.Path) -> None:
    for words in (("health",), ("drain",)):
        done = subprocess.run([binary(), *words, "--socket", str(tmp_path / "none")], capture_output=True, text=True, timeout=10)
        assert done.returncode == 1 and "no synward answers at" in done.stderr


@contextlib.contextmanager
def held(thread: int) -> Iterator[None]:
    """It does nothing meanwhile; the others of its process go on."""
    assert _libc.ptrace(_PTRACE_SEIZE, thread, None, None) == 0, ctypes.get_errno()
    assert _libc.ptrace(_PTRACE_INTERRUPT, thread, None, None) == 0
    os.waitpid(thread, _WALL)
    try:
        yield
    finally:
        _libc.ptrace(_PTRACE_DETACH, thread, None, None)


def worker_of(process: int) -> int:
    threads = pathlib.Path(f"/proc/{process}/task").iterdir()
    (worker,) = (int(thread.name) for thread in threads if "worker" in (thread / "comm").read_text())
    return worker


def told(manager: socket.socket) -> list[str]:
    """What came since the last call, without waiting."""
    lines = []
    with contextlib.suppress(BlockingIOError):
        while True:
            lines += manager.recv(4096).decode().splitlines()
    return lines


@pytest.mark.alone
def test_a_service_manager_hears_that_it_is_ready_alive_and_stuck(lab: Lab, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.setblocking(False)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        node = over_veth(lab, config())
        heard: list[str] = []

        def hears(word: str) -> bool:
            heard.extend(told(manager))
            return word in heard

        wait_until(lambda: hears("READY=1"), "READY=1")
        heard.clear()
        wait_until(lambda: hears("WATCHDOG=1"), "WATCHDOG=1")
        with held(worker_of(node.synward.process.pid)):
            wait_until(lambda: "worker 0 has not ended a turn for" in ask(node.synward, "health")[1], "the worker to be missed")
            told(manager)
            heard.clear()
            with pytest.raises(Exception, match="waited"):
                wait_until(lambda: hears("WATCHDOG=1"), "nothing", 1)
        wait_until(lambda: hears("WATCHDOG=1"), "WATCHDOG=1 again")
        expect(lambda: ask(node.synward, "health"), (0, "healthy\n"))
        node.synward.process.send_signal(signal.SIGTERM)
        wait_until(lambda: hears("STOPPING=1"), "STOPPING=1")
        assert node.synward.process.wait(10) == 0
