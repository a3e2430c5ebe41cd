"""`synward reload` and SIGHUP: the config anew under connections and load, all of it or nothing."""

import concurrent.futures
import http.client
import itertools
import json
import os
import pathlib
import pty
import signal
import socket
import subprocess
import threading

import pytest

import shield
from endpoint import CLIENT6, PORT, SERVERS, config, expect, over_veth, present
from lab import Lab
from namespaces import wait_until
from shield import HTTP, HTTPS, Web, exchange, run_wrk
from synward import Synward, binary

OTHER_PORT = 8443


def reload(synward: Synward) -> tuple[int, str]:
    done = subprocess.run([binary(), "reload", "--socket", str(synward.socket)], capture_output=True, text=True, timeout=30)
    assert not (done.stdout and done.stderr)
    return done.returncode, done.stdout + done.stderr


def rewrite(synward: Synward, *changes: tuple[str, str]) -> None:
    text = synward.config.read_text()
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    beside = synward.config.with_suffix(".new")
    beside.write_text(text)
    beside.rename(synward.config)


def service(name: str, address: str, port: int, more: str = "") -> str:
    return f'[[service]]\nname = "{name}"\naddress = "{address}"\nport = {port}\n{more}\n'


def services(synward: Synward) -> dict[str, dict]:
    return {row["name"]: row for row in synward.stats()["services"]}


def test_services_come_and_go_and_connections_stay(lab: Lab) -> None:
    node = over_veth(lab, config() + f'[drop_list]\nsources = ["{CLIENT6}"]\n')
    synward = node.synward
    assert reload(synward) == (0, "nothing has changed\n")
    before = synward.config.read_text()
    connection = node.connect(SERVERS[0])
    new = service("second", SERVERS[0], OTHER_PORT)
    synward.config.write_text(before + new)
    assert reload(synward) == (0, f'service "second" ({SERVERS[0]} port {OTHER_PORT}): new\n')
    with node.client.entered():
        second = socket.create_connection((SERVERS[0], OTHER_PORT), timeout=10)
    assert services(synward)["second"]["connections"] == 1
    synward.config.write_text(before)
    assert reload(synward) == (0, f'service "second" ({SERVERS[0]} port {OTHER_PORT}): no longer there\n')
    assert services(synward)["second"]["retired"]
    second.sendall(b"still here")
    wait_until(lambda: "ESTAB" in node.sockets() and node.client.run("ss", "-Htnoi", f"dport = {OTHER_PORT}").find("unacked") < 0, "the text to be acknowledged")
    with node.client.entered(), socket.socket() as late, pytest.raises(TimeoutError):
        late.settimeout(0.5)
        late.connect((SERVERS[0], OTHER_PORT))
    assert node.total()["drops"]["no_service"] > 0
    second.close()
    wait_until(lambda: "second" not in services(synward), "it to be gone", 30)
    assert 'service "second": its last connection has ended' in synward.log.read_text()
    with node.client.entered(), socket.socket(socket.AF_INET6) as listed, pytest.raises(TimeoutError):
        listed.settimeout(0.5)
        listed.connect((SERVERS[1], PORT))
    connection.sendall(b"text")
    connection.close()
    synward.config.write_text(before + new)
    assert reload(synward)[0] == 0
    assert services(synward)["second"]["cookies_valid"] == 1, "it goes on counting"
    node.stop({}, maybe=("no_service", "drop_list", "spent_cookie"))


def test_a_drop_list_is_read_anew(lab: Lab, tmp_path: pathlib.Path) -> None:
    listed = tmp_path / "listed.txt"
    listed.write_text("# nobody\n")
    node = over_veth(lab, config() + f'[drop_list]\nfiles = ["{listed}"]\n')
    node.connect(SERVERS[0]).close()
    listed.write_text("198.18.0.0/24\n")
    assert reload(node.synward) == (0, f"drop list {listed}: 0 -> 1 address(es) and prefix(es)\n")
    with node.client.entered(), socket.socket() as late, pytest.raises(TimeoutError):
        late.settimeout(0.5)
        late.connect((SERVERS[0], PORT))
    node.connect(SERVERS[1]).close()
    listed.write_text("")
    assert reload(node.synward)[0] == 0
    node.connect(SERVERS[0]).close()
    node.stop(maybe=("drop_list", "spent_cookie"))


def test_what_is_wrong_or_wants_a_restart_changes_nothing(lab: Lab) -> None:
    node = over_veth(lab, config())
    synward = node.synward
    before = synward.config.read_text()
    new = service("second", SERVERS[0], OTHER_PORT)
    synward.config.write_text(before + new + "[workers]\n")
    code, said = reload(synward)
    assert code == 2 and f"{synward.config}:" in said and said.endswith("the config is wrong, so nothing is taken over\n")
    synward.config.write_text(before + new + "[table]\nconnections_per_core = 2048\n[accept]\nbacklog = 7\n")
    assert reload(synward) == (
        1, "[table] connections_per_core: 1048576 -> 2048\n[accept] backlog: 4096 -> 7\nthese want a restart, so nothing is taken over\n",
    )
    synward.config.unlink()
    code, said = reload(synward)
    assert code == 2 and "cannot be read" in said
    assert set(services(synward)) == {row["name"] for row in synward.stats()["services"]} and "second" not in services(synward)
    assert (synward.stats()["reload"]["reloads"], synward.stats()["reload"]["failed"]) == (0, 3)
    assert "is not taken over, synward goes on as it was" in synward.log.read_text()
    node.connect(SERVERS[0]).close()
    node.stop(maybe=("spent_cookie",))


def test_two_at_once_are_both_told_what_came_of_theirs(lab: Lab) -> None:
    node = over_veth(lab, config())
    before = node.synward.config.read_text()
    words = [binary(), "reload", "--socket", str(node.synward.socket)]
    for text in itertools.islice(itertools.cycle((before + service("second", SERVERS[0], OTHER_PORT), before)), 20):
        node.synward.config.write_text(text)
        both = [subprocess.Popen(words, stdout=subprocess.PIPE, text=True) for _ in range(2)]
        said = [process.communicate(timeout=30)[0] for process in both]
        assert [process.returncode for process in both] == [0, 0]
        assert any('service "second"' in words for words in said), said
    node.stop()


def test_a_signal_does_the_same(lab: Lab) -> None:
    node = over_veth(lab, config())
    with node.synward.config.open("a") as text:
        text.write(service("second", SERVERS[0], OTHER_PORT))
    node.synward.process.send_signal(signal.SIGHUP)
    wait_until(lambda: "second" in services(node.synward), "the new service")
    told = f'reload: service "second" ({SERVERS[0]} port {OTHER_PORT}): new'  # once all workers go by it
    wait_until(lambda: told in node.synward.log.read_text(), "the log to say so")
    node.stop()


def test_it_ends_with_its_terminal(lab: Lab, tmp_path: pathlib.Path) -> None:
    """What the kernel sends then is a SIGHUP, too."""
    node = over_veth(lab, config())
    node.stop()
    master, terminal = pty.openpty()

    def lead() -> None:
        os.setsid()
        os.close(os.open(os.ttyname(terminal), os.O_RDWR))  # becomes the controlling one
        os.tcsetpgrp(terminal, os.getpid())

    with open(tmp_path / "log", "w") as log:
        words = ["ip", "netns", "exec", node.synward.namespace.name, binary(), "run", "-c", str(node.synward.config), "--", "--no-huge", "--no-pci"]
        process = subprocess.Popen(words, stdin=terminal, stdout=log, stderr=log, preexec_fn=lead, pass_fds=(terminal,))
    try:
        os.close(terminal)
        wait_until(node.synward.socket.exists, "synward to serve", 30, tmp_path / "log")
        os.close(master)
        assert process.wait(20) == 0
        assert "Every frame is accounted for." in (tmp_path / "log").read_text()
    finally:
        process.kill()


def test_in_the_wire_a_service_is_taken_out_and_put_in_under_its_connections(lab: Lab) -> None:
    path = shield.shield(lab)
    before = path.synward.config.read_text()
    others = before.replace(f"port = {PORT}", f"port = {OTHER_PORT}")
    for address in SERVERS:
        path.synward.config.write_text(before)
        assert reload(path.synward)[0] == 0
        with path.listen(address) as listener, path.connect(address) as client:
            server, _ = listener.accept()
            with server:
                exchange(client, server)
                promoted = path.event("promoted")
                path.synward.config.write_text(others)
                assert reload(path.synward)[0] == 0
                exchange(client, server, bytes(100_000))
                with path.connect(address) as direct:  # past synward: it is no service any more
                    accepted, _ = listener.accept()
                    with accepted:
                        exchange(direct, accepted, bytes(100_000))
                        assert path.event("promoted") == promoted
                        path.synward.config.write_text(before)
                        assert reload(path.synward)[0] == 0
                        exchange(direct, accepted, bytes(10_000))  # older than the service
                exchange(client, server, bytes(100_000))
                with path.connect(address) as again:
                    accepted, _ = listener.accept()
                    with accepted:
                        exchange(again, accepted)
                assert path.event("promoted") == promoted + 1
    path.stop("spent_cookie", "no_service")


class OverSocket(http.client.HTTPConnection):
    def __init__(self, path: pathlib.Path):
        super().__init__("localhost", timeout=10)
        self._path = str(path)

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(10)
        self.sock.connect(self._path)


def ask(path: pathlib.Path, method: str) -> str:
    asking = OverSocket(path)
    asking.request(method, "/reload")
    return asking.getresponse().read().decode()


@pytest.mark.alone
def test_a_thousand_reloads_under_load_fail_no_request_and_leak_nothing(lab: Lab) -> None:
    path = shield.shield(lab, shield.config(ports=(HTTP, HTTPS)), teach=())
    web = Web(path.server, lab.folder / "web")
    for address in SERVERS:
        run_wrk(path, address, seconds=1)
    synward = path.synward
    before = synward.config.read_text()
    many = "".join(service(f"more-{n}", f"198.18.9.{n}", 443) for n in range(1, 200))
    texts = itertools.cycle([
        before + many,
        before.replace(f"port = {HTTPS}", f"port = {OTHER_PORT}") + '[drop_list]\nsources = ["198.19.0.0/16"]\n',
        before + "[drop_list]\nsources = []\n",
    ])
    resident = []
    for address, connection in ((SERVERS[1], "keep-alive"), (SERVERS[0], "close")):
        over = threading.Event()

        def load() -> None:
            while not over.is_set():
                assert run_wrk(path, address, "-H", f"Connection: {connection}", seconds=2) > 64

        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            loaded = pool.submit(load)
            try:
                for _ in range(500):
                    synward.config.write_text(next(texts))
                    number = int(ask(synward.socket, "POST"))
                    wait_until(lambda: json.loads(ask(synward.socket, "GET"))["done"] >= number, "the reload to end")
                    if number in (100, 500):  # later, what new connections touch of the tables grows
                        resident.append(synward.resident_kib())
            finally:
                over.set()
            loaded.result()
    reloads = synward.stats()["reload"]
    assert (reloads["reloads"], reloads["failed"], reloads["outcome"]) == (1000, 0, "applied")
    if b"__asan_init" not in pathlib.Path(binary()).read_bytes():  # whose allocator keeps what is freed, and which looks for leaks itself
        assert resident[1] < resident[0] + 4096, resident
    web.kill()
    # On a busy machine; and what clients say who end while their server still speaks.
    maybe = ("spent_cookie", "syn_budget", "tx_full", "hold_full", "rst_outside_window")
    expect(lambda: present(path.total()["drops"] | dict.fromkeys(maybe, 0)), {})
    synward.stop()
